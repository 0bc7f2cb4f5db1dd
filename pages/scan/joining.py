"""Maps joined to the points of a scan, and tables about samples joined to their latents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.orientation_colors import KEY_CORNERS, orientation_colors
from latentcore.containers import (
    Columns,
    LatentSet,
    SampleColumns,
    ScanGrid,
    ScanMaps,
    match_rows,
    refuse_names,
)
from latentcore.errors import InputError, JoinError
from pages.access import places
from pages.scan import loading
from pages.scan.state import ScanState

# Of a map with more values than this, no value is a grain or a phase.
_MOST_LABELS = 1000
_USUAL_LABELS = ("grain", "phase", "cluster", "truth", "label", "domain", "region")


@dataclass(frozen=True, eq=False)
class JoinedMaps(Columns):
    """The maps of several files at the points of one scan grid.

    Attributes
    ----------
    names : tuple of str
        All different: a name that two files use carries its file's name.
    values : ndarray of float32, shape (k, n)
        NaN where a file has no point.
    categories : Mapping of str to Mapping of int to str
        For each map of categories the name of each number.
    unmatched : Mapping of str to int
        For each place, how many of the n points it lacks.
    origin : Mapping of str to (str, str)
        For each name the place it comes from, and what it is called there.
    orientation : ndarray of float32, shape (n, 3), or None
        Color of the crystal's orientation, 0..1 with NaN where there is none; from the first
        file that has orientations.
    orientation_from : str
        The place of that file.
    laue : tuple of str
        Laue classes of the phases that are colored.
    joined_by : Mapping of str to str
        For the place of each table about samples, how its rows found them: ``"id"`` or
        ``"order"``. Maps are joined by coordinates.
    """

    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    values: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    categories: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    unmatched: Mapping[str, int] = field(default_factory=dict)
    origin: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    orientation: NDArray[np.float32] | None = None
    orientation_from: str = ""
    laue: tuple[str, ...] = ()
    joined_by: Mapping[str, str] = field(default_factory=dict)
    called: ClassVar[str] = "map"

    def __len__(self) -> int:
        return len(self.names)

    def numbers(self, name: str) -> NDArray[np.float32]:
        """Return one map's values where numbers are needed; a map of names is refused."""
        values = self.get(name)
        refuse_names(self, [name])
        return values

    def unit(self, name: str) -> str:
        """Return one map's unit."""
        return self.units[self.names.index(name)]


Joined = tuple[JoinedMaps, Mapping[str, InputError]]
# Places, each with its file's version.
Files = tuple[tuple[str, str], ...]


def joined_maps(map_places: Sequence[str], grid_key: str, _grid: ScanGrid | None) -> JoinedMaps:
    """Join all maps to the n points of a scan, by coordinates.

    `grid_key` changes when the points do, for example ``version(place)`` of the file they come
    from. Without coordinates only tables about samples are of use; `joined_tables` joins them to
    latents. Raises an `InputError` that names the file if one can't be read, or not one of its
    points lies on the scan.
    """
    if not map_places or (_grid is None and all(map(loading.is_table, map_places))):
        return JoinedMaps()
    if _grid is None:
        message = (
            "The scan has no coordinates, so no map can be joined to it.\n"
            "Open patterns or latents that come with x and y."
        )
        raise JoinError(message)
    return _joined_maps(_files(map_places), grid_key, _grid)


def fitting_maps(
    map_places: Sequence[str], grid_key: str, _grid: ScanGrid | None
) -> tuple[JoinedMaps, dict[str, InputError]]:
    """Join those maps that belong to the scan; return them, and the error of each other file."""
    wrong: dict[str, InputError] = {}
    for place in map_places:
        try:
            joined_maps((place,), grid_key, _grid)
        except InputError as error:
            wrong[place] = error
    right = tuple(place for place in map_places if place not in wrong)
    return joined_maps(right, grid_key, _grid), wrong


def kept(state: ScanState, joined: JoinedMaps, n: int) -> NDArray[np.bool_]:
    """Tell which of n points the scan's threshold keeps; all where there is none.

    A point without a value is not kept.
    """
    if state.keep is None:
        return np.ones(n, np.bool_)
    name, threshold = state.keep
    keep: NDArray[np.bool_] = joined.numbers(name) > threshold
    return keep


def keep_above(state: ScanState, joined: JoinedMaps) -> tuple[str, float] | None:
    """Return the threshold as ``--keep-above MAP VALUE`` wants it, None where there is none."""
    if state.keep is None:
        return None
    name, threshold = state.keep
    joined.numbers(name)  # a name that no map has any more has its own message
    place, column = joined.origin[name]
    return f"{places.location(place)}:{column}", threshold


@st.cache_resource(max_entries=8, show_spinner=False)
def _joined_maps(files: Files, grid_key: str, _grid: ScanGrid) -> JoinedMaps:
    del grid_key  # only part of the cache's key
    tables = {place: loading.maps(place) for place, _ in files}
    found = {place: _at(place, table, _grid) for place, table in tables.items()}
    joined = _together(tables, [values for values, _ in found.values()])
    unmatched = {place: missing for place, (_, missing) in found.items()}
    return replace(joined, unmatched=unmatched, **_orientation(tables, _grid))


