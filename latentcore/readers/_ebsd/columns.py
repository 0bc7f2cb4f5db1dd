"""Every map of a vendor's scan, under the names of the rest of the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import CrystalSymmetry, ScanGrid, ScanMaps, SourceRef, UnitCell
from latentcore.errors import MalformedFileError, UnsafeFileError
from latentcore.hdf5 import follow
from latentcore.readers._columns import MOST_CATEGORIES
from latentcore.readers._ebsd.fields import (
    Phase,
    as_float32,
    children,
    column,
    columns_of,
    unit_attribute,
    visible,
)
from latentcore.readers._ebsd.scan import Options, Part, Vendor

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

    def add(self, name: str, values: NDArray[np.generic], unit: str) -> str:
        """Add a map; a name that is taken gets a number. Return the name."""
        taken, number = name, 2
        while taken in self.values:
            taken, number = f"{name} ({number})", number + 1
        self.values[taken] = as_float32(values)
        self.units[taken] = unit
        return taken

    def add_euler(
        self, degrees: NDArray[np.float64], convention: str, names: Sequence[str] = _EULER
    ) -> None:
        """Add Bunge's angles in °, shape (3, n), and what they mean."""
        for name, values in zip(names, degrees, strict=True):
            self.add(name, values, "°")
        self.euler_convention = convention

    def add_labels(self, name: str) -> None:
        """Tell that a map's whole numbers are labels, of grains or the like."""
        present = np.unique(self.values[name][np.isfinite(self.values[name])])
        if 0 < len(present) <= MOST_CATEGORIES and (present == np.rint(present)).all():
            self.categories[name] = {number: str(number) for number in map(int, present)}

    def describe_phases(self, phases: Mapping[int, Phase], name: str = _PHASE) -> None:
        """Say what the numbers of a map of phases mean; phases of one name carry their number."""
        self.categories[name] = _phase_names(self.values[name], phases)
        if name != _PHASE:
            return
        self.symmetries.update(
            {number: one.symmetry for number, one in phases.items() if one.symmetry is not None}
        )
        self.cells.update({number: one.cell for number, one in phases.items()})

    def scan_maps(
        self,
        grid: ScanGrid,
        ref: SourceRef,
        fingerprint: str,
        *,
        notes: Sequence[str] = (),
        dropped: int = 0,
    ) -> ScanMaps:
        """Return the maps of a scan whose n points are those of a grid."""
        return ScanMaps(
            values=np.stack(list(self.values.values())),
            names=tuple(self.values),
            units=tuple(self.units.values()),
            grid=grid,
            categories=self.categories,
            symmetries=self.symmetries,
            cells=self.cells,
            euler_convention=self.euler_convention,
            notes=tuple(notes),
            dropped=dropped,
            ref=ref,
            fingerprint=fingerprint,
        )


def read_columns(
    vendor: Vendor, file: h5py.File, scan: str, n: int, options: Options | None = None
) -> MapColumns:
    """Read the maps of a scan of n points."""
    parts = vendor.parts(file, scan, options or {})
    names = {part.folder: _names_in(vendor, file, part.folder, n) for part in parts}
    beside = [*_eds(file, scan, n), *vendor.more_maps(file, scan, n)]
    declared = sum(len(found) + len(_EULER) for found in names.values()) + len(beside)
    refuse_hollow(file, n, declared)
    maps = MapColumns()
    for part in parts:
        _add_part(maps, vendor, file, part, names[part.folder], vendor.unindexed(file, scan, n))
    for called, key, unit in beside:
        maps.add(called, column(file, key), unit_attribute(file, key) or unit)
    if not maps.values:
        message = (
            f"{Path(file.filename).name!r} holds no maps: {parts[0].folder!r} has no dataset with "
            "one value per point. Open it for its patterns, or export the maps as well."
        )
        raise MalformedFileError(message)
    for name in filter(vendor.is_label, maps.values):
        maps.add_labels(name)
    return maps


def _names_in(vendor: Vendor, file: h5py.File, folder: str, n: int) -> list[str]:
    """Return the datasets of a folder that are maps, in the order in which they are shown."""
    columns = columns_of(file, folder, n, several=vendor.best_first)
    names = (name for name in columns if name not in vendor.not_maps)
    return sorted(names, key=lambda name: _rank(vendor, vendor.renamed.get(name, name)))


