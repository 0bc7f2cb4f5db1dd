"""What the Explore page computes: clusters in a ROI, brushed points, and their statistics.

The page, the ``session`` verb and the snippet that users copy all call the functions here, so a
number on the screen and a number in a report can't differ.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.cluster_numbers import renumbered
from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import (
    FeatureChoice,
    Features,
    Scaling,
    chosen_features,
    cluster_features,
    latent_name,
)
from latentcore.analysis.partition_shares import (
    PartitionShare,
    comparable,
    partition_shares,
)
from latentcore.analysis.samples import Sample
from latentcore.analysis.selection import Mode, Shape, select
from latentcore.analysis.statistics import (
    Area,
    ClusterShare,
    Comparison,
    Description,
    area,
    cluster_shares,
    compare,
    describe,
)
from latentcore.containers import (
    Clustering,
    LatentSet,
    Partitions,
    Region,
    RegionSet,
    Roi,
    ScanGrid,
)
from latentcore.containers.scan_points import Placement
from latentcore.errors import RequestError
from latentcore.progress import Progress

# The panels whose axes are the scan's own x and y.
MAP_PANELS = ("map", "cluster-map")
# A panel that is never shown: its x is a sample's row, its y is 0, so that boxes in it select rows.
ROW_PANEL = "row"

# A panel that is never shown: x is 1 in the region of this id and 0 elsewhere, y is 0.
_REGION = re.compile(r"region-(\S+)")
# A panel that is never shown: x and y are a sample's label. Its id is a digest of all labels.
_LABELS = "labels-"
# Where a map of categories has no value.
_NO_LABEL = np.iinfo(np.int32).min
# What a scatter is drawn along: a latent dimension, or a map by its name.
Axis = int | str

_SCATTER = re.compile(r"scatter-d(\d+)-(.+)", re.DOTALL)
_ANY_SCATTER = "scatter:"


@dataclass(frozen=True)
class SelectionStatistics:
    """Numbers about the ROI, or about the points of one selection.

    Attributes
    ----------
    n : int
        Points, with or without a latent.
    area : Area or None
        None where the samples lie on no grid.
    clusters : tuple of ClusterShare
        Each cluster's part; the clusters are those of the ROI.
    values : Mapping of str to Description
        Each quantity.
    partitions : tuple of PartitionShare
        The part of each partition, such as each scan of a collection; empty without several.
    """

    n: int
    area: Area | None
    clusters: tuple[ClusterShare, ...]
    values: Mapping[str, Description]
    partitions: tuple[PartitionShare, ...] = ()


@dataclass(frozen=True, eq=False)
class Exploration:
    """One view of a set of latents, in numbers.

    Attributes
    ----------
    inside : ndarray of bool, shape (n,)
        Points in the ROI.
    clustering : Clustering
        Labels of all n points; -1 is noise, outside the ROI, or without a finite pair.
    masks : Mapping of str to ndarray of bool, shape (n,)
        Brushed points of slots ``"A"`` and ``"B"``, the ones inside the ROI.
    statistics : Mapping of str to SelectionStatistics
        Of ``"ROI"``, and of ``"A"`` and ``"B"`` where they hold points.
    comparison : Mapping of str to Comparison
        A against B for each quantity, where both hold points.
    """

    inside: NDArray[np.bool_]
    clustering: Clustering
    masks: Mapping[str, NDArray[np.bool_]]
    statistics: Mapping[str, SelectionStatistics]
    comparison: Mapping[str, Comparison]


def explore(
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    *,
    dim: int,
    reference: str = "",
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    sample: Sample = "all",
    numbers: Mapping[int, int] | None = None,
    roi: Roi | None = None,
    rows: NDArray[np.bool_] | None = None,
    features: FeatureChoice | None = None,
    selections: Mapping[str, Sequence[Shape]] | None = None,
    embeddings: Mapping[str, NDArray[np.float32]] | None = None,
    progress: Progress | None = None,
) -> Exploration:
    """Compute clusters, brushed points and statistics.

    Parameters
    ----------
    latents : LatentSet
        n samples.
    maps : Mapping of str to ndarray, shape (n,)
        Maps at the samples; `reference` and every other quantity to be described.
    dim : int
        Latent dimension.
    reference : str
        The map that is clustered together with the latent, unless `features` are given.
    scaling : {"standard", "none"}
    sample : int, "all" or None
        See `latentcore.analysis.cluster_samples.fit_rows`.
    numbers : Mapping of int to int, optional
        What the clusters are called, see `latentcore.analysis.cluster_numbers`.
    roi : Roi, optional
        The whole scan if not given.
    rows : ndarray of bool, shape (n,), optional
        Only these samples are in view.
    features : FeatureChoice, optional
        What is clustered in place of (latent, reference).
    selections : Mapping of str to sequence of Shape, optional
        Brush strokes of slots ``"A"`` and ``"B"``.
    embeddings : Mapping of str to ndarray, shape (n, 2), optional
        Coordinates of the embedding panels that strokes were drawn in.

    Raises
    ------
    RequestError
        If a dimension, a map or a panel doesn't exist, or the ROI is empty.
    """
    inside = roi_rows(latents, roi)
    if rows is not None:
        inside = inside & rows
    chosen = roi_features(latents, maps, inside, features or (dim, reference))
    clustering = cluster_roi(
        chosen, inside, clusterer=clusterer, scaling=scaling, sample=sample, progress=progress
    )
    clustering = renumbered(clustering, numbers or {})
    return describe_view(
        latents,
        maps,
        dim=dim,
        inside=inside,
        clustering=clustering,
        selections=selections or {},
        embeddings=embeddings or {},
    )


def describe_view(
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    *,
    dim: int,
    inside: NDArray[np.bool_],
    clustering: Clustering,
    selections: Mapping[str, Sequence[Shape]],
    embeddings: Mapping[str, NDArray[np.float32]],
) -> Exploration:
    """Find the brushed points of n samples whose clusters are known, and describe them.

    Parameters
    ----------
    inside : ndarray of bool, shape (n,)
        Points in the ROI.
    clustering : Clustering
        Of all n samples, as `cluster_roi` returns it.

    Raises
    ------
    RequestError
        If a panel that strokes were drawn in doesn't exist.
    """
    labels = clustering.told_apart(inside)
    frames = {**label_panels(selections, [labels]), **embeddings}
    axes = panel_axes(selections, latents=latents, maps=maps, embeddings=frames)
    masks = {slot: selected_rows(selections.get(slot, ()), axes, inside) for slot in ("A", "B")}
    every = {latent_name(int(one)): latents.dimension(int(one)) for one in latents.dims}
    quantities = {latent_name(dim): every[latent_name(dim)], **maps}
    return Exploration(
        inside,
        clustering,
        masks,
        selection_statistics(
            inside, masks, labels, quantities, latents.grid, comparable(latents.partition)
        ),
        comparison(masks, {**every, **maps}),
    )


def roi_rows(latents: LatentSet, roi: Roi | None) -> NDArray[np.bool_]:
    """Return which samples lie in the ROI, all of them without one, shape (n,)."""
    if roi is None:
        return np.ones(len(latents), np.bool_)
    if latents.grid is None:
        message = "These latents have no coordinates, so a ROI means nothing. Leave it out."
        raise RequestError(message)
    return roi.mask(latents.grid)


def roi_features(
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    inside: NDArray[np.bool_],
    chosen: FeatureChoice | tuple[int, str],
) -> Features:
    """Return the features of the points in the ROI.

    Parameters
    ----------
    maps : Mapping of str to ndarray, shape (n,)
    inside : ndarray of bool, shape (n,)
    chosen : FeatureChoice or (int, str)
        A pair of latent dimension and map is called as published: ``latent``, and the map's name.

    Raises
    ------
    RequestError
        If a dimension or map doesn't exist.
    """
    if isinstance(chosen, FeatureChoice):
        own = latents if inside.all() else latents.take(inside)
        return chosen_features(chosen, own, {name: maps[name][inside] for name in maps})
    dim, reference = chosen
    pairs = np.column_stack([latents.dimension(dim)[inside], _map(maps, reference)[inside]])
    order = None if latents.grid is None else latents.grid.node[inside]
    return Features(pairs.astype(np.float64), ("latent", reference), order)


def cluster_roi(
    features: Features,
    inside: NDArray[np.bool_],
    *,
    clusterer: Clusterer,
    scaling: Scaling,
    sample: Sample = "all",
    progress: Progress | None = None,
) -> Clustering:
    """Cluster the points in the ROI.

    Parameters
    ----------
    features : Features
        From `roi_features`.
    inside : ndarray of bool, shape (n,)
    scaling : {"standard", "none"}
    sample : int, "all" or None
        See `latentcore.analysis.cluster_samples.fit_rows`.

    Returns
    -------
    Clustering
        For all n samples; -1 outside the ROI.
    """
    found = cluster_features(
        features, clusterer=clusterer, scaling=scaling, sample=sample, progress=progress
    )
    return in_all_rows(found, inside)


def in_all_rows(clustering: Clustering, inside: NDArray[np.bool_]) -> Clustering:
    """Return clusters of the points in a ROI as clusters of all points, -1 outside the ROI."""
    labels = np.full(len(inside), -1, np.int32)
    labels[inside] = clustering.labels
    clustered = inside.copy()
    clustered[inside] = True if clustering.clustered is None else clustering.clustered
    return replace(clustering, labels=labels, clustered=clustered)


def scatter_panel(x: Axis, y: Axis) -> str:
    """Return the id of the panel of two quantities, each a latent dimension or a map."""
    if isinstance(x, int) and isinstance(y, str):
        return f"scatter-d{x}-{y}"
    return _ANY_SCATTER + json.dumps([x, y])


def scatter_axes(panel: str) -> tuple[Axis, Axis] | None:
    """Return what the scatter of that id is drawn along; None where the id is of no scatter."""
    pair = _SCATTER.fullmatch(panel)
    if pair is not None:
        return int(pair[1]), pair[2]
    try:
        x, y = json.loads(panel.removeprefix(_ANY_SCATTER))
    except (ValueError, TypeError):
        return None
    known = all(isinstance(axis, int | str) for axis in (x, y))
    return (x, y) if panel.startswith(_ANY_SCATTER) and known else None


def axis_values(
    axis: Axis, latents: LatentSet, maps: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return a latent dimension, or a map by its name, shape (n,).

    Raises
    ------
    RequestError
        If there is none.
    """
    return _map(maps, axis) if isinstance(axis, str) else latents.dimension(axis)


