"""Cached loaders: a place becomes samples, latents or maps, once for all sessions.

Keys are the file's path, size and time of change, never the arrays (Streamlit hashes large arrays
from a sample of their values, so two scans could share a key). What is returned is shared
between sessions: nobody may write into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.similarity import Metric, SearchTable, distances_to
from latentcore.containers import (
    LatentSet,
    SampleSource,
    SampleTable,
    ScanGrid,
    ScanMaps,
    Skipping,
)
from latentcore.containers import sample_rows as match_samples
from latentcore.errors import InputError, JoinError, RequestError, UnknownFormatError
from latentcore.readers import (
    LATENTS_READERS,
    MAPS_READERS,
    SAMPLES_READERS,
    TABLES_READERS,
    choices_in,
    open_latents,
    open_maps,
    open_samples,
    open_table,
    recognize_all,
)
from latentcore.registry import Registry
from pages.access import places
from pages.access.file_versions import file_version
from pages.jobs.latents_names import name_of
from pages.scan.state import ScanState

_FAMILIES: Mapping[str, Registry[Any]] = {
    "samples": SAMPLES_READERS,
    "latents": LATENTS_READERS,
    "maps": MAPS_READERS,
    "table": TABLES_READERS,
}


class _File(NamedTuple):
    """A file as a key of the caches."""

    path: str
    version: str


def version(place: str) -> str:
    """Return text that changes when the file at a place changes."""
    return _file(place).version


def kind_of(place: str) -> tuple[str, str]:
    """Return what a place holds, (``"samples"``, ``"latents"`` or ``"maps"``, reader's name).

    Of a vendor's scan, which holds maps as well, that is the samples. Raises `UnknownFormatError`
    if no reader recognizes it.
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


def choices(place: str) -> dict[str, tuple[str, ...]]:
    """Return what a file lets choose, such as one of its scans: for each option the values.

    Nothing where there is but one of each; errors as `kind_of`.
    """
    return _choices(_File(str(places.resolve(place)), version(place)))


def samples(place: str) -> SampleSource:
    """Open samples; a picture or video that is damaged is read as zeros.

    Raises `InputError` if the place can't be read, or holds something else.
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
    return version(place) if place else ""


def sample_rows(state: ScanState) -> NDArray[np.int64]:
    """Find the sample of each of the n latents, by coordinates or, without them, by sample id.

    Returns rows of the samples, int64 of shape (n,), −1 where there is none. Raises `InputError` if
    the two don't belong together.
    """
    if not (state.samples and state.latents):
        message = "Patterns and latents are needed to find the pattern of a latent."
        raise RequestError(message)
    rows = _sample_rows(_file(state.samples), _file(state.latents))
    if not (rows >= 0).any():
        message = (
            f"The latents {name_of(state.latents)!r} and the patterns "
            f"{places.label(state.samples)!r} have not one point in common.\n"
            "Open the patterns that the latents were made of, or take the latents away."
        )
        raise JoinError(message)
    return rows


def _file(place: str) -> _File:
    path = places.resolve(place)
    return _File(places.with_options_of(place, path), file_version(path))


@st.cache_data(max_entries=256, show_spinner=False)
def _choices(file: _File) -> dict[str, tuple[str, ...]]:
    return choices_in(file.path)


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
def _sample_rows(samples_file: _File, latents_file: _File) -> NDArray[np.int64]:
    return match_samples(_latents(latents_file), _samples(samples_file))


def samples_word(grid: ScanGrid | None) -> str:
    """Return ``"patterns"`` where there is a scan grid, else ``"samples"``."""
    return "samples" if grid is None else "patterns"


def one_sample(grid: ScanGrid | None) -> str:
    """Return ``"pattern"`` where there is a scan grid, else ``"sample"``."""
    return samples_word(grid).removesuffix("s")


def grid_of(scan: ScanState) -> ScanGrid | None:
    """Return the grid of the scan in view, None as well where its files can't be read."""
    try:
        return scan_grid(scan)
    except InputError:
        return None


@st.cache_resource(max_entries=4, show_spinner=False)
def search_table(about: str, _latents: LatentSet) -> SearchTable:
    """Return latents with the norms of their rows; `about` changes when the latents do."""
    del about
    return SearchTable.of(_latents.values)


def distances_in(
    about: str, latents: LatentSet, query: NDArray[np.floating], metric: Metric = "cosine"
) -> NDArray[np.float64]:
    """Return how far every sample is from a query; large latents are read, but not held."""
    if latents.stored is not None:
        return distances_to(latents, query, metric)
    return search_table(about, latents).distances(query, metric)
