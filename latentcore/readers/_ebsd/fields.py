"""The small values of a vendor's file: texts, numbers, the columns of a group, the phases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import CrystalSymmetry, UnitCell
from latentcore.containers.crystals import (
    LAUE_GROUPS,
    laue_of_point_group,
    laue_of_space_group,
)
from latentcore.errors import MalformedFileError
from latentcore.hdf5 import attribute_value, dataset, follow, load, text

# A letter per kind of plain value; a mask counts as a column of zeros and ones.
_PLAIN = "iufb"
_LONGEST_NAME = 80
# The micro sign, and the Greek letter.
_UNITS = {"um": "µm", "μm": "µm", "micron": "µm", "microns": "µm", "deg": "°", "degrees": "°"}


def children(file: h5py.File, key: str) -> tuple[str, ...]:
    """Return the names in a group, none where there is no such group."""
    found = follow(file, key)
    return tuple(found) if isinstance(found, h5py.Group) else ()


def number(file: h5py.File, key: str) -> float | None:
    """Return a header's number, stored as a scalar or as an array of one; None without it."""
    if follow(file, key) is None:
        return None
    found = dataset(file, key)
    value = float(np.ravel(load(found))[0]) if found.size == 1 else np.nan
    if not np.isfinite(value):
        message = (
            f"{key!r} of {Path(file.filename).name!r} should be one number, but has shape "
            f"{found.shape}" + (" and is not finite." if found.size == 1 else ".")
        )
        raise MalformedFileError(message)
    return value


def points_in(file: h5py.File, key: str, *, several: bool = False) -> int:
    """Return for how many points a dataset holds one value each, or several; 0 if it doesn't."""
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in _PLAIN:
        return 0
    shape: tuple[int, ...] = found.shape or ()
    one_each = len(shape) == 1 or (len(shape) == 2 and shape[1] > 0 and (several or shape[1] == 1))
    return shape[0] if one_each else 0


def column(file: h5py.File, key: str, part: int | slice = 0) -> NDArray[np.generic]:
    """Return one value per point: the dataset (n,), or one or some columns of a dataset (n, k)."""
    found = dataset(file, key, kinds=_PLAIN)
    return load(found, np.s_[:, part] if found.ndim > 1 else ())


def as_float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return values as maps hold them; one that no float32 can be is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(np.float32, copy=False)
    infinite = np.isinf(narrow)
    return np.where(infinite, np.float32(np.nan), narrow) if infinite.any() else narrow


def unit_attribute(file: h5py.File, key: str) -> str:
    """Return the unit that a dataset's attribute ``Unit`` names, as it is printed."""
    found = follow(file, key)
    value = (attribute_value(found, "Unit") if found is not None else None) or ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return printed_unit(text)


def printed_unit(text: str) -> str:
    """Return a unit as it is printed here."""
    return _UNITS.get(text.strip().lower(), visible(text)[:20])


def columns_of(file: h5py.File, group: str, n: int, *, several: bool = False) -> Iterator[str]:
    """Yield the names of a group's datasets with one plain value for each of n points."""
    for name in children(file, group):
        if points_in(file, f"{group}/{name}", several=several) == n:
            yield name