def region_stroke(region: Region) -> Shape:
    """Return the stroke that selects a region's points, whatever they are today."""
    return Shape(f"region-{region.id}", "box", ((0.5, -1.0), (1.5, 1.0)))


def region_panels(
    selections: Mapping[str, Sequence[Shape]], regions: RegionSet, placed: Placement
) -> dict[str, NDArray[np.float32]]:
    """Return the axes of those panels of `region_stroke` that a selection names.

    Parameters
    ----------
    placed : Placement
        n points.

    Returns
    -------
    dict of str to ndarray of float32, shape (n, 2)
        Like embeddings; without regions that are not there any more.
    """
    drawn = {shape.panel for shapes in selections.values() for shape in shapes}
    ids = {panel: found[1] for panel in sorted(drawn) if (found := _REGION.fullmatch(panel))}
    known = {region.id: region for region in regions.regions} if ids else {}
    there = {panel: placed.mask(known[one].points) for panel, one in ids.items() if one in known}
    return {
        panel: np.column_stack([mask, np.zeros(len(mask))]).astype(np.float32)
        for panel, mask in there.items()
    }


def codes_of(values: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return the labels of a map of categories; the least int32 where there is no value."""
    codes = np.full(len(values), _NO_LABEL, np.int32)
    present = np.isfinite(values)
    codes[present] = values[present]
    return codes


def label_panel(labels: NDArray[np.int32]) -> str:
    """Return the id of the panel in which a stroke selects points by their label.

    The id is a digest of the labels, so that a stroke kept in a link selects the points that it
    was drawn for, or none where the labels have changed: cluster 3 of today may be another one
    tomorrow.
    """
    content = np.ascontiguousarray(labels, np.int32).tobytes()
    return _LABELS + hashlib.blake2b(content, digest_size=8).hexdigest()


def is_label_panel(panel: str) -> bool:
    """Tell whether strokes in a panel select points by their label."""
    return panel.startswith(_LABELS)


def label_stroke(labels: NDArray[np.int32], label: int, mode: Mode = "replace") -> Shape:
    """Return the stroke that selects the points of one label."""
    low, high = label - 0.5, label + 0.5
    return Shape(label_panel(labels), "box", ((low, low), (high, high)), mode)


def label_panels(
    selections: Mapping[str, Sequence[Shape]], known: Iterable[NDArray[np.int32]]
) -> dict[str, NDArray[np.floating]]:
    """Return the axes of those panels of `label_stroke` that a selection names.

    Parameters
    ----------
    known : iterable of ndarray of int32, shape (n,)
        Labels that strokes may mean; looked at only where some stroke means labels.

    Returns
    -------
    dict of str to ndarray of float64, shape (n, 2)
        Like embeddings; without labels that are not known.
    """
    drawn = {shape.panel for shapes in selections.values() for shape in shapes}
    wanted = {panel for panel in drawn if is_label_panel(panel)}
    if not wanted:
        return {}
    found = {label_panel(labels): labels for labels in known}
    return {
        # float64, because float32 does not tell large labels apart.
        panel: np.broadcast_to(found[panel].astype(np.float64)[:, None], (len(found[panel]), 2))
        for panel in sorted(wanted & found.keys())
    }


def panel_axes(
    selections: Mapping[str, Sequence[Shape]],
    *,
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    embeddings: Mapping[str, NDArray[np.floating]],
) -> dict[str, tuple[NDArray[np.floating], NDArray[np.floating]]]:
    """Return x and y of every panel that a selection names, each shape (n,).

    A panel's id names its axes, so that a stroke drawn yesterday, in a panel that is not on the
    screen today, still means the same points.

    Raises
    ------
    RequestError
        If a panel is unknown: its embedding or map is not loaded.
    """
    panels = {shape.panel for shapes in selections.values() for shape in shapes}
    return {panel: _axes(panel, latents, maps, embeddings) for panel in sorted(panels)}


def _axes(
    panel: str,
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    embeddings: Mapping[str, NDArray[np.floating]],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    if panel in embeddings:
        return embeddings[panel][:, 0], embeddings[panel][:, 1]
    if panel in MAP_PANELS and latents.grid is not None:
        return latents.grid.x.astype(np.float32), latents.grid.y.astype(np.float32)
    if panel == ROW_PANEL:
        # float32 does not tell rows beyond 16,777,216 apart.
        return np.arange(len(latents), dtype=np.float64), np.zeros(len(latents), np.float32)
    scatter = scatter_axes(panel)
    if scatter is not None and all(axis in maps for axis in scatter if isinstance(axis, str)):
        x, y = (axis_values(axis, latents, maps) for axis in scatter)
        return x, y
    if is_label_panel(panel):
        message = (
            "A part of the selection was clicked in a legend whose labels have changed since, or "
            "are not open: select it again, or clear the selection."
        )
        raise RequestError(message)
    message = (
        f"A selection was drawn in the panel {panel!r}, which is not available. There are "
        f"embeddings {', '.join(embeddings) or 'none'} and maps {', '.join(maps) or 'none'}. "
        "Open the same maps and embedding, or clear the selection."
    )
    raise RequestError(message)


def selected_rows(
    shapes: Sequence[Shape],
    axes: Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating]]],
    inside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return the points inside the ROI that the strokes select, shape (n,)."""
    return select(shapes, axes, len(inside), within=inside)


def selection_statistics(
    inside: NDArray[np.bool_],
    masks: Mapping[str, NDArray[np.bool_]],
    labels: NDArray[np.int32] | None,
    quantities: Mapping[str, NDArray[np.float32]],
    grid: ScanGrid | None,
    partitions: Partitions | None = None,
) -> dict[str, SelectionStatistics]:
    """Describe the ROI and the selections.

    Parameters
    ----------
    inside : ndarray of bool, shape (n,)
    masks : Mapping of str to ndarray of bool, shape (n,)
        Selections ``"A"`` and ``"B"``; an empty one is left out.
    labels : ndarray of int32, shape (n,), or None
        From `Clustering.told_apart`; None where there are no clusters.
    quantities : Mapping of str to ndarray, shape (n,)
    grid : ScanGrid or None
        For the area.
    partitions : Partitions, optional

    Returns
    -------
    dict of str to SelectionStatistics
        ``"ROI"``, ``"A"``, ``"B"``.
    """
    chosen = {name: mask for name, mask in masks.items() if mask.any()}
    return {
        name: selection_of(inside, mask, labels, quantities, grid, partitions)
        for name, mask in {"ROI": inside, **chosen}.items()
    }


def selection_of(
    inside: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    labels: NDArray[np.int32] | None,
    quantities: Mapping[str, NDArray[np.float32]],
    grid: ScanGrid | None,
    partitions: Partitions | None = None,
) -> SelectionStatistics:
    """Describe one selection, or the ROI itself; see `selection_statistics`."""
    return SelectionStatistics(
        n=int(mask.sum()),
        area=None if grid is None else area(mask, grid),
        clusters=() if labels is None else cluster_shares(labels[inside], mask[inside]),
        values={quantity: describe(values, mask) for quantity, values in quantities.items()},
        partitions=() if partitions is None else partition_shares(partitions, inside, mask),
    )


def comparison(
    masks: Mapping[str, NDArray[np.bool_]], quantities: Mapping[str, NDArray[np.float32]]
) -> dict[str, Comparison]:
    """Set selection A against selection B.

    Returns
    -------
    dict of str to Comparison
        Each quantity with at least two finite values on either side, that of the largest Cliff's
        delta first, whatever its sign; empty where a selection is.
    """
    a, b = masks["A"], masks["B"]
    found = {
        name: compare(values, a, b)
        for name, values in quantities.items()
        if min(_finite(values, a), _finite(values, b)) > 1
    }
    return dict(sorted(found.items(), key=lambda entry: -abs(entry[1].cliffs_delta)))


def _finite(values: NDArray[np.float32], mask: NDArray[np.bool_]) -> int:
    return int(np.isfinite(values[mask]).sum())


def _map(maps: Mapping[str, NDArray[np.float32]], name: str) -> NDArray[np.float32]:
    if name not in maps:
        message = f"No map is called {name!r}. There are: {', '.join(maps) or 'none'}."
        raise RequestError(message)
    return maps[name]
