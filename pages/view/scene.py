"""What the Explore page looks at, before any question: latents, maps and patterns of one scan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.collapse import has_prior
from latentcore.analysis.exploration import roi_rows
from latentcore.analysis.geography import place_columns, placed
from latentcore.analysis.latent_maps import robust_limits
from latentcore.analysis.panel_ids import Axis
from latentcore.analysis.partition_shares import comparable
from latentcore.analysis.representatives import Representatives, representatives
from latentcore.analysis.value_filters import kept_by
from latentcore.containers import LatentSet, Partitions, Roi, quantities
from latentcore.errors import InputError, RequestError
from latentcore.settings import settings
from pages.scan import joining, loading
from pages.scan.joining import JoinedMaps, joined_tables
from pages.scan.loading import distances_in
from pages.scan.state import ScanState
from pages.view.question import (
    ALL_LATENTS,
    CLUSTER,
    LATENT,
    ORIENTATION,
    REGION,
    SIMILARITY,
    Question,
)

# Describing a hundred score columns at every brush helps nobody.
_MOST_QUANTITIES = 12
# Of the points that a browser may get, where there are more than these: at once, and of what is
# zoomed into besides.
_SHOWN_PART = 4
_DETAIL_PART = 16
_USUAL_REFERENCES = ("bandcontrast", "band_contrast", "iq", "image_quality", "radonquality")
# As the field's tables call it; the number is the side of the central crop in pixels.
_TEMPERATURE_DIFFERENCE = re.compile(r"dt\d*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Scene:
    """One scan as the Explore page sees it.

    Attributes
    ----------
    key : str
        Changes when the latents or the maps do.
    about : str
        Changes when the latents do.
    maps : JoinedMaps
        At the n points of the latents; without a scan grid the columns of tables about samples.
    sample_rows : ndarray of int64, shape (n,), or None
        Row of each latent's pattern, -1 where there is none; None where no patterns are open.
    unjoined : Mapping of str to InputError
        Why a table could not be joined, by its place.
    only : ndarray of bool, shape (n,), or None
        The points of a view of a selection; None where all are in view.
    only_key : str
        Changes when these do; empty where all are.
    """

    scan: ScanState
    key: str
    about: str
    latents: LatentSet
    maps: JoinedMaps
    sample_rows: NDArray[np.int64] | None
    unjoined: Mapping[str, InputError] = field(default_factory=dict)
    only: NDArray[np.bool_] | None = None
    only_key: str = ""

    @property
    def embedded_key(self) -> str:
        """Changes when the latents that are embedded do."""
        return self.about + self.only_key

    @property
    def n_in_view(self) -> int:
        """How many points the view is of, whatever the ROI and filters."""
        return len(self.latents) if self.only is None else int(self.only.sum())

    @cached_property
    def encoded(self) -> NDArray[np.bool_]:
        """Points that have a latent, shape (n,)."""
        _ = self.spreads  # wanted soon, and found by the same look through a large file
        return self.latents.encoded

    @cached_property
    def spreads(self) -> dict[int, float]:
        """Standard deviation of each latent dimension over the encoded points."""
        sds = self.latents.spreads
        return {int(dim): float(sd) for dim, sd in zip(self.latents.dims, sds, strict=True)}

    @cached_property
    def has_prior(self) -> bool:
        """Whether the latents' spread can be held against a prior's."""
        return has_prior(self.latents)

    @cached_property
    def numeric_maps(self) -> tuple[str, ...]:
        """Names of the maps that hold quantities, not categories."""
        return quantities(self.maps)

    @cached_property
    def places(self) -> NDArray[np.float32] | None:
        """Longitude and latitude of each sample, shape (n, 2); None where no column holds them."""
        names = place_columns(self.numeric_maps)
        if self.latents.grid is not None or names is None:
            return None
        return placed(*(self.maps.get(name) for name in names))

    @cached_property
    def temperature_difference(self) -> str:
        """Name of the column of ΔT, in kelvin; empty where there is none."""
        if self.latents.grid is not None:
            return ""
        named = (name for name in self.numeric_maps if _TEMPERATURE_DIFFERENCE.fullmatch(name))
        return next(named, "")

    def shown(self, points: tuple[int, ...] = ()) -> Representatives | None:
        """Return the points that a browser gets; None where it gets all.

        `points` are to be among them, for what is said of one of them must be true.
        """
        most = settings().browser_points
        if len(self.latents) <= most:
            return None
        found = _shown(f"{self.about}|{most}", self.latents, max(1, most // _SHOWN_PART))
        return found.with_points(points, self.latents.grid) if points else found

    @property
    def most_in_detail(self) -> int:
        """How many points of what is zoomed into a browser gets beside `shown`."""
        return max(1, settings().browser_points // _DETAIL_PART)

    @property
    def partitions(self) -> Partitions | None:
        """The scans of a collection, or other partitions, where there are 2 to 50."""
        return comparable(self.latents.partition)

    @property
    def points(self) -> str:
        """What a point of the panels is called."""
        return "samples" if self.latents.grid is None else "points"

    @property
    def region(self) -> str:
        """What the points in view are called."""
        if self.only is not None:
            return f"{self.points} in view"
        return "ROI" if self.latents.grid is not None else "samples in view"

    @property
    def colorings(self) -> tuple[str, ...]:
        """What panels may be colored by."""
        oriented = () if self.maps.orientation is None else (ORIENTATION,)
        return (LATENT, CLUSTER, SIMILARITY, *oriented, *self.maps.names)

    def inside(self, question: Question) -> NDArray[np.bool_]:
        """Return the points in the ROI that all filters keep (n,); an empty ROI is refused."""
        return self.in_roi(question) & self.kept(question)

    def in_roi(self, question: Question) -> NDArray[np.bool_]:
        """Return the points in the ROI (n,), all of them without one; an empty ROI is refused."""
        return _in_roi(f"{self.about}|{question.roi}", self.latents, question.roi)

    def kept(self, question: Question) -> NDArray[np.bool_]:
        """Return the points of the view that all filters keep, wherever the ROI is (n,)."""
        rows = kept_by(question.filters, self.maps.get, len(self.latents))
        return rows if self.only is None else rows & self.only

    def map_values(self) -> dict[str, NDArray[np.float32]]:
        """Return every map by its name, each shape (n,)."""
        return {name: self.maps.get(name) for name in self.maps.names}

    def quantities(self, question: Question) -> tuple[str, ...]:
        """Return the maps to be described: all, or where there are many only those in view."""
        if len(self.numeric_maps) <= _MOST_QUANTITIES:
            return self.numeric_maps
        wanted = (question.reference, question.color, *question.maps_clustered)
        return tuple(name for name in dict.fromkeys(wanted) if name in self.numeric_maps)

    def color_map(self, question: Question, name: str) -> str:
        """Return the color map of the latent or of a map: the one chosen, or the usual one."""
        if name not in self.maps.names:
            return question.color_map_of(LATENT)
        return question.color_map_of(name, self.maps.get(name))

    def limits(self, question: Question, name: str, *, symmetric: bool) -> tuple[float, float]:
        """Return the color limits of the latent or of a map: locked, or the data's own."""
        if question.limits is not None:
            return question.limits
        pinned = question.pinned if name == SIMILARITY else None
        key = f"{self.key}|{name}|{question.dim}|{pinned}|{symmetric}"
        return _robust_limits(key, self, question, name, symmetric)

    def values_of(self, question: Question, name: str) -> NDArray[np.float32]:
        """Return the latent, the similarity to the pinned point, or a map, shape (n,)."""
        if name == LATENT:
            return self.latents.dimension(question.dim or 0)
        return self.similarity(question.pinned) if name == SIMILARITY else self.maps.get(name)

    def similarity(self, row: int | None) -> NDArray[np.float32]:
        """Return each sample's cosine similarity to one of them; NaN where it has no latent."""
        return _similarity(f"{self.about}|{row}", self, row)