def joined_tables(table_places: Sequence[str], latents_place: str, *, by_order: bool) -> Joined:
    """Join tables to the n samples of latents, NaN where a table knows nothing.

    Tables that name no samples are joined row by row if `by_order`. Returns why a table couldn't be
    joined, too, by its place.
    """
    return _joined_tables(
        _files(table_places),
        loading.version(latents_place),
        by_order,
        loading.latents(latents_place),
    )


@st.cache_resource(max_entries=8, show_spinner="Joining the tables …")
def _joined_tables(files: Files, about: str, by_order: bool, _latents: LatentSet) -> Joined:
    del about  # only part of the cache's key
    right: dict[str, SampleColumns] = {}
    wrong: dict[str, InputError] = {}
    for place, _ in files:
        try:
            table = loading.table(place)
            nameless = by_order and table.sample_ids is None
            right[place] = table.at(_latents, by="order" if nameless else "id")
        except InputError as error:
            wrong[place] = error
    if not right:
        return JoinedMaps(), wrong
    joined = _together(right, [table.values for table in right.values()])
    unmatched = {place: table.unmatched for place, table in right.items()}
    joined_by = {place: table.joined_by for place, table in right.items()}
    return replace(joined, unmatched=unmatched, joined_by=joined_by), wrong


def _files(map_places: Sequence[str]) -> Files:
    return tuple((place, loading.version(place)) for place in map_places)


def _together(
    tables: Mapping[str, ScanMaps | SampleColumns], values: Sequence[NDArray[np.float32]]
) -> JoinedMaps:
    """Put the columns of several files side by side; those of one name get their file's too."""
    counts = Counter(name for table in tables.values() for name in table.names)
    origin: dict[str, tuple[str, str]] = {}
    for place, table in tables.items():
        for name in table.names:
            origin[_distinct(name, place, counts, origin)] = (place, name)
    return JoinedMaps(
        names=tuple(origin),
        units=tuple(unit for table in tables.values() for unit in table.units),
        values=np.concatenate(values),
        categories={
            shown: tables[place].categories[name]
            for shown, (place, name) in origin.items()
            if name in tables[place].categories
        },
        origin=origin,
    )


def _orientation(tables: Mapping[str, ScanMaps], grid: ScanGrid) -> dict[str, Any]:
    """Return the fields of `JoinedMaps` about orientations."""
    for place, table in tables.items():
        colors = orientation_colors(table)
        if colors is not None:
            rows = match_rows(grid, table.grid)
            placed = np.where((rows >= 0)[:, None], colors[rows], np.float32(np.nan))
            laue = sorted({one.laue for one in table.symmetries.values()} & KEY_CORNERS.keys())
            return {
                "orientation": placed,
                "orientation_from": place,
                "laue": tuple(laue),
            }
    return {}


def _at(place: str, table: ScanMaps, grid: ScanGrid) -> tuple[NDArray[np.float32], int]:
    try:
        return table.at(grid)
    except JoinError as error:
        message = f"{places.label(place)!r} does not belong to this scan.\n{error}"
        raise JoinError(message) from error


def _distinct(
    name: str, place: str, counts: Mapping[str, int], taken: Mapping[str, tuple[str, str]]
) -> str:
    """Tell apart the maps of one name that come from two files."""
    if counts[name] == 1:
        return name
    shown, number = f"{name} ({places.label(place)})", 2
    while shown in taken:
        shown, number = f"{name} ({places.label(place)}, {number})", number + 1
    return shown


def can_join_by_order(place: str, latents_place: str) -> bool:
    """Tell whether a table names no samples, but has as many rows as there are off any grid."""
    latents = loading.latents(latents_place)
    if latents.grid is not None or not loading.is_table(place):
        return False
    table = loading.table(place)
    return table.sample_ids is None and len(table) == len(latents)


def join_text(columns: JoinedMaps, n: int) -> str:
    """Return one sentence on how each table was joined; empty where there is none."""
    how_named = {"id": "by sample", "order": "by order, as you said"}
    parts = []
    for place, how in columns.joined_by.items():
        missing = columns.unmatched[place]
        rest = f"; {missing:,} of {n:,} samples are not in it" if missing else ""
        parts.append(f"{places.label(place)} is joined {how_named[how]}{rest}")
    return f"{'. '.join(parts)}." if parts else ""


def label_maps(joined: JoinedMaps) -> list[str]:
    """Return the maps whose values may be labels: whole numbers, the likeliest first."""

    def rank(name: str) -> tuple[bool, bool]:
        named = any(word in name.lower() for word in _USUAL_LABELS)
        return (not named, name not in joined.categories)

    return sorted((name for name in joined.names if _are_labels(joined, name)), key=rank)


def _are_labels(joined: JoinedMaps, name: str) -> bool:
    if name in joined.categories:
        return True
    values = joined.get(name)
    values = values[np.isfinite(values)]
    return len(values) > 0 and bool((values == np.round(values)).all()) and (
        2 <= len(np.unique(values)) <= _MOST_LABELS
    )  # fmt: skip
