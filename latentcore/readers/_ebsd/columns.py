"""Every map of a vendor's scan, under the names of the rest of the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import CrystalSymmetry, UnitCell
from latentcore.errors import MalformedFileError, UnsafeFileError
from latentcore.readers._ebsd.fields import (
    Phase,
    as_float32,
    children,
    column,
    columns_of,
    unit_attribute,
    visible,
)
from latentcore.readers._ebsd.scan import Vendor
from latentcore.readers._hdf5 import follow

_PHASE = "phase"
_EULER = ("phi1", "Phi", "phi2")
_NOT_INDEXED = "not indexed"
# More maps than any vendor writes, and more memory than the whole file can unpack to.
_MOST_MAPS = 400
_LARGEST_PHASE = 10_000
_TRUSTED_BYTES = 1 << 28
_MOST_UNPACKING = 1_100
# Groups of EDS maps, with the unit of theirs.
_EDS_UNITS = {"Composition": "%", "Composition Sigma": "%", "Apparent Concentration": "%",
              "Window Integral": "counts/s", "Peak Area": "counts/s"}  # fmt: skip


@dataclass
class MapColumns:
    """k maps of n points, in the order in which they are shown.

    Attributes
    ----------
    values : dict of str to ndarray, shape (n,)
    """

    values: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    categories: dict[str, Mapping[int, str]] = field(default_factory=dict)
    symmetries: dict[int, CrystalSymmetry] = field(default_factory=dict)
    cells: dict[int, UnitCell] = field(default_factory=dict)
    euler_convention: str = ""

    def add(self, name: str, values: NDArray[np.generic], unit: str) -> None:
        """Add a map; a name that is taken gets a number."""
        taken, number = name, 2
        while taken in self.values:
            taken, number = f"{name} ({number})", number + 1
        self.values[taken] = as_float32(values)
        self.units[taken] = unit

    def describe_phases(self, phases: Mapping[int, Phase]) -> None:
        """Say what the numbers of the map of phases mean; phases of one name carry their number."""
        self.categories[_PHASE] = _phase_names(self.values[_PHASE], phases)
        self.symmetries.update(
            {number: one.symmetry for number, one in phases.items() if one.symmetry is not None}
        )
        self.cells.update({number: one.cell for number, one in phases.items()})


def read_columns(vendor: Vendor, file: h5py.File, scan: str, n: int) -> MapColumns:
    """Read the maps of a scan of n points."""
    folder = f"{scan}/{vendor.data}"
    names = [name for name in columns_of(file, folder, n) if name not in vendor.not_maps]
    eds = _eds(file, scan, n)
    _refuse_hollow(file, n, len(names) + len(eds) + len(_EULER))
    maps = MapColumns()
    for name in sorted(names, key=lambda name: _rank(vendor, vendor.renamed.get(name, name))):
        key = f"{folder}/{name}"
        called = vendor.renamed.get(name, name)
        maps.add(called, column(file, key), unit_attribute(file, key) or vendor.units.get(name, ""))
    _add_euler(maps, vendor, file, scan, n)
    for called, key, unit in eds:
        maps.add(called, column(file, key), unit_attribute(file, key) or unit)
    if not maps.values:
        message = (
            f"{Path(file.filename).name!r} holds no maps: {folder!r} has no dataset with one "
            "value per point. Open it for its patterns, or export the maps as well."
        )
        raise MalformedFileError(message)
    if _PHASE in maps.values:
        maps.describe_phases(vendor.phases(file, scan))
    return maps


def _rank(vendor: Vendor, called: str) -> tuple[int, str]:
    order = vendor.first
    return (order.index(called) if called in order else len(order), called)


def _add_euler(maps: MapColumns, vendor: Vendor, file: h5py.File, scan: str, n: int) -> None:
    angles = _euler_angles(vendor, file, scan, n)
    if angles is None:
        return
    unindexed = vendor.unindexed(file, scan, n)
    if unindexed is not None:
        angles[:, unindexed] = np.nan
    unit = unit_attribute(file, f"{scan}/{vendor.data}/{vendor.euler[0]}") or vendor.euler_unit
    with np.errstate(over="ignore", invalid="ignore"):  # numbers of a damaged file
        degrees = angles if unit == "°" else np.degrees(angles)
    for name, values in zip(_EULER, degrees, strict=True):
        maps.add(name, values, "°")
    maps.euler_convention = vendor.euler_convention


def _euler_angles(vendor: Vendor, file: h5py.File, scan: str, n: int) -> NDArray[np.float64] | None:
    """Return Bunge's angles as the file gives them, shape (3, n); None without them."""
    keys = [f"{scan}/{vendor.data}/{name}" for name in vendor.euler]
    found = [follow(file, key) for key in keys]
    shapes = [(entry.shape or (0,)) if isinstance(entry, h5py.Dataset) else () for entry in found]
    if len(keys) == 1:
        if shapes[0] != (n, 3):
            return None
        keys = keys * 3
    elif any(not shape or shape[0] != n for shape in shapes):
        return None
    parts = (0, 1, 2) if len(vendor.euler) == 1 else (0, 0, 0)
    angles = [column(file, key, part) for key, part in zip(keys, parts, strict=True)]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.stack([np.asarray(angle, np.float64) for angle in angles])


def _phase_names(values: NDArray[np.float32], phases: Mapping[int, Phase]) -> dict[int, str]:
    """Return the name of each phase that occurs."""
    present = np.unique(values[np.isfinite(values)])
    # Whole numbers that no file has so many of, or so large, are no phases.
    numbers = present[(present == np.rint(present)) & (np.abs(present) < _LARGEST_PHASE)]
    texts = {number: visible(phase.name) for number, phase in phases.items()}
    # One phase may have two numbers: EDAX calls the only one 0.
    different = {id(phase): texts[number] for number, phase in phases.items()}
    times = Counter(different.values())
    names = {}
    for number in numbers[:_LARGEST_PHASE].astype(np.int64).tolist():
        text = texts.get(number) or (_NOT_INDEXED if number <= 0 else f"phase {number}")
        names[number] = f"{text} ({number})" if times[text] > 1 else text
    return names


def _eds(file: h5py.File, scan: str, n: int) -> list[tuple[str, str, str]]:
    """Return (name, key, unit) of the maps that EDS took at the same points.

    A name that two groups use (``Al`` as composition and as its sigma) carries its group's.
    """
    found: list[tuple[str, str, str]] = []
    for technique in (name for name in children(file, scan) if name.upper().startswith("EDS")):
        data = f"{scan}/{technique}/Data"
        groups = [data, *(f"{data}/{name}" for name in children(file, data))]
        for group in groups:
            kind = group.rpartition("/")[2]
            label = "" if kind in ("Data", "Composition") else f" ({kind})"
            unit = _EDS_UNITS.get(kind, "")
            found += [(f"{name}{label}", f"{group}/{name}", unit)
                      for name in columns_of(file, group, n)]  # fmt: skip
    return found


def _refuse_hollow(file: h5py.File, n: int, k: int) -> None:
    name = Path(file.filename)
    declared = 4 * n * k
    stored = name.stat().st_size
    if k > _MOST_MAPS or (declared > _TRUSTED_BYTES and declared > stored * _MOST_UNPACKING):
        message = (
            f"{name.name!r} declares {k} maps of {n:,} points, {declared:,} bytes, but stores "
            f"{stored:,}; refused. Export the scan again."
        )
        raise UnsafeFileError(message)
