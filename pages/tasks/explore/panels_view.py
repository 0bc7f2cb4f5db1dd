"""From a question and its answers to what the linked panels draw."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.exploration import (
    MAP_PANELS,
    ROW_PANEL,
    Axis,
    codes_of,
    is_label_panel,
    label_panel,
    scatter_axes,
    scatter_panel,
)
from latentcore.analysis.latent_maps import cluster_ranges
from latentcore.analysis.orientation_colors import KEY_CORNERS
from latentcore.analysis.representatives import Representatives
from latentcore.analysis.selection import Shape
from latentcore.containers import NO_VALUE, OUTSIDE, Clustering, cluster_name
from latentcore.figures.colors import (
    MISSING_COLORS,
    MISSING_USUAL,
    NAN_COLORS,
    NOISE_COLOR,
    SHADE_DARK,
    SHADE_LIGHT,
    TRANSPARENT,
    Theme,
    cluster_palette,
    is_diverging,
)
from latentcore.figures.grounds import lut_on
from pages.access import places
from pages.panels.linked_panels import (
    Categorical,
    Choice,
    Coloring,
    Continuous,
    Direct,
    Panel,
    PanelsView,
    PointArrays,
    Regions,
    Sampled,
    Shaded,
    packed_colors,
)
from pages.regions.kept import Kept
from pages.tasks.explore import panel_choices
from pages.view.embeddings import EmbeddingView
from pages.view.question import CLUSTER, LATENT, ORIENTATION, REGION, SIMILARITY, Question
from pages.view.scene import Scene, scatter_of

_KEY_COLORS = ("#ff0000", "#00ff00", "#0000ff")


def build_view(
    scene: Scene,
    question: Question,
    *,
    embeddings: Mapping[str, EmbeddingView],
    shown: str | None,
    clustering: Clustering | None,
    labels_key: str,
    inside: NDArray[np.bool_],
    theme: Theme,
    patterns_url: str | None,
    messages: tuple[str, ...],
    regions: Kept,
    drawn: Mapping[str, NDArray[np.floating]],
    marks: tuple[int, ...] = (),
    counts: Mapping[str, int] | None = None,
    awaited: bool = False,
    sent: Representatives | None = None,
    sent_key: str = "",
) -> PanelsView:
    """Build the view.

    Parameters
    ----------
    question : Question
        Complete.
    embeddings : Mapping of str to EmbeddingView
        Those there are, by panel.
    shown : str or None
        The panel of the one that is shown; None where there is none.
    labels_key : str
        Changes when the cluster labels do.
    inside : ndarray of bool, shape (n,)
        Points in the ROI; the others are in no cluster, and not noise either.
    theme : {"light", "dark"}
    messages : tuple of str
        Notices above the panels.
    regions : Kept
    drawn : Mapping of str to ndarray, shape (n, 2)
        Axes of the panels of regions and labels that are selected.
    marks : tuple of int
        Points to look at.
    counts : Mapping of str to int, optional
        See `Sampled`; needed where the browser does not get all points.
    awaited : bool
        Clusters that are not there yet will come: their panel has its place.
    sent : Representatives, optional
        The points that the browser gets, where it does not get all.
    sent_key : str
        Changes when their detail does.
    """
    arrays = PointArrays(sent, "" if sent is None else f"{sent.put}", sent_key)
    assert question.dim is not None
    if clustering is not None:
        clustering = replace(clustering, labels=clustering.told_apart(inside))
    _axis_array(arrays, scene, question.dim)
    choices = panel_choices.shown(scene, question, regions=bool(regions.shown))
    maker = _Maker(
        arrays, scene, question, embeddings, shown, clustering, labels_key, theme, regions, {},
        awaited,
    )  # fmt: skip
    panels = _distinct(maker.panels(choices))
    frames = {panel: _embedding_axes(arrays, one) for panel, one in embeddings.items()}
    geometry = None
    if scene.latents.grid is not None:
        geometry = arrays.add_grid(scene.latents.grid, scene.about)
        frames.update(dict.fromkeys(MAP_PANELS, ("x", "y")))
    if question.filters or scene.only is not None:
        asked = f"{scene.key}|{scene.only_key}|{sorted(question.filters.items())}"
        arrays.add("kept", lambda: scene.kept(question), asked)
    frames.update(_frames_of_shapes(arrays, scene, question))
    frames.update(_frames_of_regions(arrays, regions, drawn))
    frames.update(_frames_of_labels(maker.colorings))
    sampled = None
    if sent is not None:
        arrays.add_own("point", sent.all_rows, scene.about)
        detail = arrays.detail(scene.latents.grid)
        sampled = Sampled(len(scene.latents), counts or {}, len(sent), detail)
    return PanelsView(
        points=arrays.table(len(scene.latents)),
        grid=geometry,
        panels=tuple(panels),
        colorings=_missing_points(maker.colorings, question.missing, theme),
        roi=question.roi,
        selections=question.selections,
        active=question.active,
        pinned=place_of(question.pinned, sent, scene),
        patterns_url=patterns_url,
        hover=_hover(arrays, scene, question, clustering is not None),
        messages=messages,
        frames=frames,
        regions=_regions(arrays, regions),
        marks=tuple(place_of(point, sent, scene) or 0 for point in marks),
        chosen=question.panels,
        menu=panel_choices.menu(scene, choices, regions=bool(regions.shown)),
        scan=places.label(scene.scan.latents or ""),
        sampled=sampled,
    )


def _missing_points(
    colorings: dict[str, Coloring], missing: str, theme: Theme
) -> dict[str, Coloring]:
    """Give points without a value the color that was chosen for them."""
    if missing == MISSING_USUAL or missing not in MISSING_COLORS:
        return colorings
    color = (
        str(st.get_option(f"theme.{theme}.backgroundColor"))
        if missing == TRANSPARENT
        else MISSING_COLORS[missing]
    )
    painted = {}
    for name, one in colorings.items():
        changed = replace(one, nan_color=color)
        if isinstance(changed, Categorical | Shaded) and NO_VALUE in changed.palette:
            changed = replace(changed, palette={**changed.palette, NO_VALUE: color})
        painted[name] = changed
    return painted


def told_of(question: Question, marks: tuple[int, ...]) -> tuple[int, ...]:
    """Return the points of which the panels tell something, and which the browser must have."""
    return tuple(point for point in (question.pinned, *marks) if point is not None)


def place_of(point: int | None, shown: Representatives | None, scene: Scene) -> int | None:
    """Return the number that a point has in the browser."""
    if point is None or shown is None:
        return point
    return shown.place_of(point, scene.latents.grid)


@dataclass(frozen=True)
class _Maker:
    """Makes a panel of each choice, and notes its coloring."""

    arrays: PointArrays
    scene: Scene
    question: Question
    embeddings: Mapping[str, EmbeddingView]
    shown: str | None
    clustering: Clustering | None
    labels_key: str
    theme: Theme
    regions: Kept
    colorings: dict[str, Coloring]
    awaited: bool

    def panels(self, choices: Iterable[Choice]) -> list[Panel]:
        """Return the panels of those choices that can be shown now."""
        makers: Mapping[str, Callable[..., Panel | None]] = {
            "embedding": self._embedding,
            "map": self._map,
            "clusters": self._clusters,
            "scatter": self._scatter,
            "histogram": self._histogram,
            "violin": self._violin,
        }
        made = [makers[str(kind)](*what) for kind, *what in choices]
        return [replace(one, place=place) for place, one in enumerate(made) if one is not None]

    def _embedding(self, method: str, color: Axis) -> Panel | None:
        wanted = [one for one in self.embeddings if method and one.startswith(method)]
        found = self.embeddings.get(next(iter(wanted), self.shown or ""))
        if found is None:
            return None
        return Panel(
            found.panel, "scatter", found.title, *_embedding_axes(self.arrays, found),
            *found.labels, self._color(color), equal_aspect=not found.panel.startswith("pca"),
            note=found.note or self._note(color), graticule=found.graticule,
            under=_reference_axes(self.arrays, found),
        )  # fmt: skip

    def _map(self, what: Axis) -> Panel:
        own = panel_choices.colored(self.question, what)
        panel = MAP_PANELS[0] if what == panel_choices.FOLLOWS else f"map:{json.dumps(what)}"
        title = _quantity_title(own)
        return Panel(
            panel, "map", title, None, None, *self._xy, self._color(what), frame=MAP_PANELS[0]
        )

    def _clusters(self) -> Panel | None:
        if self.clustering is None and not self.awaited:
            return None
        if self.clustering is None:
            title, color = "Clusters: being computed", self._color(panel_choices.FOLLOWS)
        else:
            title, color = f"Clusters, shaded by latent {self.question.dim}", self._shaded()
        return Panel(MAP_PANELS[1], "map", title, None, None, *self._xy, color)

    def _scatter(self, x: Axis, y: Axis, own: Axis = panel_choices.FOLLOWS) -> Panel | None:
        along = scatter_of(self.scene, self.question) or (None, None)
        one, other = (
            default if axis == panel_choices.FOLLOWS else axis
            for axis, default in zip((x, y), along, strict=True)
        )
        if one is None or other is None:
            return None
        shaded = own == panel_choices.FOLLOWS and self.clustering is not None
        color = self._shaded() if shaded else self._color(own)
        return replace(_scatter(self.arrays, self.scene, (one, other), color), note=self._note(own))

    def _histogram(self, what: Axis) -> Panel:
        axis = self.question.dim or 0 if what == panel_choices.FOLLOWS else what
        array = _axis_array(self.arrays, self.scene, axis)
        title = _axis_title(axis)
        counted = self.scene.points + ("" if self.arrays.shown is None else " drawn")
        return Panel(
            f"histogram:{json.dumps(axis)}", "histogram", title[0].upper() + title[1:], array,
            array, _axis_label(self.scene, axis), counted, self._slots(), note="histogram",
            frame=scatter_panel(axis, axis),
        )  # fmt: skip

    def _violin(self, what: Axis, by: Axis) -> Panel:
        axis = self.question.dim or 0 if what == panel_choices.FOLLOWS else what
        array = _axis_array(self.arrays, self.scene, axis)
        label, color = self._groups(by)
        title = f"{_axis_title(axis)} by {label}"
        about = "violins and boxes"
        if self.arrays.shown is not None:
            about += f" of the {self.scene.points} drawn"
        return Panel(
            f"violin:{json.dumps([axis, by])}", "violin", title[0].upper() + title[1:], array,
            array, label, _axis_label(self.scene, axis), color, note=about,
            frame=scatter_panel(axis, axis),
        )  # fmt: skip

    def _groups(self, by: Axis) -> tuple[str, str]:
        """Return what violins are of, and the coloring that has its labels."""
        if by == panel_choices.FOLLOWS and self.clustering is not None:
            return "cluster", self._color(CLUSTER)
        if by == REGION and self.regions.shown:
            return "region", self._color(REGION)
        if by in self.scene.maps.categories:
            return str(by), self._color(by)
        return "selection", self._slots()

    def _slots(self) -> str:
        """Return the coloring of what has the colors of the selections."""
        self.colorings["bars"] = Direct(self.arrays.add_zeros(len(self.scene.latents)))
        return "bars"

    @property
    def _xy(self) -> tuple[str, str]:
        grid = self.scene.latents.grid
        unit = "" if grid is None else grid.unit
        return (f"x ({unit})", f"y ({unit})") if unit else ("x", "y")

    def _note(self, color: Axis) -> str:
        if color == panel_choices.FOLLOWS:
            return ""
        return f"colored by {_quantity_title(panel_choices.colored(self.question, color)).lower()}"

    def _shaded(self) -> str:
        assert self.clustering is not None
        if "clusters" not in self.colorings:
            self.colorings["clusters"] = _shaded(
                self.arrays, self.scene, self.question, self.clustering, self.labels_key, self.theme
            )
        return "clusters"

    def _color(self, what: Axis) -> str:
        """Return the name of a quantity's coloring; an empty name is what *Color by* says."""
        name = "main" if what == panel_choices.FOLLOWS else f"by {json.dumps(what)}"
        if name in self.colorings:
            return name
        own = panel_choices.colored(self.question, what)
        if own.color == REGION and self.regions.shown:
            self.colorings[name] = _region_coloring(self.arrays, self.regions, self.theme)
        else:
            self.colorings[name] = _main_coloring(
                self.arrays, self.scene, own, self.clustering, self.labels_key, self.theme,
                self.regions,
            )  # fmt: skip
        return name


