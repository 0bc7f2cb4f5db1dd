"""Cached loaders: a place becomes samples, latents or maps, once for all sessions.

Keys are the file's path, size and time of change, never the arrays (Streamlit hashes large arrays
from a sample of their values, so two scans could share a key). What is returned is shared
between sessions: nobody may write into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.orientation_colors import orientation_colors
from latentcore.containers import (
    Columns,
    LatentSet,
    SampleSource,
    SampleTable,
    ScanGrid,
    ScanMaps,
    Skipping,
    match_rows,
    refuse_names,
)
from latentcore.containers import sample_rows as match_samples
from latentcore.errors import InputError, JoinError, RequestError, UnknownFormatError
from latentcore.readers import (
    LATENTS_READERS,
    MAPS_READERS,
    SAMPLES_READERS,
    TABLES_READERS,
    open_latents,
    open_maps,
    open_samples,
    open_table,
    recognize_all,
)
from latentcore.registry import Registry
from pages.access import places
from pages.access.file_versions import file_version
from pages.scan.state import ScanState

__all__ = [
    "JoinedMaps",
    "family_of",
    "fitting_maps",
    "grid_key",
    "is_table",
    "joined_maps",
    "keep_above",
    "kept",
    "kind_of",
    "kinds_of",
    "latents",
    "maps",
    "sample_rows",
    "samples",
    "scan_grid",
    "stamp",
    "table",
]


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
        """Return one map's values where numbers are needed, shape (n,).

        Raises
        ------
        RequestError
            If there is no map of that name, or it holds names.
        """
        values = self.get(name)
        refuse_names(self, [name])
        return values

    def unit(self, name: str) -> str:
        """Return one map's unit."""
        return self.units[self.names.index(name)]


_FAMILIES: Mapping[str, Registry[Any]] = {
    "samples": SAMPLES_READERS,
    "latents": LATENTS_READERS,
    "maps": MAPS_READERS,
    "table": TABLES_READERS,
}


class _File(NamedTuple):
    """A file as a key of the caches."""

    path: str
    stamp: str


def stamp(place: str) -> str:
    """Return text that changes when the file at a place changes."""
    return _file(place).stamp


def kind_of(place: str) -> tuple[str, str]:
    """Tell what a place holds: (``"samples"``, ``"latents"`` or ``"maps"``, reader's name).

    Of a vendor's scan, which holds maps as well, that is the samples.

    Raises
    ------
    UnknownFormatError
        If no reader recognizes it.
    """
    return next(iter(kinds_of(place).items()))


def kinds_of(place: str) -> dict[str, str]:
    """Tell all that a place holds: the reader's name for each kind; errors as `kind_of`.

    A table of latents is no file of maps here, though it could be read as one.
    """
    kinds = _kinds(_file(place))
    return {"latents": kinds["latents"]} if "latents" in kinds else kinds


def family_of(place: str) -> str:
    """Return what the files of a place's family are called: ``"Oxford .h5oina scan"``.

    It is how the reader's description begins.
    """
    kind, reader = kind_of(place)
    description: str = _FAMILIES[kind].get(reader).description
    return description.partition(":")[0].rstrip(".")


def samples(place: str) -> SampleSource:
    """Open samples; a picture or video that is damaged is read as zeros.

    Raises
    ------
    InputError
        If the place can't be read, or holds something else.
    """
    return _samples(_file(place))


def latents(place: str) -> LatentSet:
    """Read latents; errors as `samples`."""
    return _latents(_file(place))


def maps(place: str) -> ScanMaps:
    """Read maps; errors as `samples`."""
    return _maps(_file(place))


def table(place: str) -> SampleTable:
    """Read a table about samples, whether it names them or not; errors as `samples`."""
    return _table(_file(place))


def is_table(place: str) -> bool:
    """Tell whether a place holds a table about samples, and no maps; False where it is gone."""
    try:
        return _is_table(_file(place))
    except InputError:
        return False


def scan_grid(state: ScanState) -> ScanGrid | None:
    """Return the points of the scan: the samples', else the latents', else the first maps'."""
    if state.samples:
        return samples(state.samples).grid
    if state.latents:
        return latents(state.latents).grid
    if not state.maps or is_table(state.maps[0]):
        return None
    return maps(state.maps[0]).grid


def grid_key(state: ScanState) -> str:
    """Return text that changes when the points of `scan_grid` do."""
    place = state.samples or state.latents or next(iter(state.maps), "")
    return stamp(place) if place else ""


