"""What is clustered and how, as ``cluster`` and ``session`` are asked it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latentcore.analysis.clusterers import CLUSTERERS, Clusterer, make_clusterer
from latentcore.analysis.features import Scaling
from latentcore.analysis.samples import Sample
from latentcore.errors import RequestError
from latentcore.figures.colors import cluster_palette
from latentcore.requests.methods import parameters_of, with_parameters
from latentcore.requests.options import (
    coords_option,
    latents_option,
    missing_color_option,
    reader_option,
    roi_option,
    rows_option,
    sample_asked,
    sample_option,
)
from latentcore.requests.verbs import option

__all__ = [
    "ALL",
    "ClusterRequest",
    "check_cluster_request",
    "chosen_dims",
    "clusterer_of",
    "needed_dims",
    "sample_of",
    "scaling_of",
    "weights_of",
]

# Stands for all latent dimensions in ``--dims``.
ALL: Literal["all"] = "all"
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def _dims_word(word: str) -> str:
    return word if word == ALL else str(int(word))


_dims_word.__name__ = "latent dimension"  # what argparse calls a value that it can't read


@dataclass(frozen=True)
class _ClusterRequest:
    """What to cluster, and how; the clusterers' own parameters are added below."""

    latents: str = latents_option()
    method: str = option(help=f"one of {', '.join(CLUSTERERS.names())}", family=CLUSTERERS)
    dim: int | None = option(
        None, help="latent dimension, clustered with one map as published", convert=int,
        metavar="D", unless="dims",
    )  # fmt: skip
    dims: tuple[str, ...] | None = option(
        None,
        help="latent dimensions that are clustered, in place of one by ⟨dim⟩: numbers, or 'all'",
        nargs="+",
        convert=_dims_word,
        metavar="D",
    )
    map: str | tuple[str, ...] | None = option(
        None,
        help="band contrast, FILE or FILE:COLUMN, joined with the latents by x and y; with ⟨dims⟩ "
        "any number of maps, or none",
        kind="map",
        repeat=True,
        unless="dims",
    )
    weights: tuple[str, ...] | None = option(
        None,
        help="by how much the squared differences of a feature count (default: 1), as "
        "latent_d3=2 or bandcontrast=0.5; gmm fits the spread of features itself and hardly cares",
        nargs="+",
        repeat=True,
        metavar="NAME=W",
    )
    scaling: str = option(
        "standard",
        help="standard: all features with zero mean and unit s.d.; none: as published",
        choices=("standard", "none"),
    )
    sample: str | None = sample_option(
        "points that clusters are learned from, or 'all'; default: as many as it takes to "
        "agree with another sample, where all would take long"
    )
    learn_from: str | None = option(
        None,
        help="learn clusters and scaling from the samples of this partition only, such as a scan "
        "of a collection, and place the others by what was learned (not dbscan)",
        metavar="NAME",
    )
    roi: tuple[float, ...] | None = roi_option()
    rows: str | None = rows_option()
    tag: str | None = option(
        None,
        help="ends the names of the files; default: d<D>[_x_X0_X1_y_Y0_Y1]_<method>, with ⟨dims⟩ "
        "the dimensions and maps in place of d<D>",
        metavar="T",
    )  # fmt: skip
    colors: tuple[str, ...] | None = option(
        None, help="#rrggbb of clusters 0, 1, …", nargs="+", metavar="C"
    )
    missing_color: str = missing_color_option()
    seed: int = option(0, help="the same seed gives the same clusters", convert=int, metavar="N")
    coords: str | None = coords_option()
    reader: str | None = reader_option()

    def __post_init__(self) -> None:
        # One map stays plain text, as the records of runs made before there could be several hold.
        if isinstance(self.map, list | tuple):
            maps = tuple(self.map)
            object.__setattr__(self, "map", maps[0] if len(maps) == 1 else maps or None)

    @property
    def maps(self) -> tuple[str, ...]:
        """Every ``MAP`` that was given."""
        if self.map is None:
            return ()
        return (self.map,) if isinstance(self.map, str) else self.map


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


def sample_of(request: ClusterRequest) -> Sample:
    """Return how many points clusters are learned from.

    Raises
    ------
    RequestError
        If it is neither ``all`` nor a number.
    """
    return sample_asked(request.sample)


def chosen_dims(request: ClusterRequest) -> tuple[int, ...] | None:
    """Return the latent dimensions that ``--dims`` names, None where it says ``all``.

    Raises
    ------
    RequestError
        If it says anything but ``all`` or numbers.
    """
    words = request.dims or ()
    if tuple(words) == (ALL,):
        return None
    try:
        return tuple(int(word) for word in words)
    except ValueError as error:
        message = f"⟨dims⟩ {' '.join(words)} can't be read: give 'all', or numbers only."
        raise RequestError(message) from error


def weights_of(request: ClusterRequest) -> dict[str, float]:
    """Return what the features that ``--weights`` names weigh.

    Raises
    ------
    RequestError
        If an entry is not written as ``NAME=W``, or a feature is named twice.
    """
    weights: dict[str, float] = {}
    for text in request.weights or ():
        name, sign, number = text.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            sign = ""
        if not sign or not name or name in weights:
            message = (
                f"⟨weights⟩ {text!r} can't be read: write each feature once, as NAME=W with a "
                "number, for example latent_d3=2."
            )
            raise RequestError(message)
        weights[name] = weight
    return weights


def check_cluster_request(request: ClusterRequest) -> None:
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
