"""The phases of a scan: names, and the symmetry by whichever of its names the file gives."""

from __future__ import annotations

import re
from dataclasses import dataclass

import h5py

from latentcore.containers import CrystalSymmetry
from latentcore.readers._ebsd.fields import children, number
from latentcore.readers._hdf5 import follow, text

__all__ = ["Phase", "listed_phases"]

_SPACE_GROUPS = ("Space Group", "space_group", "SpaceGroup", "IT")
_POINT_GROUPS = ("point_group", "Point Group", "Laue Group")
# International Tables for Crystallography A: the cubic space groups of Laue class m-3m, and the
# hexagonal ones of Laue class 6/mmm.
_CUBIC = range(207, 231)
_HEXAGONAL = range(177, 195)
_CUBIC_NAMES = re.compile(r"m-?3m|432|-43m")
_HEXAGONAL_NAMES = re.compile(r"6/mmm|622|6mm|-6m2")


@dataclass(frozen=True)
class Phase:
    """A phase of a scan: its name, and its symmetry where the file tells it."""

    name: str
    symmetry: CrystalSymmetry | None = None


def listed_phases(
    file: h5py.File, folder: str, names: tuple[str, ...], hexagonal_x: str
) -> dict[int, Phase]:
    """Return the phases of a folder whose groups are called by their numbers.

    Parameters
    ----------
    file : h5py.File
    names : tuple of str
        Datasets that may hold a phase's name, the best first.
    hexagonal_x : str
        Which hexagonal axis the vendor takes for x.
    """
    phases = {}
    for key in children(file, folder):
        if key.isdecimal() and len(key) < 4:
            at = f"{folder}/{key}"
            called = next(filter(None, (text(file, f"{at}/{name}") for name in names)), "")
            phases[int(key)] = Phase(called or f"phase {key}", _symmetry_of(file, at, hexagonal_x))
    return phases


def _symmetry_of(file: h5py.File, phase: str, hexagonal_x: str) -> CrystalSymmetry | None:
    """Return a phase's symmetry; None where the file doesn't tell, or it is another one."""
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
