"""The two readers of each vendor: one of its patterns, one of its maps."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, ScanGrid, ScanMaps, SourceRef, default_sample_ids
from latentcore.errors import MalformedFileError
from latentcore.hdf5 import open_checked, open_hdf5
from latentcore.readers._ebsd.columns import read_columns
from latentcore.readers._ebsd.scan import Vendor
from latentcore.readers._peek import Peek
from latentcore.readers._rows import RowsSource, written_rows
from latentcore.storage import content_fingerprint, local_path


class VendorSamples:
    """Reader of a vendor's patterns."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        datasets = " or ".join(repr(dataset) for dataset in vendor.patterns.values())
        self.description = f"{vendor.label} scan: its Kikuchi patterns."
        self.wants = f"a file of {vendor.label.split()[0]} with {datasets}"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether the vendor wrote it, and patterns are in it."""
        if not self._vendor.claims(peek):
            return False
        with open_hdf5(peek.path) as file:
            scans = self._vendor.scans(file)
            return any(self._vendor.patterns_key(file, scan, {}) for scan in scans)

    def choices(self, path: Path) -> dict[str, tuple[str, ...]]:
        """Return what there is to choose from, by option."""
        with open_hdf5(path) as file:
            return self._vendor.choices(file)

    def open(self, ref: SourceRef) -> SampleSource:
        """Open a scan's patterns."""
        path = local_path(ref.location)
        file = open_checked(path)
        try:
            return self._source(ref, path, file)
        except BaseException:
            file.close()
            raise

    def _source(self, ref: SourceRef, path: Path, file: h5py.File) -> SampleSource:
        vendor = self._vendor
        scan = vendor.chosen_scan(file, ref.options)
        key = vendor.patterns_key(file, scan, ref.options)
        if key is None:
            message = (
                f"{path.name!r} is an {vendor.label} scan, but {scan!r} was saved without "
                f"patterns. Its maps can be read all the same. {vendor.pattern_hint}".strip()
            )
            raise MalformedFileError(message)
        rows, notes = written_rows(vendor.rows(file, key))
        placed = vendor.placed(file, scan, len(rows), ref.options)
        return RowsSource(
            ref=ref,
            paths=(path,),
            rows=rows,
            sample_ids=default_sample_ids(len(rows)),
            grid=placed.grid,
            notes=(*vendor.scan_notes(file, scan), *notes, *placed.notes),
        )


class VendorMaps:
    """Reader of a vendor's maps."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self.description = f"{vendor.label} scan: maps of quality, phase, orientation, elements."
        self.wants = f"a file of {vendor.label.split()[0]} with maps of a scan"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether the vendor wrote it, and maps are in it."""
        if not self._vendor.claims(peek):
            return False
        with open_hdf5(peek.path) as file:
            scans = self._vendor.scans(file)
            return any(self._vendor.has_maps(file, scan, peek.options) for scan in scans)

    def choices(self, path: Path) -> dict[str, tuple[str, ...]]:
        """Return what there is to choose from, by option."""
        with open_hdf5(path) as file:
            return self._vendor.choices(file)

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read every map of a scan; errors as `VendorSamples.open`."""
        path = local_path(ref.location)
        vendor = self._vendor
        with open_hdf5(path) as file:
            scan = vendor.chosen_scan(file, ref.options)
            n = vendor.points(file, scan)
            maps = read_columns(vendor, file, scan, n, ref.options)
            placed = vendor.placed(file, scan, n, ref.options)
            if placed.grid is None:
                message = (
                    f"{path.name!r} doesn't say where its points are, so there are no maps of "
                    "them. Give the reader's option shape=ROWSxCOLUMNS."
                )
                raise MalformedFileError(message)
            values = np.stack(list(maps.values.values()))
            inside = _inside(vendor.left_out(file, scan, values), values, path.name)
            left = _left_out(inside, vendor.left_out_as)
            notes = (*vendor.scan_notes(file, scan), *placed.notes, *left)
            return ScanMaps(
                values=values if inside.all() else values[:, inside],
                names=tuple(maps.values),
                units=tuple(maps.units.values()),
                grid=placed.grid if inside.all() else _grid_of(placed.grid, inside),
                categories=maps.categories,
                symmetries=maps.symmetries,
                cells=maps.cells,
                euler_convention=maps.euler_convention,
                notes=notes,
                dropped=n - int(inside.sum()),
                ref=ref,
                fingerprint=content_fingerprint(path),
            )


def _inside(
    outside: NDArray[np.bool_] | None, values: NDArray[np.float32], name: str
) -> NDArray[np.bool_]:
    """Tell which points belong to the scan."""
    if outside is None:
        return np.ones(values.shape[1], np.bool_)
    if outside.all():
        message = f"{name!r} says of all its {len(outside):,} points that they hold no data."
        raise MalformedFileError(message)
    return ~outside


def _grid_of(whole: ScanGrid, inside: NDArray[np.bool_]) -> ScanGrid:
    """Return the grid of some points, of the whole one's shape.

    Programs without hexagonal grids hold them as every second node of a square one.
    """
    part = whole.take(inside)
    try:
        own = ScanGrid.from_coordinates(part.x, part.y, unit=part.unit)
    except MalformedFileError:
        return part
    return own if own.hexagonal and not part.hexagonal else part


def _left_out(inside: NDArray[np.bool_], why: str) -> tuple[str, ...]:
    if inside.all():
        return ()
    count = int((~inside).sum())
    return (f"{count:,} of {len(inside):,} points {why}, and are left out.",)