def joined_maps(map_places: Sequence[str], grid_key: str, _grid: ScanGrid | None) -> JoinedMaps:
    """Join all maps to the points of a scan, by coordinates.

    Parameters
    ----------
    grid_key : str
        Changes when the points do, for example ``stamp(place)`` of the file they come from.
    _grid : ScanGrid or None
        The n points; without coordinates only tables about samples are of use, and they are
        joined to latents, by `pages.scan.sample_tables`.

    Raises
    ------
    InputError
        If a file can't be read, or not one of its points lies on the scan; it names the file.
    """
    if not map_places or (_grid is None and all(map(is_table, map_places))):
        return JoinedMaps()
    if _grid is None:
        message = (
            "The scan has no coordinates, so no map can be joined to it.\n"
            "Open patterns or latents that come with x and y."
        )
        raise JoinError(message)
    return _joined(tuple((place, _file(place)) for place in map_places), grid_key, _grid)


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


def sample_rows(state: ScanState) -> NDArray[np.int64]:
    """Find the sample of each latent, by coordinates or, without them, by sample id.

    Returns
    -------
    ndarray of int64, shape (n,)
        Row in the samples for each of the n latents, −1 where there is none.

    Raises
    ------
    InputError
        If the two don't belong together.
    """
    if not (state.samples and state.latents):
        message = "Patterns and latents are needed to find the pattern of a latent."
        raise RequestError(message)
    rows = _sample_rows(_file(state.samples), _file(state.latents))
    if not (rows >= 0).any():
        message = (
            f"The latents {places.label(state.latents)!r} and the patterns "
            f"{places.label(state.samples)!r} have not one point in common.\n"
            "Open the patterns that the latents were made of, or take the latents away."
        )
        raise JoinError(message)
    return rows


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
    joined.numbers(name)  # a name that no map has any more is told by its own message
    place, column = joined.origin[name]
    return f"{places.location(place)}:{column}", threshold


def _file(place: str) -> _File:
    path = places.resolve(place)
    return _File(str(path), file_version(path))


@st.cache_data(max_entries=256, show_spinner=False)
def _kinds(file: _File) -> dict[str, str]:
    return recognize_all(file.path)


# No on_release that closes the file: another session may be reading from an evicted source.
# The last one that lets go of it closes it.
@st.cache_resource(max_entries=8, show_spinner="Opening the samples …")
def _samples(file: _File) -> SampleSource:
    source = open_samples(file.path)
    # One damaged picture is no reason to show none of a folder.
    return source.skipping() if isinstance(source, Skipping) else source


@st.cache_resource(max_entries=6, show_spinner="Reading the latents …")
def _latents(file: _File) -> LatentSet:
    return open_latents(file.path)


@st.cache_resource(max_entries=16, show_spinner="Reading the maps …")
def _maps(file: _File) -> ScanMaps:
    return open_maps(file.path)


@st.cache_resource(max_entries=16, show_spinner="Reading the table …")
def _table(file: _File) -> SampleTable:
    try:
        _kinds(file)
    except UnknownFormatError:
        # Only by its name does the reader open a table that names no samples.
        return open_table(file.path, reader="sample-table")
    return open_table(file.path)


@st.cache_data(max_entries=256, show_spinner=False)
def _is_table(file: _File) -> bool:
    try:
        kinds = _kinds(file)
    except UnknownFormatError:
        try:
            _table(file)
        except InputError:
            return False
        return True
    return "table" in kinds and "maps" not in kinds


@st.cache_resource(max_entries=8, show_spinner=False)
def _joined(files: tuple[tuple[str, _File], ...], grid_key: str, _grid: ScanGrid) -> JoinedMaps:
    del grid_key  # what the cache tells scans apart by
    tables = {place: _maps(file) for place, file in files}
    counts = Counter(name for table in tables.values() for name in table.names)
    joined = {place: _at(place, table, _grid) for place, table in tables.items()}
    origin: dict[str, tuple[str, str]] = {}
    for place, table in tables.items():
        for name in table.names:
            origin[_distinct(name, place, counts, origin)] = (place, name)
    rows = [(tables[place], tables[place].names.index(name)) for place, name in origin.values()]
    return JoinedMaps(
        names=tuple(origin),
        units=tuple(table.units[row] for table, row in rows),
        values=np.concatenate([values for values, _ in joined.values()]),
        categories={
            shown: tables[place].categories[name]
            for shown, (place, name) in origin.items()
            if name in tables[place].categories
        },
        unmatched={place: missing for place, (_, missing) in joined.items()},
        origin=origin,
        **_orientation(tables, _grid),
    )


def _orientation(tables: Mapping[str, ScanMaps], grid: ScanGrid) -> dict[str, Any]:
    """Return the fields of `JoinedMaps` that tell of orientations."""
    for place, table in tables.items():
        colors = orientation_colors(table)
        if colors is not None:
            rows = match_rows(grid, table.grid)
            placed = np.where((rows >= 0)[:, None], colors[rows], np.float32(np.nan))
            laue = sorted({symmetry.laue for symmetry in table.symmetries.values()})
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


@st.cache_resource(max_entries=8, show_spinner=False)
def _sample_rows(samples_file: _File, latents_file: _File) -> NDArray[np.int64]:
    return match_samples(_latents(latents_file), _samples(samples_file))
