"""The files of clusters: table, figure, report, and a script that computes them again."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.clustering import latent_name
from latentcore.analysis.partition_shares import comparable, partition_shares
from latentcore.artifacts import RunFolder
from latentcore.containers import Roi
from latentcore.figures.colors import NOISE_COLOR, categorical_palette, cluster_palette
from latentcore.inputs.maps import BAND_CONTRAST
from latentcore.outputs.cluster_snippet import cluster_snippet
from latentcore.outputs.clustered_points import ClusteredPoints
from latentcore.requests.clustering import ClusterRequest, chosen_dims, sample_of, scaling_of

if TYPE_CHECKING:
    import pandas as pd

_ROWS_AT_ONCE = 500_000
_LONGEST_TAG = 60
_SCALING_TITLES = {"standard": "standardized", "none": "raw"}


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
