"""EDAX APEX: ``.edaxh5``, the maps of scans whose patterns are in ``.up1`` or ``.up2`` files.

Facts, from the reader of pynxtools-em, as the format is not published: below project, specimen
and area each group of a scan holds ``EBSD/ANG/DATA/DATA``, one record per point, row by row, and
``Sample`` with columns, rows, steps (µm) and grid type; phases count from 0 there, from 1 in the
header, and −1 is not indexed. Orientations are matrices whose frames nobody has published: they
are left out, rather than given wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

from latentcore.containers import ScanMaps, SourceRef
from latentcore.errors import MalformedFileError, RequestError, UnsafeFileError
from latentcore.hdf5 import follow, open_hdf5, text
from latentcore.readers import MAPS_READERS, register_reader
from latentcore.readers._ebsd.columns import MapColumns
from latentcore.readers._ebsd.fields import children, listed_phases, number, visible
from latentcore.readers._patterns.up import HeaderGrid, placed_by_header
from latentcore.readers._peek import Peek
from latentcore.storage import content_fingerprint, local_path

_RECORDS = "EBSD/ANG/DATA/DATA"
_PHASES = "EBSD/ANG/HEADER/Phase"
_DEPTH = 5
_MOST_GROUPS = 100
_FIRST = ("IQ", "Phase", "CI", "Fit", "SEM Signal")
_UNITS = {"Fit": "°"}
_MOST_FIELDS = 200
_MOST_UNPACKING = 1_100
_NO_ANGLES = (
    "Orientations are left out: this format keeps them as matrices, in frames that are not "
    "published. Export an .ang for them."
)


@register_reader(MAPS_READERS, "edax-apex")
class EdaxApex:
    """Reader of APEX' maps."""

    description = "EDAX APEX .edaxh5 scan: maps of quality and phase."
    wants = "an .edaxh5 with 'EBSD/ANG/DATA/DATA' in a group of a scan"

    def recognizes(self, peek: Peek) -> bool:
        """Tell by the name, and by the records of a scan, which lie at any depth."""
        if not (peek.is_hdf5 and peek.name.endswith(".edaxh5")) or peek.manufacturer:
            return False
        with open_hdf5(peek.path) as file:
            return next(_scans(file), None) is not None

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read the maps of the scan that ``scan`` names, else of the first."""
        path = local_path(ref.location)
        with open_hdf5(path) as file:
            scans = list(_scans(file))
            scan = _chosen(scans, ref, path.name)
            records = follow(file, f"{scan}/{_RECORDS}")
            assert isinstance(records, h5py.Dataset)
            _refuse_hollow(records, path)
            entries = ("Number Of Columns", "Number Of Rows", "Step X", "Step Y")
            columns, rows, dx, dy = (number(file, f"{scan}/Sample/{one}") or 0 for one in entries)
            hexagonal = "hex" in text(file, f"{scan}/Sample/Grid Type").lower()
            header = HeaderGrid(int(columns), int(rows), hexagonal, (dx, dy))
            grid, _, notes = placed_by_header(header, len(records), path.name)
            maps = _columns(file, scan, records)
        if len(scans) > 1:
            names = ", ".join(visible(one) for one in scans[:8])
            notes += (f"The file holds {len(scans)} scans: {names}. This is {visible(scan)!r}.",)
        return maps.scan_maps(grid, ref, content_fingerprint(path), notes=(*notes, _NO_ANGLES))


def _scans(file: h5py.File, at: str = "", depth: int = _DEPTH) -> Iterator[str]:
    """Yield the groups of scans, in the file's order."""
    # Projects, specimens, areas and scans are few; what holds thousands of groups is none.
    for name in children(file, at or "/")[:_MOST_GROUPS] if depth else ():
        key = f"{at}/{name}".lstrip("/")
        found = follow(file, key)
        if not isinstance(found, h5py.Group):
            continue
        records = follow(file, f"{key}/{_RECORDS}")
        if isinstance(records, h5py.Dataset) and records.dtype.names:
            yield key
        else:
            yield from _scans(file, key, depth - 1)


def _chosen(scans: list[str], ref: SourceRef, name: str) -> str:
    unknown = sorted(set(ref.options) - {"scan"})
    if unknown:
        message = f"The reader of .edaxh5 files has no option {unknown[0][:40]!r}. It has: scan."
        raise RequestError(message)
    if not scans:
        message = f"{name!r} holds no scan with {_RECORDS!r}. Export it again from APEX."
        raise MalformedFileError(message)
    asked = str(ref.options.get("scan", scans[0])).strip()
    found = [scan for scan in scans if asked in (scan, scan.rpartition("/")[2])]
    if not found:
        message = (
            f"{name!r} has no scan {visible(asked)!r}. It has: "
            f"{', '.join(repr(visible(one)) for one in scans[:8])}."
        )
        raise RequestError(message)
    return found[0]


def _columns(file: h5py.File, scan: str, records: h5py.Dataset) -> MapColumns:
    """Read each field of one plain number."""
    names = [
        name for name in records.dtype.names if records.dtype[name].kind in "iufb"
        and not records.dtype[name].shape
    ]  # fmt: skip
    maps = MapColumns()
    order = {name: place for place, name in enumerate(_FIRST)}
    for name in sorted(names, key=lambda one: (order.get(one, len(order)), one)):
        called = "phase" if name == "Phase" else visible(name)
        maps.add(called, records.fields(name)[()], _UNITS.get(name, ""))
    if not maps.values:
        message = f"The records of {visible(scan)!r} hold no plain number, so there are no maps."
        raise MalformedFileError(message)
    if "phase" in maps.values:
        listed = listed_phases(file, f"{scan}/{_PHASES}", ("Material Name", "Formula"), "a")
        maps.describe_phases({key - 1: phase for key, phase in listed.items()})
    return maps


def _refuse_hollow(records: h5py.Dataset, path: Path) -> None:
    declared, stored = records.size * records.dtype.itemsize, path.stat().st_size
    if records.ndim != 1 or not records.size or len(records.dtype.names) > _MOST_FIELDS:
        message = (
            f"{path.name!r} keeps records of the shape {records.shape} with "
            f"{len(records.dtype.names)} fields, where one per point belongs. Export it again."
        )
        raise MalformedFileError(message)
    if declared > stored * _MOST_UNPACKING:
        message = (
            f"{path.name!r} declares {declared:,} bytes of records, but stores {stored:,}; "
            "refused. Export the scan again."
        )
        raise UnsafeFileError(message)
