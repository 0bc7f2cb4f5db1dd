"""Clusters of a latent dimension and a map: computed, described and written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import cluster_features, latent_and_band_contrast
from latentcore.analysis.collapse import Spread, spread
from latentcore.analysis.separation import (
    ScalingComparison,
    Separation,
    compare_scalings,
    separation,
)
from latentcore.artifacts import RunFolder
from latentcore.containers import Clustering, LatentSet, Roi, ScanGrid, ScanMaps
from latentcore.errors import RequestError
from latentcore.figures.colors import NOISE_COLOR, categorical_palette, cluster_palette
from latentcore.inputs.latents import is_nameless
from latentcore.inputs.maps import maps_at
from latentcore.outputs.cluster_snippet import cluster_snippet
from latentcore.progress import Progress
from latentcore.requests.clustering import ClusterRequest, scaling_of
from latentcore.requests.map_specs import split_map_spec

if TYPE_CHECKING:
    import pandas as pd

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SCALING_TITLES = {"standard": "standardized", "none": "raw"}


@dataclass(frozen=True, eq=False)
class ClusteredPoints:
    """A latent dimension and a map at the same n points, and their clusters.

    Attributes
    ----------
    latent, mapped : ndarray of float32, shape (n,)
    unmatched : int
        Points without a partner in the map.
    dim_in_file : int or None
        None where the file holds a single dimension and doesn't say which.
    """

    clusterer: Clusterer
    grid: ScanGrid
    latent: NDArray[np.float32]
    mapped: NDArray[np.float32]
    map_name: str
    map_unit: str
    unmatched: int
    dim_in_file: int | None
    clustering: Clustering
    separation: Separation
    comparison: ScalingComparison
    spread: Spread


def check_request(request: ClusterRequest) -> None:
    """Refuse a tag or colors that make no sense, before anything is read.

    Raises
    ------
    InputError
    """
    if request.tag is not None and not _TAG.fullmatch(request.tag):
        message = (
            f"⟨tag⟩ {request.tag!r} can't end a file's name: use letters, digits and . _ + - "
            "only, the first a letter or digit."
        )
        raise RequestError(message)
    if request.colors is not None:
        cluster_palette([0], request.colors)


def cluster_points(
    request: ClusterRequest,
    clusterer: Clusterer,
    latents: LatentSet,
    maps: ScanMaps,
    progress: Progress | None = None,
) -> ClusteredPoints:
    """Cluster a latent dimension and a map at the points of latents.

    Parameters
    ----------
    latents : LatentSet
        Those in the ROI.
    maps : ScanMaps
        One map.

    Raises
    ------
    InputError
        If they can't be joined, or the parameters make no sense for them.
    """
    scaling = scaling_of(request)
    latent = latents.dimension(request.dim)
    values, unmatched = maps_at(maps, latents.grid)
    grid = latents.grid
    assert grid is not None  # else nothing could be joined
    features = latent_and_band_contrast(latent, values[0], order=grid.node)
    clustering = cluster_features(features, clusterer=clusterer, scaling=scaling, progress=progress)
    return ClusteredPoints(
        clusterer=clusterer,
        grid=grid,
        latent=latent,
        mapped=values[0],
        map_name=maps.names[0],
        map_unit=maps.units[0],
        unmatched=unmatched,
        dim_in_file=None if is_nameless(latents) else request.dim,
        clustering=clustering,
        separation=separation(
            features, clustering, clusterer=clusterer, scaling=scaling, progress=progress
        ),
        comparison=compare_scalings(features, clustering, clusterer=clusterer, progress=progress),
        spread=spread(latent),
    )


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
    tag = _tag(request)
    report = _report(request, points, tag)
    folder.write_csv(report["assignments_csv"], _assignments(points))
    folder.write_figure(report["figure"], _figure(request, points))
    folder.write_bytes(report["snippet"], _snippet(request, points).encode())
    folder.write_json(f"cluster_report__{tag}.json", report)
    return report


def _assignments(points: ClusteredPoints) -> pd.DataFrame:
    import pandas as pd

    x, y = points.grid.plain_coordinates()
    return pd.DataFrame(
        {
            "x": x,
            "y": y,
            "latent": points.latent,
            "bandcontrast": points.mapped.astype(np.float64),
            "cluster": points.clustering.labels,
        }
    )


def _tag(request: ClusterRequest) -> str:
    if request.tag is not None:
        return request.tag
    region = ""
    if request.roi is not None:
        x0, x1, y0, y1 = (f"{bound:g}" for bound in request.roi)
        region = f"_x_{x0}_{x1}_y_{y0}_{y1}"
    return f"d{request.dim}{region}_{request.method}"


def _report(request: ClusterRequest, points: ClusteredPoints, tag: str) -> dict[str, Any]:
    parameters = dict(points.clustering.parameters)
    standardization = {
        "applied": request.scaling == "standard",
        "of": parameters.pop("features"),
    }
    counts = points.clustering.counts
    finite = np.isfinite(points.latent) & np.isfinite(points.mapped)
    return {
        "method": request.method,
        "k": parameters["k"],
        "scores": dict(points.clustering.scores),
        "eps": parameters.get("eps"),
        "min_samples": parameters.get("min_samples"),
        "min_cluster_size": parameters.get("min_cluster_size"),
        "n_points": len(points.latent),
        "n_clustered": int(finite.sum()),
        "n_noise": int((finite & (points.clustering.labels < 0)).sum()),
        "unmatched": points.unmatched,
        "counts": counts,
        "scaling": request.scaling,
        "standardisation": standardization,
        "figure": f"cluster_latent_bc__{tag}.png",
        "assignments_csv": f"cluster_assignments__{tag}.csv",
        "snippet": f"cluster_again__{tag}.py",
        "notes": _notes(points),
        "cluster_colors": _color_list(request, counts),
        "noise_color": NOISE_COLOR,
        "parameters": parameters,
        "engine": points.clustering.engine,
        "separation": dataclasses.asdict(points.separation),
        "comparison": dataclasses.asdict(points.comparison),
        "collapse": dataclasses.asdict(points.spread),
        "latents": request.latents,
        "dim": request.dim,
        "map": request.map,
        "map_column": points.map_name,
        "map_unit": points.map_unit,
        "roi": _roi_record(request),
    }


def _notes(points: ClusteredPoints) -> list[str]:
    """Return what the user should know before they trust the labels."""
    notes = [points.spread.message] if points.spread.message else []
    if points.unmatched:
        notes.insert(
            0,
            f"{points.unmatched} of {len(points.latent)} points have no {points.map_name} in the "
            "map and get the label -1. Check that it is the map of the same scan.",
        )
    return notes


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

    name = "band contrast" if points.map_name == "bandcontrast" else points.map_name
    unit = f" ({points.map_unit})" if points.map_unit else ""
    scaling, k = _SCALING_TITLES[request.scaling], points.clustering.parameters["k"]
    return cluster_figure(
        points.grid,
        points.latent,
        points.mapped,
        points.clustering.labels,
        latent_label=f"latent {request.dim}",
        bandcontrast_label=f"{name}{unit}",
        title=f"{points.clusterer.title}, k = {k}, {scaling} features",
        colors=request.colors or categorical_palette(),
    )


def _snippet(request: ClusterRequest, points: ClusteredPoints) -> str:
    return cluster_snippet(
        request.latents,
        dim=points.dim_in_file,
        map_location=split_map_spec(request.map)[0],
        map_column=points.map_name,
        clusterer=points.clusterer,
        scaling=scaling_of(request),
        roi=request.roi,
        coords=request.coords,
        reader=request.reader,
    )