@st.cache_resource(max_entries=4, show_spinner=False)
def _shown(key: str, _latents: LatentSet, most: int) -> Representatives:
    del key
    return representatives(_latents.grid, len(_latents), most)


@st.cache_resource(max_entries=8, show_spinner=False)
def _in_roi(key: str, _latents: LatentSet, _roi: tuple[float, ...] | None) -> NDArray[np.bool_]:
    del key
    found = roi_rows(_latents, None if _roi is None else Roi.from_bounds(_roi))
    found.setflags(write=False)  # shared by all who ask
    return found


@st.cache_data(max_entries=512, show_spinner=False)
def _robust_limits(
    key: str, _scene: Scene, _question: Question, _name: str, _symmetric: bool
) -> tuple[float, float]:
    del key  # only part of the cache's key
    return robust_limits(_scene.values_of(_question, _name), symmetric=_symmetric)


@st.cache_resource(max_entries=32, show_spinner=False)
def _similarity(key: str, _scene: Scene, _row: int | None) -> NDArray[np.float32]:
    del key
    nothing = np.full(len(_scene.latents), np.nan, np.float32)
    if _row is None:
        return nothing
    try:
        latent = _scene.latents.rows(np.array([_row]))[0]
        return (1 - distances_in(_scene.about, _scene.latents, latent)).astype(np.float32)
    except InputError:
        return nothing  # the pinned point was not encoded


