"""From a question and its answers to what the linked panels draw."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.panel_ids import MAP_PANELS, ROW_PANEL, Axis, is_label_panel, scatter_axes
from latentcore.analysis.representatives import Representatives
from latentcore.analysis.selection import Shape
from latentcore.containers import Clustering
from latentcore.figures.colors import Theme
from pages.access import places
from pages.panels.linked_panels import PanelsView, PointArrays, Regions, Sampled
from pages.regions.kept import Kept
from pages.tasks.explore import panel_choices
from pages.tasks.explore.colorings import frames_of_labels, region_array, with_missing
from pages.tasks.explore.panel_axes import axis_array, axis_title, embedding_axes
from pages.tasks.explore.panel_maker import PanelMaker, distinct
from pages.view.embeddings import EmbeddingView
from pages.view.question import Question
from pages.view.scene import Scene, scatter_of


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
    axis_array(arrays, scene, question.dim)
    choices = panel_choices.shown(scene, question, regions=bool(regions.shown))
    maker = PanelMaker(
        arrays, scene, question, embeddings, shown, clustering, labels_key, theme, regions, {},
        awaited,
    )  # fmt: skip
    panels = distinct(maker.panels(choices))
    frames = {panel: embedding_axes(arrays, one) for panel, one in embeddings.items()}
    geometry = None
    if scene.latents.grid is not None:
        geometry = arrays.add_grid(scene.latents.grid, scene.about)
        frames.update(dict.fromkeys(MAP_PANELS, ("x", "y")))
    if question.filters or scene.only is not None:
        asked = f"{scene.key}|{scene.only_key}|{sorted(question.filters.items())}"
        arrays.add("kept", lambda: scene.kept(question), asked)
    frames.update(_frames_of_shapes(arrays, scene, question))
    frames.update(_frames_of_regions(arrays, regions, drawn))
    frames.update(frames_of_labels(maker.colorings))
    sampled = None
    if sent is not None:
        arrays.add_own("point", sent.all_rows, scene.about)
        detail = arrays.detail(scene.latents.grid)
        sampled = Sampled(len(scene.latents), counts or {}, len(sent), detail)
    return PanelsView(
        points=arrays.table(len(scene.latents)),
        grid=geometry,
        panels=tuple(panels),
        colorings=with_missing(maker.colorings, question.missing, theme),
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


def told_of(question: Question, marks: tuple[int, ...]) -> tuple[int, ...]:
    """Return the points of which the panels tell something, and which the browser must have."""
    return tuple(point for point in (question.pinned, *marks) if point is not None)


def place_of(point: int | None, shown: Representatives | None, scene: Scene) -> int | None:
    """Return the number that a point has in the browser."""
    if point is None or shown is None:
        return point
    return shown.place_of(point, scene.latents.grid)


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


def _regions(arrays: PointArrays, regions: Kept) -> Regions | None:
    if not regions.shown:
        return None
    return Regions(region_array(arrays, regions), regions.palette, regions.names)


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
            frames[panel] = axis_array(arrays, scene, x), axis_array(arrays, scene, y)
    return frames


def _hover(
    arrays: PointArrays, scene: Scene, question: Question, clustered: bool
) -> tuple[tuple[str, str, str], ...]:
    assert question.dim is not None
    along = dict.fromkeys((question.dim, *(scatter_of(scene, question) or ())))
    entries = [(axis_title(axis), axis_array(arrays, scene, axis), "") for axis in along]
    shown = f"map:{question.color}"
    if shown in arrays.values and question.color not in along:
        entries.append((question.color, shown, ""))
    if "similarity" in arrays.values:
        entries.append(("similarity", "similarity", ""))
    if clustered:
        entries.append(("cluster", "labels", ""))
    return tuple(entries)