def _distinct(panels: Iterable[Panel]) -> tuple[Panel, ...]:
    """Give panels that are shown twice an id of their own; strokes name the first."""
    seen: dict[str, int] = {}
    distinct = []
    for panel in panels:
        count = seen[panel.id] = seen.get(panel.id, 0) + 1
        again = replace(panel, id=f"{panel.id}~{count}", frame=panel.frame or panel.id)
        distinct.append(panel if count == 1 else again)
    return tuple(distinct)


def resolvable(
    question: Question, scene: Scene, others: Collection[str]
) -> tuple[Mapping[str, tuple[Shape, ...]], int]:
    """Return the selections without strokes in unknown panels, and how many those are.

    `others` are the panels of embeddings and regions that are known.
    """
    known = {*others, ROW_PANEL}
    if scene.latents.grid is not None:
        known.update(MAP_PANELS)
    kept = {
        slot: tuple(
            shape for shape in shapes if shape.panel in known or _scatter_of(scene, shape.panel)
        )
        for slot, shapes in question.selections.items()
    }
    dropped = sum(map(len, question.selections.values())) - sum(map(len, kept.values()))
    return kept, dropped


def _scatter_of(scene: Scene, panel: str) -> tuple[Axis, Axis] | None:
    """Return what the scatter of that id is drawn along, where the scene has both."""
    axes = scatter_axes(panel)
    known = {*scene.numeric_maps, *map(int, scene.latents.dims)}
    return axes if axes is not None and known.issuperset(axes) else None


