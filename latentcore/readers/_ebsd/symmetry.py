"""The symmetry of a phase, from whichever of its names the file gives."""

from __future__ import annotations

import re

import h5py

from latentcore.containers import CrystalSymmetry
from latentcore.readers._ebsd.fields import number
from latentcore.readers._hdf5 import follow, text

__all__ = ["symmetry_of"]

_SPACE_GROUPS = ("Space Group", "space_group", "SpaceGroup", "IT")
_POINT_GROUPS = ("point_group", "Point Group", "Laue Group")
# International Tables for Crystallography A: the cubic space groups of Laue class m-3m, and the
# hexagonal ones of Laue class 6/mmm.
_CUBIC = range(207, 231)
_HEXAGONAL = range(177, 195)
_CUBIC_NAMES = re.compile(r"m-?3m|432|-43m")
_HEXAGONAL_NAMES = re.compile(r"6/mmm|622|6mm|-6m2")


def symmetry_of(file: h5py.File, phase: str, hexagonal_x: str) -> CrystalSymmetry | None:
    """Return the Laue class of a phase; None where the file doesn't tell, or it is another one.

    Parameters
    ----------
    file : h5py.File
    phase : str
        The phase's group.
    hexagonal_x : str
        Which hexagonal axis the vendor takes for x.
    """
    laue = _from_space_group(file, phase) or _from_point_group(file, phase)
    return None if laue is None else CrystalSymmetry(laue, hexagonal_x)


def _from_space_group(file: h5py.File, phase: str) -> str | None:
    for name in _SPACE_GROUPS:
        key = f"{phase}/{name}"
        found = follow(file, key)
        if isinstance(found, h5py.Dataset) and found.size == 1 and found.dtype.kind in "iu":
            group = int(number(file, key) or 0)
            return "m-3m" if group in _CUBIC else "6/mmm" if group in _HEXAGONAL else None
    return None


def _from_point_group(file: h5py.File, phase: str) -> str | None:
    for name in _POINT_GROUPS:
        called = text(file, f"{phase}/{name}")
        if _HEXAGONAL_NAMES.search(called):
            return "6/mmm"
        if _CUBIC_NAMES.search(called):
            return "m-3m"
    return None
