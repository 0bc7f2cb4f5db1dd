"""What is clustered and how, as ``cluster`` and ``session`` are asked it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentcore.analysis.clusterers import CLUSTERERS, Clusterer, make_clusterer
from latentcore.analysis.clustering import Scaling
from latentcore.requests.methods import parameters_of, with_parameters
from latentcore.requests.options import coords_option, latents_option, reader_option, roi_option
from latentcore.requests.verbs import option

__all__ = ["ClusterRequest", "clusterer_of", "scaling_of"]


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


# The options of methods are those that the methods declare, so a new one brings its own.
if TYPE_CHECKING:
    ClusterRequest = _ClusterRequest
else:
    ClusterRequest = with_parameters(_ClusterRequest, CLUSTERERS)


def clusterer_of(request: ClusterRequest) -> Clusterer:
    """Make the clusterer that a request names, with the parameters that it gives.

    Raises
    ------
    UnknownNameError
        If no clusterer has that name.
    RequestError
        If the method lacks a parameter that was given, or a value makes no sense.
    """
    return make_clusterer(request.method, parameters_of(request, CLUSTERERS))


def scaling_of(request: ClusterRequest) -> Scaling:
    """Return how the features are scaled."""
    return "none" if request.scaling == "none" else "standard"