def _latent_name(dim: int) -> str:
    return f"latent:{dim}"


def _main_coloring(
    arrays: PointArrays,
    scene: Scene,
    question: Question,
    clustering: Clustering | None,
    labels_key: str,
    theme: Theme,
    regions: Kept,
) -> Coloring:
    name = question.color
    if name == CLUSTER and clustering is not None:
        labels = _labels(arrays, clustering, labels_key)
        return Categorical(
            labels, _palette(clustering, theme), _names(clustering), NAN_COLORS[theme], "cluster",
            label_panel(clustering.labels),
        )  # fmt: skip
    if name == ORIENTATION and scene.maps.orientation is not None:
        return _orientations(arrays, scene, scene.maps.orientation, theme)
    if name in scene.maps.categories:
        return _categories(arrays, scene, name, theme, regions)
    cmap = scene.color_map(question, name)
    if name == SIMILARITY and question.pinned is not None:
        array = arrays.add(
            "similarity",
            lambda: scene.similarity(question.pinned),
            f"{scene.about}|{question.pinned}",
        )
        label, unit = f"cosine similarity to point {question.pinned}", ""
    elif name in scene.maps.names:
        array, label, unit = _map_array(arrays, scene, name), name, scene.maps.unit(name)
    else:
        assert question.dim is not None
        name, array = LATENT, _axis_array(arrays, scene, question.dim)
        label, unit = f"latent {question.dim}", ""
    limits = scene.limits(question, name, symmetric=is_diverging(cmap))
    return Continuous(array, lut_on(cmap, theme), limits, label, unit, NAN_COLORS[theme])


