"""Maps of several scans as maps of their collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import ScanMaps, holds_names
from latentcore.errors import RequestError
from latentcore.inputs.maps import maps_at, read_map
from latentcore.workflows.collect.members import Member

# Columns that a collection's own tables have.
RESERVED = ("x", "y", "scan", "scan_x", "scan_y", "sample_id")
_NONE = "-"


@dataclass(eq=False)
class JoinedMaps:
    """Maps over all points of a collection.

    Attributes
    ----------
    values : dict
        By name, float32 (n,) of numbers or object (n,) of names; NaN or None where a scan has none.
    scans : dict
        By name, which scans have it.
    unmatched : dict
        By scan, how many of its points have no row in one of its maps.
    numbered : dict
        By map whose numbers of labels count anew in every scan, by scan what was added to them.
    """

    values: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    scans: dict[str, list[str]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    unmatched: dict[str, int] = field(default_factory=dict)
    numbered: dict[str, dict[str, int]] = field(default_factory=dict)


def join_maps(specs: Sequence[str], members: Sequence[Member], folder: RunFolder) -> JoinedMaps:
    """Read the maps of scans and join those of one name.

    Numbers of labels that stand for no names, such as of grains, count anew in every scan: those of
    later scans are raised above those of earlier ones, so that no two grains become one.

    Parameters
    ----------
    specs : sequence of str
        One MAP of each scan in their order, or several rounds of them; ``-`` where one has none.

    Raises
    ------
    RequestError
        If their number is not a multiple of the scans', or a map is called as a column that a
        collection has itself, or has another unit in another scan.
    """
    if len(specs) % len(members):
        message = (
            f"{len(specs)} maps were given for {len(members)} scans. Give one of each scan in "
            "their order, '-' where one has none."
        )
        raise RequestError(message)
    if specs and members[0].grid is None:
        message = "The scans have no coordinates, so no map can be joined to them."
        raise RequestError(message)
    joined = JoinedMaps()
    starts = np.cumsum([0, *(member.n for member in members)])
    for number, spec in enumerate(specs):
        if spec == _NONE:
            continue
        place = number % len(members)
        rows = slice(int(starts[place]), int(starts[place + 1]))
        _add(joined, members[place], read_map(spec, folder), rows, int(starts[-1]))
    return joined


def _add(joined: JoinedMaps, member: Member, maps: ScanMaps, rows: slice, n: int) -> None:
    values, unmatched = maps_at(maps, member.grid)
    if unmatched:
        joined.unmatched[member.name] = max(unmatched, joined.unmatched.get(member.name, 0))
    for name, unit, own in zip(maps.names, maps.units, values, strict=True):
        _refuse_name(joined, name, unit, member)
        named = holds_names(maps, name)
        whole = joined.values.get(name)
        if whole is None:
            whole = np.full(n, None, object) if named else np.full(n, np.nan, np.float32)
            joined.values[name], joined.units[name] = whole, unit
        if named != (whole.dtype == object):
            message = f"{name!r} holds names in one scan and numbers in another. Rename one."
            raise RequestError(message)
        if named:
            whole[rows] = _texts(own, maps, name)
        elif name in maps.categories:
            whole[rows] = _numbered(joined, member, name, own)
        else:
            whole[rows] = own
        joined.scans.setdefault(name, []).append(member.name)


def _refuse_name(joined: JoinedMaps, name: str, unit: str, member: Member) -> None:
    if name in RESERVED:
        message = (
            f"A map of {member.name!r} is called {name!r}, as is a column of every collection. "
            "Rename it, or name the other columns: FILE:COLUMN."
        )
        raise RequestError(message)
    if member.name in joined.scans.get(name, ()):
        message = f"{member.name!r} has two maps called {name!r}. Name other columns: FILE:COLUMN."
        raise RequestError(message)
    if joined.units.get(name, unit) != unit:
        message = (
            f"{name!r} is in {unit or 'no unit'} in {member.name!r}, but in "
            f"{joined.units[name] or 'no unit'} in {joined.scans[name][0]!r}: such values can't be "
            "one map. Rename one of them."
        )
        raise RequestError(message)


def _texts(own: NDArray[np.float32], maps: ScanMaps, name: str) -> NDArray[np.object_]:
    texts = maps.categories[name]
    found = [None if np.isnan(value) else texts.get(int(value), str(int(value))) for value in own]
    return np.array(found, object)


def _numbered(
    joined: JoinedMaps, member: Member, name: str, own: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return numbers of labels, raised above those of the scans before; below 0 as they are."""
    before = joined.values[name]
    highest = np.nanmax(before) if np.isfinite(before.astype(np.float64)).any() else -1
    added = int(highest) + 1
    joined.numbered.setdefault(name, {})[member.name] = added
    return np.where(own >= 0, own + np.float32(added), own)