def visible(text: str) -> str:
    """Return a text from a file on one line, without signs that don't show, and not too long."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 8 * _LONGEST_NAME])
    short = " ".join(plain.split())
    return short if len(short) <= _LONGEST_NAME else f"{short[: _LONGEST_NAME - 1]}…"


_SPACE_GROUPS = ("Space Group", "space_group", "SpaceGroup", "IT")
_POINT_GROUPS = ("point_group", "Point Group", "Laue Group")
# EDAX' numbers of symmetries, as .ang files have them, too.
EDAX_SYMMETRIES = {
    43: "m-3m", 23: "m-3", 62: "6/mmm", 6: "6/m", 32: "-3m", 3: "-3", 42: "4/mmm", 4: "4/m",
    22: "mmm", 20: "2/m", 2: "2/m", 1: "-1",
}  # fmt: skip
_CONSTANTS = ("a", "b", "c", "alpha", "beta", "gamma")
# No crystal's longest axis is as short, in Å; EMsoft, and files made from it, write nm.
_SHORTEST_CELL = 1.9
_UNKNOWN_CELL = UnitCell()


@dataclass(frozen=True)
class Phase:
    """A phase of a scan: its name, and its symmetry and unit cell where the file has them."""

    name: str
    symmetry: CrystalSymmetry | None = None
    cell: UnitCell = _UNKNOWN_CELL


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
            phases[int(key)] = Phase(
                called or f"phase {key}",
                _symmetry_of(file, at, hexagonal_x),
                UnitCell(_lattice_of(file, at), _space_group_of(file, at)),
            )
    return phases


def _symmetry_of(file: h5py.File, phase: str, hexagonal_x: str) -> CrystalSymmetry | None:
    """Return a phase's symmetry; None where the file lacks it."""
    laue = (
        laue_of_space_group(_space_group_of(file, phase))
        or _from_point_group(file, phase)
        or _from_numbers(file, phase)
    )
    return None if laue is None else CrystalSymmetry(laue, hexagonal_x)


def _space_group_of(file: h5py.File, phase: str) -> int:
    """Return the number of a phase's space group, 0 where the file lacks it."""
    for name in _SPACE_GROUPS:
        key = f"{phase}/{name}"
        found = follow(file, key)
        if isinstance(found, h5py.Dataset) and found.size == 1 and found.dtype.kind in "iu":
            group = int(number(file, key) or 0)
            return group if group in range(1, 231) else 0
    return 0


def _lattice_of(file: h5py.File, phase: str) -> tuple[float, ...]:
    """Return a, b, c in Å and α, β, γ in °; nothing where the file lacks them or they can't be."""
    lengths = _numbers(file, f"{phase}/Lattice Dimensions", 3)
    angles = tuple(map(math.degrees, _numbers(file, f"{phase}/Lattice Angles", 3)))
    by_letter = (_numbers(file, f"{phase}/Lattice Constant {name}", 1) for name in _CONSTANTS)
    found = next(
        filter(lambda numbers: len(numbers) == 6, (
            lengths + angles,  # Oxford
            tuple(itertools.chain(*by_letter)),  # EDAX
            _numbers(file, f"{phase}/LatticeConstants", 6),  # Bruker
            _numbers(file, f"{phase}/structure/lattice/abcABG", 6),  # orix
        )),
        (),
    )  # fmt: skip
    return plausible_lattice(found)


def plausible_lattice(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return a, b, c and α, β, γ in Å and °, from nm where they are; nothing if they can't be."""
    if len(numbers) != 6 or not all(map(math.isfinite, numbers)):
        return ()
    lengths, angles = numbers[:3], numbers[3:]
    if min(lengths) <= 0 or not all(0 < angle < 180 for angle in angles):
        return ()
    scale = 10 if max(lengths) < _SHORTEST_CELL else 1
    # The digits that a float32 holds, in radians too.
    return (*(round(scale * one, 5) for one in lengths), *(round(one, 4) for one in angles))


def _numbers(file: h5py.File, key: str, count: int) -> tuple[float, ...]:
    """Return a dataset of so many finite numbers; nothing where there is none such."""
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset) or found.size != count or found.dtype.kind not in "iuf":
        return ()
    values = np.ravel(load(found)).astype(np.float64)
    return tuple(values.tolist()) if np.isfinite(values).all() else ()


def _from_point_group(file: h5py.File, phase: str) -> str | None:
    found = (laue_of_point_group(text(file, f"{phase}/{name}")) for name in _POINT_GROUPS)
    return next(filter(None, found), None)


def _from_numbers(file: h5py.File, phase: str) -> str | None:
    """Return the Laue group that Oxford's or EDAX' number means."""
    for name, groups in (
        ("Laue Group", dict(enumerate(LAUE_GROUPS, start=1))),
        ("Symmetry", EDAX_SYMMETRIES),
    ):
        value = _numbers(file, f"{phase}/{name}", 1)
        if value and value[0] in groups:
            return groups[int(value[0])]
    return None
