"""What the Explore page computes: clusters in a ROI, brushed points, and their statistics.

The page, the ``session`` verb and the snippet that users copy all call the functions here, so a
number on the screen and a number in a report can't differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.cluster_numbers import renumbered
from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import (
    FeatureChoice,
    chosen_features,
    cluster_features,
    latent_name,
)
from latentcore.analysis.features import Features, Scaling
from latentcore.analysis.panel_ids import (
    label_panels,
    map_values,
    panel_axes,
)
from latentcore.analysis.partition_shares import (
    PartitionShare,
    comparable,
    partition_shares,
)
from latentcore.analysis.samples import Sample
from latentcore.analysis.selection import Shape, select
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
    Roi,
    ScanGrid,
)
from latentcore.errors import RequestError
from latentcore.progress import Progress


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
    masks = selected_by_slot(selections, axes, inside)
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
    pairs = np.column_stack([latents.dimension(dim)[inside], map_values(maps, reference)[inside]])
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


def selected_rows(
    shapes: Sequence[Shape],
    axes: Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating]]],
    inside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return the points inside the ROI that the strokes select, shape (n,)."""
    return select(shapes, axes, len(inside), within=inside)


def selected_by_slot(
    selections: Mapping[str, Sequence[Shape]],
    axes: Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating]]],
    inside: NDArray[np.bool_],
) -> dict[str, NDArray[np.bool_]]:
    """Return for each slot the points inside the ROI that its strokes select, shape (n,)."""
    return {slot: selected_rows(selections.get(slot, ()), axes, inside) for slot in ("A", "B")}


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
