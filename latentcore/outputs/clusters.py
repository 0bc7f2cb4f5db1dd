"""Clusters of latent dimensions and maps: computed, described and written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from latentcore.analysis.partition_shares import comparable, partition_shares
from latentcore.analysis.separation import (
    ScalingComparison,
    Separation,
    compare_scalings,
    separation,
)
from latentcore.artifacts import RunFolder
from latentcore.containers import Clustering, LatentSet, Roi, SampleTable, ScanMaps
from latentcore.errors import RequestError
from latentcore.figures.colors import NOISE_COLOR, categorical_palette, cluster_palette
from latentcore.inputs.latents import is_nameless
from latentcore.inputs.maps import BAND_CONTRAST, one_column
from latentcore.inputs.sample_tables import columns_at, read_columns
from latentcore.outputs.cluster_snippet import cluster_snippet
from latentcore.progress import Progress
from latentcore.requests.clustering import (
    ClusterRequest,
    chosen_dims,
    sample_of,
    scaling_of,
    weights_of,
)
from latentcore.requests.map_specs import split_map_spec

if TYPE_CHECKING:
    import pandas as pd

_ROWS_AT_ONCE = 500_000
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_LATENT = re.compile(r"latent(_d\d+)?")
_LONGEST_TAG = 60
_SCALING_TITLES = {"standard": "standardized", "none": "raw"}


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


def check_request(request: ClusterRequest) -> None:
    """Refuse features, a tag or colors that make no sense, before anything is read.

    Raises
    ------
    InputError
    """
    _check_features(request)
    weights_of(request)
    sample_of(request)
    if request.tag is not None and not _TAG.fullmatch(request.tag):
        message = (
            f"⟨tag⟩ {request.tag!r} can't end a file's name: use letters, digits and . _ + - "
            "only, the first a letter or digit."
        )
        raise RequestError(message)
    if request.colors is not None:
        cluster_palette([0], request.colors)


def _check_features(request: ClusterRequest) -> None:
    if request.dims is not None:
        chosen_dims(request)
    elif request.dim is None:
        message = (
            "Nothing says what to cluster: give ⟨dim⟩ with one ⟨map⟩, or ⟨dims⟩ with numbers or "
            "'all' and any number of maps."
        )
        raise RequestError(message)
    elif len(request.maps) != 1:
        message = (
            f"⟨dim⟩ {request.dim} is clustered with one ⟨map⟩, but {len(request.maps)} were given. "
            f"For any number of latents and maps say ⟨dims⟩ {request.dim} instead."
        )
        raise RequestError(message)


def needed_dims(request: ClusterRequest) -> tuple[int, ...]:
    """Return the latent dimensions that a request names; empty where it wants all."""
    if request.dims is None:
        return () if request.dim is None else (request.dim,)
    return chosen_dims(request) or ()


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


def write_clusters(
    folder: RunFolder, request: ClusterRequest, points: ClusteredPoints
) -> dict[str, Any]:
    """Write clusters as a table, a figure, a report and a script that computes them again.

    These are ``cluster_assignments__T.csv``, in the latents' row order,
    ``cluster_latent_bc__T.png``, ``cluster_report__T.json`` and ``cluster_again__T.py``.

    Returns
    -------
    dict
        What the report holds.
    """
    tag = _tag(request, points)
    report = _report(request, points, tag)
    folder.write_csv_blocks(report["assignments_csv"], _assignments(request, points))
    shares = _shares(points)
    if shares is not None:
        report["shares_csv"] = f"cluster_shares__{tag}.csv"
        folder.write_csv(report["shares_csv"], shares)
    folder.write_figure(report["figure"], _figure(request, points))
    folder.write_bytes(report["snippet"], _snippet(request, points).encode())
    folder.write_json(f"cluster_report__{tag}.json", report)
    return report


def _shares(points: ClusteredPoints) -> pd.DataFrame | None:
    """Return how much of each partition each cluster holds; None where there are no partitions."""
    import pandas as pd

    partitions = comparable(points.latents.partition)
    if partitions is None:
        return None
    labels, finite = points.clustering.labels, points.features.finite
    rows = [
        {
            "cluster": label, "partition": one.name, "n": one.n, "share": one.of_partition,
            "lower": one.interval[0], "upper": one.interval[1],
        }
        for label in np.unique(labels[finite]).tolist()
        for one in partition_shares(partitions, finite, labels == label)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _assignments(request: ClusterRequest, points: ClusteredPoints) -> Iterator[pd.DataFrame]:
    """Yield the table of all points in pieces: as one, it may not fit beside the features."""
    import pandas as pd

    latents, features = points.latents, points.features
    places = () if latents.grid is None else latents.grid.plain_coordinates()
    # As published: of a pair, the map has all digits of a double.
    wide = {BAND_CONTRAST} if request.dims is None else set()
    for start in range(0, len(latents), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(latents)))
        columns: dict[str, Any] = dict(zip("xy", (axis[rows] for axis in places), strict=False))
        if not places:
            columns["sample_id"] = latents.ids_of(rows).astype(object)
        for name, values in zip(features.names, features.values[rows].T, strict=True):
            columns[name] = values if name in wide else values.astype(np.float32)
        yield pd.DataFrame({**columns, "cluster": points.clustering.labels[rows]})


def _tag(request: ClusterRequest, points: ClusteredPoints) -> str:
    if request.tag is not None:
        return request.tag
    region = ""
    if request.roi is not None:
        x0, x1, y0, y1 = (f"{bound:g}" for bound in request.roi)
        region = f"_x_{x0}_{x1}_y_{y0}_{y1}"
    what = f"d{request.dim}" if request.dims is None else _what(request, points)
    return f"{what}{region}{'_rows' if request.rows else ''}_{request.method}"


def _what(request: ClusterRequest, points: ClusteredPoints) -> str:
    """Return the dimensions and maps, as far as they fit into a file's name."""
    dims = chosen_dims(request)
    named = "all" if dims is None else "d" + "-".join(map(str, dims))
    names = [re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") for _, name in points.sources]
    if len(named) > _LONGEST_TAG:
        named = f"{len(dims or ())}d"
    return "_".join((named, *filter(None, names)))[:_LONGEST_TAG].rstrip("_-.")


def _report(request: ClusterRequest, points: ClusteredPoints, tag: str) -> dict[str, Any]:
    parameters = dict(points.clustering.parameters)
    features = parameters.pop("features")
    counts = points.clustering.counts
    finite = points.features.finite
    return {
        "method": request.method,
        "k": parameters["k"],
        "scores": dict(points.clustering.scores),
        "eps": parameters.get("eps"),
        "min_samples": parameters.get("min_samples"),
        "min_cluster_size": parameters.get("min_cluster_size"),
        "n_points": len(points.features),
        "n_clustered": int(finite.sum()),
        "n_noise": int((finite & (points.clustering.labels < 0)).sum()),
        "n_no_value": int((~finite).sum()),
        "unmatched": max(points.unmatched.values(), default=0),
        "counts": counts,
        "scaling": request.scaling,
        "standardisation": {"applied": request.scaling == "standard", "of": features},
        "features": list(points.features.names),
        "figure": f"cluster_latent_bc__{tag}.png",
        "assignments_csv": f"cluster_assignments__{tag}.csv",
        "snippet": f"cluster_again__{tag}.py",
        "notes": list(points.notes),
        "cluster_colors": _color_list(request, counts),
        "noise_color": NOISE_COLOR,
        "parameters": parameters,
        "sample": None
        if points.clustering.sampling is None
        else dataclasses.asdict(points.clustering.sampling),
        "engine": points.clustering.engine,
        "separation": dataclasses.asdict(points.separation),
        "comparison": dataclasses.asdict(points.comparison),
        "collapse": dataclasses.asdict(points.collapse),
        "latents": request.latents,
        "dim": request.dim,
        "dims": request.dims,
        "map": request.map,
        "map_column": _one([name for _, name in points.sources]),
        "map_unit": _one(list(points.units.values())),
        "roi": _roi_record(request),
        "rows": request.rows,
        "learn_from": request.learn_from,
    }


def _one(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _color_list(request: ClusterRequest, counts: Mapping[int, int]) -> list[str]:
    """Return the colors of clusters 0, 1, …, as published reports hold them."""
    most = max(counts) + 1
    return [cluster_palette([label], request.colors)[label] for label in range(most)]


def _roi_record(request: ClusterRequest) -> dict[str, Any] | None:
    if request.roi is None:
        return None
    roi = Roi.from_bounds(request.roi)
    return {"x_range": roi.x_range, "y_range": roi.y_range}


def _figure(request: ClusterRequest, points: ClusteredPoints) -> Any:
    from latentcore.figures.clusters import cluster_figure

    names = _drawn(request, points)
    # As published, a pair shows points that lack one of both as noise.
    values = [
        points.features.values[:, points.features.names.index(name)]
        if request.dims is None
        else points.features.column(name)
        for name in names
    ]
    labels = [
        f"{points.titles[name]} ({unit})"
        if (unit := points.units.get(name))
        else points.titles[name]
        for name in names
    ]
    scaling, k = _SCALING_TITLES[request.scaling], points.clustering.parameters["k"]
    n = len(points.features.names)
    what = f"{scaling} feature{'s' * (n > 1)}"
    counted = what if request.dims is None else f"{n} {what}"
    return cluster_figure(
        points.latents.grid,
        values[0],
        values[1] if len(values) > 1 else None,
        points.clustering.labels,
        latent_label=labels[0],
        bandcontrast_label=labels[-1],
        title=f"{points.clusterer.title}, k = {k}, {counted}",
        shaded_by="latent" if request.dims is None else points.titles[names[0]],
        colors=request.colors or categorical_palette(),
        missing=request.missing_color,
    )


def _drawn(request: ClusterRequest, points: ClusteredPoints) -> list[str]:
    """Return the two features that are drawn: those that separate the clusters most."""
    names = points.features.names
    if request.dims is None:
        return list(names)
    share = points.separation.share
    return sorted(names, key=lambda name: -(share[name] or 0.0))[:2]


def _snippet(request: ClusterRequest, points: ClusteredPoints) -> str:
    dims = chosen_dims(request)
    weights = dict(points.features.weights)
    if request.dims is None:
        assert request.dim is not None
        dims = (request.dim,)
        weights = {
            name if name != "latent" else latent_name(request.dim): weight
            for name, weight in weights.items()
        }
    return cluster_snippet(
        request.latents,
        dims=dims,
        maps=dict(zip(points.units, points.sources, strict=True)),
        weights=weights,
        published_pair=request.dims is None
        and not weights
        and points.latents.grid is not None
        and request.learn_from is None,
        learn_from=request.learn_from,
        on_grid=points.latents.grid is not None,
        nameless=points.nameless,
        clusterer=points.clusterer,
        scaling=scaling_of(request),
        sample=sample_of(request),
        numbers=points.clustering.parameters.get("numbers"),  # type: ignore[arg-type]
        roi=request.roi,
        rows=request.rows,
        coords=request.coords,
        reader=request.reader,
    )
