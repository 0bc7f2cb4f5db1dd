"""Regions as JSON, so that they travel: checked wherever it is read.

A region on a scan grid is a list of runs ``[row, first column, length]`` along the rows of the
grid that the file describes; one of samples without a grid is a list of their ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from latentcore.artifacts.json_text import from_json, to_json
from latentcore.artifacts.records import (
    Check,
    Shape,
    count,
    flag,
    listed,
    mapping,
    number,
    one_of,
    optional,
    shaped,
    text,
    unsound,
)
from latentcore.containers import Region, RegionScan, RegionSet
from latentcore.containers.scan_points import Frame, Points, from_runs, to_runs
from latentcore.errors import InputError, MalformedFileError, OtherVersionError, cause
from latentcore.format_versions import WAY_OUT, WRITTEN_BY, other_version

LARGEST = 64 << 20
"""Of a file of regions, in bytes."""

_TYPE = "latentcore-regions"
_VERSION = "1"
_LARGEST_SOURCE = 256 << 10
_MOST_POINTS = 64_000_000
_FARTHEST = 1 << 30


def _several(many: int, check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) == many and all(map(check, value))


_FRAME: Shape = {
    "shape": _several(2, count),
    "origin": _several(2, number),
    "step": _several(2, lambda value: number(value) and value > 0),
    "unit": text,
    "shifted_rows": one_of("none", "odd", "even"),
}
# Files of square grids don't have it.
_NEEDED = tuple(name for name in _FRAME if name != "shifted_rows")
SCAN: Shape = {
    "n": count,
    "frame": optional(shaped(_FRAME, _NEEDED)),
    "of": one_of("samples", "latents", "maps"),
    "fingerprint": text,
}
REGION: Shape = {
    "id": text,
    "name": text,
    "color": text,
    "note": text,
    "hidden": flag,
    "source": mapping,
}
_FILE: Shape = {
    "encoding-type": one_of(_TYPE),
    "encoding-version": one_of(_VERSION),
    "scan": shaped(SCAN, tuple(SCAN)),
    "regions": listed(shaped(REGION, ("name", "color"))),
}


def regions_json(regions: RegionSet) -> str:
    """Return regions as JSON text; `regions_of` reads it."""
    return to_json(plain_regions(regions), indent=None)  # one number a line would be tenfold


def plain_regions(regions: RegionSet) -> dict[str, Any]:
    """Return regions as a JSON-like dictionary."""
    return {
        "encoding-type": _TYPE,
        "encoding-version": _VERSION,
        "versions": WRITTEN_BY,
        "scan": plain_scan(regions.scan),
        "regions": [
            {**plain_region(region), "n": len(region), **plain_points(region.points)}
            for region in regions.regions
        ],
    }


def regions_of(content: str | bytes, name: str = "The text") -> RegionSet:
    """Read regions from JSON text.

    Parameters
    ----------
    content : str or bytes
        Of a file, perhaps a hostile one.
    name : str
        What it is called in messages.

    Raises
    ------
    MalformedFileError
        If it is none of ours, damaged, or too large.
    """
    if len(content) > LARGEST:
        message = (
            f"{name} has {len(content) / 1e6:,.0f} MB; a file of regions has at most "
            f"{LARGEST / 1e6:,.0f} MB."
        )
        raise MalformedFileError(message)
    try:
        plain = from_json(content.decode() if isinstance(content, bytes) else content)
    except ValueError as error:
        message = f"{name} is no JSON, or cut off, so it holds no regions: {cause(error)}."
        raise MalformedFileError(message) from error
    problem = unsound(plain)
    if not problem and not (isinstance(plain, dict) and plain.get("encoding-type") == _TYPE):
        problem = f"has no 'encoding-type': {_TYPE!r}"
    if not problem and (other := other_version(plain, _VERSION)):
        message = f"{name} {other}. {WAY_OUT}"
        raise OtherVersionError(message)
    if not problem and not shaped(_FILE, tuple(_FILE))(plain):
        problem = "lacks fields of a scan or a region, or they hold something else"
    if problem:
        message = (
            f"{name} is no file of regions: it {problem}. Give one that the dashboard or "
            "'regions' wrote."
        )
        raise MalformedFileError(message)
    try:
        return regions_from_plain(plain)
    except InputError as error:
        message = f"{name} can't be used: {error}"
        raise MalformedFileError(message) from error


def regions_from_plain(plain: Mapping[str, Any]) -> RegionSet:
    """Return the regions that a dictionary of the right fields describes.

    Raises
    ------
    InputError
        If names, colors or points make no sense.
    """
    scan = scan_from_plain(plain["scan"])
    budget = _MOST_POINTS
    found = []
    for entry in plain["regions"]:
        points = _points_of(entry, scan, budget)
        budget -= len(points)
        found.append(region_from_plain(entry, points))
    return RegionSet(scan, tuple(found))


def plain_scan(scan: RegionScan) -> dict[str, Any]:
    """Return a scan as a JSON-like dictionary."""
    plain = asdict(scan)
    if plain["frame"] is not None and plain["frame"]["shifted_rows"] == "none":
        del plain["frame"]["shifted_rows"]
    return plain


def scan_from_plain(plain: Mapping[str, Any]) -> RegionScan:
    """Return the scan that a checked dictionary describes."""
    frame = plain["frame"]
    if frame is not None:
        rows, columns = frame["shape"]
        (x0, y0), (dx, dy) = frame["origin"], frame["step"]
        frame = Frame(
            (rows, columns), (float(x0), float(y0)), (float(dx), float(dy)), frame["unit"],
            frame.get("shifted_rows", "none"),
        )  # fmt: skip
    return RegionScan(plain["n"], frame, plain["of"], plain["fingerprint"])


def plain_region(region: Region) -> dict[str, Any]:
    """Return all of a region but its points."""
    return {name: getattr(region, name) for name in REGION}


def region_from_plain(plain: Mapping[str, Any], points: Points) -> Region:
    """Return the region that a checked dictionary and points make.

    Raises
    ------
    InputError
        If its name or color makes no sense.
    """
    source = plain.get("source", {})
    if len(to_json(source)) > _LARGEST_SOURCE:
        message = (
            f"What made the region {plain['name'][:80]!r} takes more than {_LARGEST_SOURCE >> 10} "
            "kB. Remove its 'source'."
        )
        raise MalformedFileError(message)
    given = {"id": plain["id"]} if plain.get("id") else {}
    return Region(
        plain["name"],
        plain["color"],
        points,
        plain.get("note", ""),
        plain.get("hidden", False),
        source,
        **given,
    )


def plain_points(points: Points) -> dict[str, Any]:
    """Return points as ``runs`` of nodes or ``sample_ids``."""
    if points.dtype.kind == "i":
        return {"runs": to_runs(points.astype(np.int64)).tolist()}
    return {"sample_ids": points.tolist()}


def _points_of(entry: Mapping[str, Any], scan: RegionScan, budget: int) -> Points:
    name = entry["name"][:80]
    key = "sample_ids" if scan.frame is None else "runs"
    given = entry.get(key)
    if not isinstance(given, list):
        message = f"The region {name!r} lacks {key!r}, a list of its points."
        raise MalformedFileError(message)
    if scan.frame is None:
        if not all(map(text, given)):
            message = f"The region {name!r} names samples by something else than text."
            raise MalformedFileError(message)
        # Every id takes as much memory as the longest.
        if len(given) * max(map(len, given), default=0) > _MOST_POINTS:
            message = f"The ids of the samples of the region {name!r} are too long."
            raise MalformedFileError(message)
        return np.array(given, np.str_)
    if not all(isinstance(run, list) and len(run) == 3 and all(map(_node, run)) for run in given):
        message = (
            f"The runs of the region {name!r} must be lists of three whole numbers: row, first "
            "column, length."
        )
        raise MalformedFileError(message)
    runs = np.array(given, np.int64).reshape(-1, 3)
    total = int(runs[:, 2].sum())
    if (runs[:, 2] < 1).any() or total > budget:
        message = (
            f"The runs of the region {name!r} must be at least 1 long, and those of all regions "
            f"together at most {_MOST_POINTS:,}."
        )
        raise MalformedFileError(message)
    return from_runs(runs)


def _node(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _FARTHEST
