"""``cluster``: clusters of (latent, band contrast), and what they are made of."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import CLUSTERERS, Clusterer, make_clusterer
from latentcore.analysis.clustering import cluster_features
from latentcore.analysis.collapse import Spread, spread
from latentcore.analysis.features import Features, Scaling, latent_and_band_contrast
from latentcore.analysis.scaling_comparison import ScalingComparison, compare_scalings
from latentcore.analysis.separation import Separation, separation
from latentcore.analysis.snippet import cluster_snippet
from latentcore.artifacts import RunFolder
from latentcore.containers import Clustering, Roi, ScanGrid
from latentcore.errors import RequestError
from latentcore.figures.colors import NOISE_COLOR, categorical_palette, cluster_palette
from latentcore.inputs.latents import is_nameless, read_latents
from latentcore.inputs.maps import maps_at, read_one_map
from latentcore.progress import Progress
from latentcore.requests.map_specs import split_map_spec
from latentcore.requests.methods import with_parameters
from latentcore.requests.options import coords_option, latents_option, reader_option, roi_option
from latentcore.requests.verbs import option, verb

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ClusterRequest", "assignments_table", "clusterer_of", "run"]

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SCALING_WORDS = {"standard": "standardized", "none": "raw"}
# Every run has a seed, whether or not its method draws numbers.


@dataclass(frozen=True)
class _ClusterRequest:
    """What to cluster, and how; the clusterers' own parameters are added below."""

    latents: str = latents_option()
    dim: int = option(help="latent dimension", convert=int, metavar="D")
    map: str = option(
        help="band contrast: FILE or FILE:COLUMN, joined with the latents by x and y",
        kind="map",
    )
    method: str = option(help=f"one of {', '.join(CLUSTERERS.names())}", family=CLUSTERERS)
    scaling: str = option(
        "standard",
        help="standard: both features with zero mean and unit s.d.; none: as published",
        choices=("standard", "none"),
    )
    roi: tuple[float, ...] | None = roi_option()
    tag: str | None = option(
        None, help="ends the names of the files; default: d<D>[_x_X0_X1_y_Y0_Y1]_<method>",
        metavar="T",
    )  # fmt: skip
    colors: tuple[str, ...] | None = option(
        None, help="#rrggbb of clusters 0, 1, …", nargs="+", metavar="C"
    )
    seed: int = option(0, help="the same seed gives the same clusters", convert=int, metavar="N")
    coords: str | None = coords_option()
    reader: str | None = reader_option()


# One list of parameters: those that the clusterers declare. A new clusterer brings its options.
ClusterRequest: Any = with_parameters(_ClusterRequest, CLUSTERERS)


@dataclass(frozen=True, eq=False)
class _Points:
    """What was read: latent and map at the same points."""

    grid: ScanGrid
    latent: NDArray[np.float32]
    mapped: NDArray[np.float32]
    map_name: str
    map_unit: str
    unmatched: int
    dim_in_file: int | None


@dataclass(frozen=True, eq=False)
class _Findings:
    """What was computed."""

    clustering: Clustering
    separation: Separation
    comparison: ScalingComparison
    spread: Spread