def _region_array(arrays: PointArrays, regions: Kept) -> str:
    return arrays.add("region", regions.labels, regions.key)


def _regions(arrays: PointArrays, regions: Kept) -> Regions | None:
    if not regions.shown:
        return None
    return Regions(_region_array(arrays, regions), regions.palette, regions.names)


def _region_coloring(arrays: PointArrays, regions: Kept, theme: Theme) -> Categorical:
    return Categorical(
        _region_array(arrays, regions),
        {-1: NOISE_COLOR, **regions.palette},
        {-1: "in no region", **regions.names},
        NAN_COLORS[theme],
        "region",
        label_panel(regions.labels),
    )


def _frames_of_regions(
    arrays: PointArrays, regions: Kept, drawn: Mapping[str, NDArray[np.floating]]
) -> dict[str, tuple[str, str]]:
    labels = [panel for panel in drawn if is_label_panel(panel)]
    return {
        # A digest of the labels names them.
        panel: (arrays.add(panel, drawn[panel][:, 0].astype(np.int32), panel),) * 2
        for panel in labels
    } | {
        panel: (
            arrays.add(panel, axes[:, 0], regions.key),
            arrays.add_zeros(len(axes)),
        )
        for panel, axes in drawn.items()
        if panel not in labels
    }


def _frames_of_labels(colorings: Mapping[str, Coloring]) -> dict[str, tuple[str, str]]:
    """Return where a click in a legend selects: both axes are the labels."""
    return {
        one.panel: (one.arrays[0],) * 2
        for one in colorings.values()
        if isinstance(one, Categorical | Shaded) and one.panel
    }