def _add_part(
    maps: MapColumns,
    vendor: Vendor,
    file: h5py.File,
    part: Part,
    names: list[str],
    unindexed: NDArray[np.bool_] | None,
) -> None:
    for name in names:
        key = f"{part.folder}/{name}"
        called = part.called(vendor.renamed.get(name, name), maps.values)
        taken = maps.add(
            called, column(file, key), unit_attribute(file, key) or vendor.units.get(name, "")
        )
        if name in vendor.codes:
            maps.categories[taken] = _code_names(maps.values[taken], vendor.codes[name])
        if vendor.renamed.get(name, name) == _PHASE:
            maps.describe_phases(part.phases, taken)
    _add_euler(maps, vendor, file, part, unindexed)


def _rank(vendor: Vendor, called: str) -> tuple[int, str]:
    order = vendor.first
    return (order.index(called) if called in order else len(order), called)


def _add_euler(
    maps: MapColumns,
    vendor: Vendor,
    file: h5py.File,
    part: Part,
    unindexed: NDArray[np.bool_] | None,
) -> None:
    keys = [f"{part.folder}/{name}" for name in vendor.euler]
    angles = _euler_angles(file, keys, part.n)
    if angles is None:
        return
    if unindexed is not None:
        angles[:, unindexed] = np.nan
    unit = unit_attribute(file, keys[0]) or vendor.euler_unit
    maps.add_euler(
        angles if unit == "°" else _degrees(angles),
        vendor.euler_convention,
        [part.called(name, maps.values) for name in _EULER],
    )


def _degrees(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):  # numbers of a damaged file
        return np.degrees(angles)


def _euler_angles(file: h5py.File, keys: list[str], n: int) -> NDArray[np.float64] | None:
    """Return Bunge's angles as the file gives them, shape (3, n); None without them."""
    found = [follow(file, key) for key in keys]
    shapes: list[tuple[int, ...]] = [
        (entry.shape or (0,)) if isinstance(entry, h5py.Dataset) else () for entry in found
    ]
    if len(keys) == 1:
        if shapes[0] != (n, 3):
            return None
        whole = np.asarray(column(file, keys[0], slice(None)))
    elif any(len(shape) not in (1, 2) or shape[0] != n or 0 in shape for shape in shapes):
        return None
    else:
        whole = np.stack([column(file, key) for key in keys], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(whole.T, np.float64)


def _phase_names(values: NDArray[np.float32], phases: Mapping[int, Phase]) -> dict[int, str]:
    """Return the name of each phase that occurs."""
    texts = {number: visible(phase.name) for number, phase in phases.items()}
    # One phase may have two numbers: EDAX calls the only one 0.
    different = {id(phase): texts[number] for number, phase in phases.items()}
    times = Counter(different.values())
    names = {}
    for number in _present(values):
        text = texts.get(number) or (_NOT_INDEXED if number <= 0 else f"phase {number}")
        names[number] = f"{text} ({number})" if times[text] > 1 else text
    return names


def _code_names(values: NDArray[np.float32], codes: Mapping[int, str]) -> dict[int, str]:
    """Return what each code that occurs means."""
    return {number: codes.get(number, f"code {number}") for number in _present(values)}


def _present(values: NDArray[np.float32]) -> list[int]:
    present = np.unique(values[np.isfinite(values)])
    # Whole numbers that no file has so many of, or so large, are no phases and no codes.
    numbers = present[(present == np.rint(present)) & (np.abs(present) < _LARGEST_PHASE)]
    found: list[int] = numbers[:_LARGEST_PHASE].astype(np.int64).tolist()
    return found


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


def refuse_hollow(file: h5py.File, n: int, k: int) -> None:
    """Refuse a file that declares far more than it stores, before k maps of n points are made."""
    name = Path(file.filename)
    declared = 4 * n * k
    stored = name.stat().st_size
    if k > _MOST_MAPS or (declared > _TRUSTED_BYTES and declared > stored * _MOST_UNPACKING):
        message = (
            f"{name.name!r} declares {k} maps of {n:,} points, {declared:,} bytes, but stores "
            f"{stored:,}; refused. Export the scan again."
        )
        raise UnsafeFileError(message)