@verb("cluster", "Cluster (latent, band contrast).", ClusterRequest)
def run(request: _ClusterRequest, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Cluster (latent, band contrast).

    Writes ``cluster_latent_bc__T.png``, ``cluster_assignments__T.csv``, in the latents' row
    order, ``cluster_report__T.json`` and ``cluster_again__T.py``, which computes the labels
    again.

    Returns
    -------
    dict
        What the report holds.

    Raises
    ------
    InputError
        If the inputs can't be read or joined, or the parameters make no sense for them.
    """
    clusterer = clusterer_of(request)
    tag = _tag(request)
    if request.colors is not None:
        cluster_palette([0], request.colors)  # refuses a color before anything is read
    progress.step(0, 1, "reading latents and map")
    points = _read(request, folder)
    features = latent_and_band_contrast(points.latent, points.mapped, order=points.grid.node)
    found = _find(features, clusterer, _scaling(request), points, progress)
    report = _report(request, points, found, tag)
    folder.write_csv(report["assignments_csv"], assignments_table(points.grid, features, found))
    folder.write_figure(report["figure"], _figure(request, points, found, clusterer))
    folder.write_bytes(report["snippet"], _snippet(request, points, clusterer).encode())
    folder.write_json(f"cluster_report__{tag}.json", report)
    return report


def assignments_table(grid: ScanGrid, features: Features, found: _Findings) -> pd.DataFrame:
    """Return x, y, latent, bandcontrast and cluster, in the latents' row order."""
    import pandas as pd

    x, y = grid.plain_coordinates()
    latent, mapped = features.values.T
    return pd.DataFrame(
        {
            "x": x,
            "y": y,
            "latent": latent.astype(np.float32),
            "bandcontrast": mapped,
            "cluster": found.clustering.labels,
        }
    )


def clusterer_of(request: Any) -> Clusterer:
    """Make the clusterer that a request names, with the parameters that it gives.

    Raises
    ------
    UnknownNameError
        If no clusterer has that name.
    RequestError
        If the method lacks a parameter that was given, or a value makes no sense.
    """
    given = {
        declared.name: getattr(request, declared.name)
        for _, kind in CLUSTERERS.items()
        for declared in dataclasses.fields(kind)
    }
    return make_clusterer(request.method, given)


def _scaling(request: _ClusterRequest) -> Scaling:
    return "none" if request.scaling == "none" else "standard"


def _tag(request: _ClusterRequest) -> str:
    if request.tag is not None:
        if not _TAG.fullmatch(request.tag):
            message = (
                f"⟨tag⟩ {request.tag!r} can't end a file's name: use letters, digits and . _ + - "
                "only, the first a letter or digit."
            )
            raise RequestError(message)
        return request.tag
    region = ""
    if request.roi is not None:
        x0, x1, y0, y1 = (f"{bound:g}" for bound in request.roi)
        region = f"_x_{x0}_{x1}_y_{y0}_{y1}"
    return f"d{request.dim}{region}_{request.method}"


def _read(request: _ClusterRequest, folder: RunFolder) -> _Points:
    latents = read_latents(
        request.latents, folder, coords=request.coords, reader=request.reader, roi=request.roi,
        dims=(request.dim,),
    )  # fmt: skip
    latent = latents.dimension(request.dim)
    maps = read_one_map(request.map, folder)
    values, unmatched = maps_at(maps, latents.grid)
    assert latents.grid is not None  # else nothing could be joined
    return _Points(
        grid=latents.grid,
        latent=latent,
        mapped=values[0],
        map_name=maps.names[0],
        map_unit=maps.units[0],
        unmatched=unmatched,
        dim_in_file=None if is_nameless(latents) else request.dim,
    )


def _find(
    features: Features, clusterer: Clusterer, scaling: Scaling, points: _Points, progress: Progress
) -> _Findings:
    clustering = cluster_features(features, clusterer=clusterer, scaling=scaling, progress=progress)
    return _Findings(
        clustering,
        separation(features, clustering, clusterer=clusterer, scaling=scaling, progress=progress),
        compare_scalings(features, clustering, clusterer=clusterer, progress=progress),
        spread(points.latent),
    )


def _report(
    request: _ClusterRequest, points: _Points, found: _Findings, tag: str
) -> dict[str, Any]:
    parameters = dict(found.clustering.parameters)
    standardization = {
        "applied": request.scaling == "standard",
        "of": parameters.pop("features"),
    }
    counts = found.clustering.counts
    finite = np.isfinite(points.latent) & np.isfinite(points.mapped)
    return {
        "method": request.method,
        "k": parameters["k"],
        "scores": dict(found.clustering.scores),
        "eps": parameters.get("eps"),
        "min_samples": parameters.get("min_samples"),
        "min_cluster_size": parameters.get("min_cluster_size"),
        "n_points": len(points.latent),
        "n_clustered": int(finite.sum()),
        "n_noise": int((finite & (found.clustering.labels < 0)).sum()),
        "unmatched": points.unmatched,
        "counts": counts,
        "scaling": request.scaling,
        "standardisation": standardization,
        "figure": f"cluster_latent_bc__{tag}.png",
        "assignments_csv": f"cluster_assignments__{tag}.csv",
        "snippet": f"cluster_again__{tag}.py",
        "notes": _notes(points, found),
        "cluster_colors": _color_list(request, counts),
        "noise_color": NOISE_COLOR,
        "parameters": parameters,
        "engine": found.clustering.engine,
        "separation": dataclasses.asdict(found.separation),
        "comparison": dataclasses.asdict(found.comparison),
        "collapse": dataclasses.asdict(found.spread),
        "latents": request.latents,
        "dim": request.dim,
        "map": request.map,
        "map_column": points.map_name,
        "map_unit": points.map_unit,
        "roi": _roi_record(request),
    }


def _notes(points: _Points, found: _Findings) -> list[str]:
    """Return what the user should know before they trust the labels."""
    notes = [found.spread.message] if found.spread.message else []
    if points.unmatched:
        notes.insert(
            0,
            f"{points.unmatched} of {len(points.latent)} points have no {points.map_name} in the "
            "map and get the label -1. Check that it is the map of the same scan.",
        )
    return notes


def _color_list(request: _ClusterRequest, counts: Mapping[int, int]) -> list[str]:
    """Return the colors of clusters 0, 1, …, as published reports hold them."""
    most = max(counts) + 1
    return [cluster_palette([label], request.colors)[label] for label in range(most)]


def _roi_record(request: _ClusterRequest) -> dict[str, Any] | None:
    if request.roi is None:
        return None
    roi = Roi.from_bounds(request.roi)
    return {"x_range": roi.x_range, "y_range": roi.y_range}


def _figure(
    request: _ClusterRequest, points: _Points, found: _Findings, clusterer: Clusterer
) -> Any:
    from latentcore.figures.clusters import cluster_figure

    name = "band contrast" if points.map_name == "bandcontrast" else points.map_name
    unit = f" ({points.map_unit})" if points.map_unit else ""
    words = _SCALING_WORDS[request.scaling]
    return cluster_figure(
        points.grid,
        points.latent,
        points.mapped,
        found.clustering.labels,
        latent_label=f"latent {request.dim}",
        bandcontrast_label=f"{name}{unit}",
        title=f"{clusterer.title}, k = {found.clustering.parameters['k']}, {words} features",
        colors=request.colors or categorical_palette(),
    )


def _snippet(request: _ClusterRequest, points: _Points, clusterer: Clusterer) -> str:
    return cluster_snippet(
        request.latents,
        dim=points.dim_in_file,
        map_location=split_map_spec(request.map)[0],
        map_column=points.map_name,
        clusterer=clusterer,
        scaling=_scaling(request),
        roi=request.roi,
        coords=request.coords,
        reader=request.reader,
    )