def _orientations(
    arrays: PointArrays, scene: Scene, colors: NDArray[np.float32], theme: Theme
) -> Direct:
    array = arrays.add("orientation", packed_colors(colors), scene.key)
    # Phases of different symmetry share red, green and blue, which mean other directions.
    key = tuple(
        (color, " or ".join(f"[{KEY_CORNERS[laue][corner]}]" for laue in scene.maps.laue))
        for corner, color in enumerate(_KEY_COLORS)
    )
    return Direct(array, key, "crystal direction along z", NAN_COLORS[theme])


def _categories(
    arrays: PointArrays, scene: Scene, name: str, theme: Theme, regions: Kept
) -> Categorical:
    array, codes = arrays.add_codes(f"map:{name}", scene.maps.get(name), scene.key)
    names = scene.maps.categories[name]
    palette = cluster_palette(codes)
    colors = {region.name: region.color for region in regions.regions.regions}
    if all(names.get(code) in colors for code in palette):
        # A map of the regions, or of classes grown from them.
        palette = {code: colors[names[code]] for code in palette}
    panel = label_panel(codes_of(scene.maps.get(name)))
    return Categorical(array, palette, names, NAN_COLORS[theme], name, panel)


def _shaded(
    arrays: PointArrays,
    scene: Scene,
    question: Question,
    clustering: Clustering,
    labels_key: str,
    theme: Theme,
) -> Shaded:
    assert question.dim is not None
    latent = scene.latents.dimension(question.dim)
    return Shaded(
        labels=_labels(arrays, clustering, labels_key),
        value=_latent_name(question.dim),
        palette=_palette(clustering, theme),
        ranges=cluster_ranges(clustering.labels, latent),
        names=_names(clustering),
        nan_color=NAN_COLORS[theme],
        dark=SHADE_DARK,
        light=SHADE_LIGHT,
        label="cluster, brighter = larger latent",
        panel=label_panel(clustering.labels),
    )


def _labels(arrays: PointArrays, clustering: Clustering, labels_key: str) -> str:
    return arrays.add("labels", clustering.labels, labels_key)


def _palette(clustering: Clustering, theme: Theme) -> dict[int, str]:
    palette = cluster_palette(clustering.present)
    palette.pop(OUTSIDE, None)
    return palette | {NO_VALUE: NAN_COLORS[theme]} if NO_VALUE in palette else palette


def _names(clustering: Clustering) -> dict[int, str]:
    return {label: cluster_name(label) for label in clustering.present}


def _map_array(arrays: PointArrays, scene: Scene, name: str) -> str:
    return arrays.add(f"map:{name}", scene.maps.get(name), scene.key)


