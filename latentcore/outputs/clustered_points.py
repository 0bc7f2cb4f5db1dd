"""Clusters of latent dimensions and maps at the points of latents."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.cluster_numbers import numbers_of, renumbered
from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import (
    FeatureChoice,
    chosen_features,
    cluster_features,
    latent_and_band_contrast,
    latent_name,
    learned_of,
)
from latentcore.analysis.collapse import ActiveUnits, Spread, active_units, has_prior, spread
from latentcore.analysis.features import Features
from latentcore.analysis.separation import (
    ScalingComparison,
    Separation,
    compare_scalings,
    separation,
)
from latentcore.artifacts import RunFolder
from latentcore.containers import Clustering, LatentSet, SampleTable, ScanMaps
from latentcore.errors import RequestError
from latentcore.inputs.latents import is_nameless
from latentcore.inputs.maps import BAND_CONTRAST, one_column
from latentcore.inputs.sample_tables import columns_at, read_columns
from latentcore.progress import Progress
from latentcore.requests.clustering import (
    ClusterRequest,
    chosen_dims,
    sample_of,
    scaling_of,
    weights_of,
)
from latentcore.requests.map_specs import split_map_spec

_LATENT = re.compile(r"latent(_d\d+)?")


@dataclass(frozen=True, eq=False)
class ClusteredPoints:
    """Features at n points, and their clusters.

    Attributes
    ----------
    features : Features
        A latent dimension and a map are called ``latent`` and ``bandcontrast``, as published.
    titles, units : Mapping of str to str
        What each feature is called in figures, and its unit.
    sources : tuple of (str, str)
        For each map its file, and what it is called there.
    unmatched : Mapping of str to int
        For each map the points without a partner in it.
    nameless : bool
        Whether the file holds a single dimension and doesn't say which.
    collapse : Spread or ActiveUnits
        How far one latent dimension, or several, are from collapsed.
    """

    clusterer: Clusterer
    latents: LatentSet
    features: Features
    titles: Mapping[str, str]
    units: Mapping[str, str]
    sources: tuple[tuple[str, str], ...]
    unmatched: Mapping[str, int]
    nameless: bool
    clustering: Clustering
    separation: Separation
    comparison: ScalingComparison
    collapse: Spread | ActiveUnits
    notes: tuple[str, ...]


def read_cluster_maps(
    request: ClusterRequest, latents: LatentSet, folder: RunFolder | None
) -> tuple[ScanMaps | SampleTable, ...]:
    """Read the maps that are clustered, one for each ``MAP`` of a request.

    Of latents without a grid they are tables of their samples.

    Raises
    ------
    InputError
        If one can't be read or holds no numbers; beside ``--dim``, if it holds several maps.
    """
    read = [read_columns(spec, latents, folder, numbers=True) for spec in request.maps]
    if request.dims is None:
        return (one_column(read[0], request.maps[0]),)
    return tuple(read)


def cluster_points(
    request: ClusterRequest,
    clusterer: Clusterer,
    latents: LatentSet,
    maps: Sequence[ScanMaps | SampleTable],
    progress: Progress | None = None,
) -> ClusteredPoints:
    """Cluster latents and maps at the points of latents.

    Parameters
    ----------
    latents : LatentSet
        Those in the ROI.
    maps : sequence of ScanMaps or SampleTable
        From `read_cluster_maps`.

    Raises
    ------
    InputError
        If they can't be joined, or the parameters make no sense for them.
    """
    scaling = scaling_of(request)
    columns = _map_columns(request, latents, maps)
    features = _features(request, latents, columns)
    clustering = cluster_features(
        features,
        clusterer=clusterer,
        scaling=scaling,
        sample=sample_of(request),
        progress=progress,
    )
    found = separation(
        features, clustering, clusterer=clusterer, scaling=scaling, progress=progress
    )
    collapse = _collapse(features)
    return ClusteredPoints(
        clusterer=clusterer,
        latents=latents,
        features=features,
        titles=_titles(request, features, columns),
        units={name: column.unit for name, column in columns.items()},
        sources=tuple((column.location, column.name) for column in columns.values()),
        unmatched={name: column.unmatched for name, column in columns.items()},
        nameless=is_nameless(latents),
        clustering=clustering,
        separation=found,
        comparison=compare_scalings(features, clustering, clusterer=clusterer, progress=progress),
        collapse=collapse,
        notes=(*clustering.notes, *_notes(latents, features, columns, collapse)),
    )


def numbered_as_scan(
    points: ClusteredPoints,
    request: ClusterRequest,
    scan: LatentSet,
    maps: Sequence[ScanMaps | SampleTable],
    inside: NDArray[np.bool_],
) -> ClusteredPoints:
    """Give the clusters of a ROI the numbers of those of the whole scan that they overlap with.

    Where the whole scan can't be clustered they keep their own.

    Parameters
    ----------
    scan : LatentSet
        All n points.
    inside : ndarray of bool, shape (n,)
        Those that were clustered.
    """
    if inside.all() and request.sample is None:
        return points
    try:
        reference = cluster_features(
            _features(request, scan, _map_columns(request, scan, maps)),
            clusterer=points.clusterer,
            scaling=scaling_of(request),
            sample=None,
        )
    except RequestError:
        return points
    numbers = numbers_of(points.clustering.labels, reference.labels[inside])
    return replace(points, clustering=renumbered(points.clustering, numbers))


@dataclass(frozen=True, eq=False)
class _MapColumn:
    """A map at the points of latents, shape (n,), and where it comes from."""

    location: str
    name: str
    unit: str
    values: NDArray[np.float32]
    unmatched: int


def _map_columns(
    request: ClusterRequest, latents: LatentSet, maps: Sequence[ScanMaps | SampleTable]
) -> dict[str, _MapColumn]:
    """Return the maps by the names of their features, which are all different."""
    columns: dict[str, _MapColumn] = {}
    taken = {"x", "y", "sample_id", "cluster", *map(latent_name, latents.dims)}
    for spec, table in zip(request.maps, maps, strict=True):
        values, unmatched = columns_at(table, latents)
        location = split_map_spec(spec)[0]
        for name, unit, column in zip(table.names, table.units, values, strict=True):
            shown = _distinct(name, location, taken) if request.dims is not None else BAND_CONTRAST
            if any((one.location, one.name) == (location, name) for one in columns.values()):
                message = (
                    f"The map {name!r} of {location!r} was given twice. Name it once; ⟨weights⟩ "
                    "make it count more."
                )
                raise RequestError(message)
            taken.add(shown)
            columns[shown] = _MapColumn(location, name, unit, column, unmatched)
    return columns


def _distinct(name: str, location: str, taken: Collection[str]) -> str:
    """Return a map's name; with its file's where another column has it."""
    names = chain([name], (f"{name} ({Path(location).name}{n})" for n in _numbers()))
    return next(shown for shown in names if shown not in taken)


def _numbers() -> Iterator[str]:
    return chain([""], (f", {n}" for n in count(2)))


def _features(
    request: ClusterRequest, latents: LatentSet, columns: Mapping[str, _MapColumn]
) -> Features:
    weights = weights_of(request)
    if request.dims is None:
        assert request.dim is not None
        (column,) = columns.values()
        order = None if latents.grid is None else latents.grid.node
        pair = latent_and_band_contrast(latents.dimension(request.dim), column.values, order=order)
        learn = learned_of(latents, request.learn_from)
        return replace(pair, weights=weights, learn=learn)
    choice = FeatureChoice(chosen_dims(request), tuple(columns), weights, request.learn_from)
    return chosen_features(choice, latents, {name: one.values for name, one in columns.items()})


def _titles(
    request: ClusterRequest, features: Features, columns: Mapping[str, _MapColumn]
) -> dict[str, str]:
    titles = {name: name.replace("latent_d", "latent ") for name in features.names}
    titles |= {
        shown: "band contrast" if column.name == BAND_CONTRAST else column.name
        for shown, column in columns.items()
    }
    return titles if request.dims is not None else {**titles, "latent": f"latent {request.dim}"}


def _collapse(features: Features) -> Spread | ActiveUnits:
    n = sum(_LATENT.fullmatch(name) is not None for name in features.names)
    values = features.values[:, :n].astype(np.float32, copy=False)  # latents come first
    return spread(values[:, 0]) if values.shape[1] == 1 else active_units(values)


def _notes(
    latents: LatentSet,
    features: Features,
    columns: Mapping[str, _MapColumn],
    collapse: Spread | ActiveUnits,
) -> Iterator[str]:
    """Yield what the user should know before they trust the labels."""
    for column in columns.values():
        if column.unmatched:
            yield (
                f"{column.unmatched} of {len(features)} points have no {column.name} in the map "
                "and get the label -1. Check that it is the map of the same scan."
            )
    # Scores of a PCA have no prior to be compared with.
    if collapse.message and (isinstance(collapse, Spread) or has_prior(latents)):
        yield collapse.message