def open_scene(scan: ScanState, *, by_order: bool = False) -> Scene:
    """Read what the scan in view offers; with `by_order`, nameless tables are joined row by row.

    Raises `InputError` if a file can't be read, or a map doesn't belong to these latents.
    """
    assert scan.latents is not None
    about = loading.version(scan.latents)
    parts = (about, *map(loading.version, scan.maps), loading.version(scan.samples or scan.latents))
    return _scene("\n".join((*parts, "by order" * by_order)), about, scan, by_order)


@st.cache_resource(max_entries=8, show_spinner=False)
def _scene(key: str, about: str, scan: ScanState, by_order: bool) -> Scene:
    assert scan.latents is not None
    latents = loading.latents(scan.latents)
    unjoined: Mapping[str, InputError] = {}
    if latents.grid is None:
        tables = [place for place in scan.maps if loading.is_table(place)]
        maps, unjoined = joined_tables(tables, scan.latents, by_order=by_order)
    else:
        maps = joining.joined_maps(scan.maps, about, latents.grid)
    return Scene(scan, key, about, latents, maps, _pattern_rows(scan), unjoined)


def _pattern_rows(scan: ScanState) -> NDArray[np.int64] | None:
    if scan.samples is None:
        return None
    try:
        return loading.sample_rows(scan)
    except InputError:
        # Latents without patterns can be explored all the same; the page says what is missing.
        return None


def complete(question: Question, scene: Scene) -> Question:
    """Fill in what the question leaves open, and mend what this scan doesn't have."""
    dims = [int(dim) for dim in scene.latents.dims]
    changes: dict[str, object] = {}
    if question.dim not in dims:
        # The dimension with the largest spread says most at first sight.
        changes["dim"] = max(scene.spreads, key=lambda dim: scene.spreads[dim])
    if question.reference not in scene.numeric_maps:
        changes["reference"] = _usual_reference(scene)
    # Regions come and go while the question stays.
    if question.color not in (*scene.colorings, REGION):
        changes["color"] = LATENT
    known = {*dims, *scene.numeric_maps, ALL_LATENTS}
    if not known.issuperset(question.features):
        changes["features"] = tuple(one for one in question.features if one in known)
    if question.scatter is not None and not known.issuperset(question.scatter):
        changes["scatter"] = None
    if question.pinned is not None and not 0 <= question.pinned < len(scene.latents):
        changes["pinned"] = None
    if empty_roi(question, scene) or (question.roi is not None and scene.latents.grid is None):
        changes["roi"] = None
    there = () if scene.partitions is None else scene.partitions.names
    if question.learn_from and question.learn_from not in there:
        changes["learn_from"] = ""
    columns = scene.numeric_maps if scene.latents.grid is None else ()
    kept = {name: ranges for name, ranges in question.filters.items() if name in columns}
    if len(kept) < len(question.filters):
        changes["filters"] = kept
    return question.changed(**changes) if changes else question


def empty_roi(question: Question, scene: Scene) -> str:
    """Return why the ROI can't be used, or ``""``: that of a link may lie beside the scan."""
    if question.roi is None or scene.latents.grid is None:
        return ""
    try:
        scene.in_roi(question)
    except RequestError as error:
        return str(error)
    return ""


def scatter_of(scene: Scene, question: Question) -> tuple[Axis, Axis] | None:
    """Return what the scatter is drawn along: what was chosen, or the first two features."""
    if question.scatter is not None:
        return question.scatter
    named = [one for one in question.features if one != ALL_LATENTS]
    if len(named) > 1:
        return named[0], named[1]
    assert question.dim is not None
    if question.reference:
        return question.dim, question.reference
    others = (int(dim) for dim in scene.latents.dims if dim != question.dim)
    other = next(others, None) if question.features else None
    return None if other is None else (question.dim, other)


def _usual_reference(scene: Scene) -> str:
    usual = [name for name in scene.numeric_maps if name.lower() in _USUAL_REFERENCES]
    measured = (scene.temperature_difference,) if scene.temperature_difference else ()
    return next(iter((*usual, *measured, *scene.numeric_maps)), "")