def _embedding_axes(arrays: PointArrays, embedding: EmbeddingView) -> tuple[str, str]:
    names = f"{embedding.panel}:0", f"{embedding.panel}:1"
    found: dict[int, NDArray[np.float32]] = {}

    def at(rows: NDArray[np.int64], axis: int) -> NDArray[np.float32]:
        if id(rows) not in found:
            found[id(rows)] = embedding.at(rows)
        return found[id(rows)][:, axis]

    for axis, name in enumerate(names):
        if arrays.shown is None:
            arrays.add_own(name, embedding.coordinates[:, axis], embedding.key)
        else:
            arrays.add_at(name, partial(at, axis=axis), embedding.key)
    return names


def _reference_axes(arrays: PointArrays, embedding: EmbeddingView) -> tuple[str, str] | None:
    """Add the points among which those in view were placed."""
    if embedding.reference is None:
        return None
    names = (f"{embedding.panel}:under:0", f"{embedding.panel}:under:1")
    for name, values in zip(names, embedding.reference.T, strict=True):
        arrays.add_other(name, values, embedding.key)
    return names


def _quantity_title(question: Question) -> str:
    if question.color == LATENT or (question.color == SIMILARITY and question.pinned is None):
        return f"Latent {question.dim}"
    if question.color == SIMILARITY:
        return f"Similarity to point {question.pinned}"
    titles = {CLUSTER: "Clusters", ORIENTATION: "Orientation (IPF-Z)", REGION: "Regions"}
    return titles.get(question.color, question.color)


def _scatter(arrays: PointArrays, scene: Scene, along: tuple[Axis, Axis], color: str) -> Panel:
    x, y = along
    labels = [_axis_label(scene, one) for one in along]
    title = " and ".join(map(_axis_title, along))
    return Panel(
        scatter_panel(x, y), "scatter", title[0].upper() + title[1:],
        _axis_array(arrays, scene, x), _axis_array(arrays, scene, y),
        labels[0], labels[1], color,
    )  # fmt: skip


def _axis_array(arrays: PointArrays, scene: Scene, axis: Axis) -> str:
    if isinstance(axis, str):
        return _map_array(arrays, scene, axis)
    return arrays.add(_latent_name(axis), lambda: scene.latents.dimension(axis), scene.about)


def _axis_label(scene: Scene, axis: Axis) -> str:
    if not isinstance(axis, str):
        return _axis_title(axis)
    unit = scene.maps.unit(axis)
    return f"{axis} ({unit})" if unit else axis


def _frames_of_shapes(
    arrays: PointArrays, scene: Scene, question: Question
) -> dict[str, tuple[str, str]]:
    """Return the axes of scatters that strokes were drawn in, of whatever dimension and map."""
    drawn = {shape.panel for shapes in question.selections.values() for shape in shapes}
    frames = {}
    if ROW_PANEL in drawn:
        n = len(scene.latents)
        frames[ROW_PANEL] = (
            # float32 does not tell rows beyond 16,777,216 apart.
            arrays.add("row number", lambda: np.arange(n, dtype=np.int32), scene.about),
            arrays.add_zeros(n),
        )
    for panel in drawn:
        axes = _scatter_of(scene, panel)
        if axes is not None:
            x, y = axes
            frames[panel] = _axis_array(arrays, scene, x), _axis_array(arrays, scene, y)
    return frames


def _hover(
    arrays: PointArrays, scene: Scene, question: Question, clustered: bool
) -> tuple[tuple[str, str, str], ...]:
    assert question.dim is not None
    along = dict.fromkeys((question.dim, *(scatter_of(scene, question) or ())))
    entries = [(_axis_title(axis), _axis_array(arrays, scene, axis), "") for axis in along]
    shown = f"map:{question.color}"
    if shown in arrays.values and question.color not in along:
        entries.append((question.color, shown, ""))
    if "similarity" in arrays.values:
        entries.append(("similarity", "similarity", ""))
    if clustered:
        entries.append(("cluster", "labels", ""))
    return tuple(entries)


def _axis_title(axis: Axis) -> str:
    return axis if isinstance(axis, str) else f"latent {axis}"
