"""What analysis gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.lazy import is_later, lazy_fields
from latentcore.errors import ShapeError, UnknownNameError


@lazy_fields("coordinates", "sample_ids")
@dataclass(frozen=True, eq=False)
class Embedding:
    """2-D or 3-D coordinates of samples.

    Attributes
    ----------
    coordinates : ndarray of float32, shape (n, 2) or (n, 3)
        NaN where a sample has no latent.
    sample_ids : ndarray of str, shape (n,)
    method : str
        ``"umap"`` or ``"pca"``.
    parameters : Mapping
        Everything that changes the coordinates, the seed included.
    engine : str
        Name and version of the library that computed them.
    scores : Mapping of str to float
        For example ``trustworthiness``, ``explained_variance``.
    fitted : Mapping of str to ndarray
        What the projection needs to place new samples in it; empty where it can't.
    """

    coordinates: NDArray[np.float32]
    sample_ids: NDArray[np.str_]
    method: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    engine: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    fitted: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if is_later(self, "coordinates") or is_later(self, "sample_ids"):
            return
        if self.coordinates.ndim != 2 or len(self.coordinates) != len(self.sample_ids):
            message = (
                f"An embedding needs (n, 2) or (n, 3) coordinates for its {len(self.sample_ids)} "
                f"samples, but got {self.coordinates.shape}."
            )
            raise ShapeError(message)


# Why a sample is in no cluster. In files all three are -1, as published; here they are told apart.
NOISE, OUTSIDE, NO_VALUE = -1, -2, -3
# Labels that lie closer are counted without sorting them.
_MOST_COUNTED = 1 << 20
_BLOCK = 1 << 20
_NOT_CLUSTERED = {NOISE: "noise", OUTSIDE: "outside the ROI", NO_VALUE: "no value"}


def cluster_name(label: int) -> str:
    """Return what a label of `Clustering.told_apart` is called.

    That is ``"3"`` of label 3, and ``"noise"``, ``"outside the ROI"`` or ``"no value"``.
    """
    return _NOT_CLUSTERED.get(label, str(label))


def label_counts(labels: NDArray[np.integer]) -> dict[int, int]:
    """Return how many samples have each label, ascending."""
    if labels.size == 0:
        return {}
    low = int(labels.min())
    if int(labels.max()) - low > _MOST_COUNTED:
        found, counts = np.unique(labels, return_counts=True)
        return {int(label): int(count) for label, count in zip(found, counts, strict=True)}
    counts = np.zeros(int(labels.max()) - low + 1, np.int64)
    for start in range(0, labels.size, _BLOCK):  # bincount takes int64
        counts += np.bincount(labels[start : start + _BLOCK] - low, minlength=len(counts))
    return {low + int(place): int(counts[place]) for place in np.flatnonzero(counts)}


@dataclass(frozen=True)
class Sampling:
    """The sample that clusters were learned from.

    Attributes
    ----------
    n, of : int
        Points of the sample, and of all that were put into clusters.
    seed : int
        Of the draw.
    agreement : float or None
        Adjusted Rand index between the clusters and those of another, disjoint sample of the same
        size, over points of neither; None where it was not measured.
    checks : tuple of (int, float)
        Size and agreement of each size that was tried.
    seconds_all : float or None
        How long it would take to learn from all, as the time grew with the sample.
    """

    n: int
    of: int
    seed: int
    agreement: float | None = None
    checks: tuple[tuple[int, float], ...] = ()
    seconds_all: float | None = None


@dataclass(frozen=True, eq=False)
class Clustering:
    """A cluster label for each sample.

    Attributes
    ----------
    labels : ndarray of int32, shape (n,)
        -1 is noise, or a sample without finite values; see `told_apart`.
    parameters : Mapping
        Everything that changes the labels, the found ones (k, eps) and the seed included.
    scores : Mapping
        For example ``{"criterion": "bic", "value": …, "by_k": {…}}``.
    engine : str
        Name and version of the library that computed them.
    clustered : ndarray of bool, shape (n,), optional
        Samples that took part: finite in each feature, and in the ROI. All if not given.
    notes : tuple of str
        Sentences that somebody should read before they trust the labels.
    sampling : Sampling or None
        The sample that they were learned from; None where that were all.
    """

    labels: NDArray[np.int32]
    method: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    scores: Mapping[str, object] = field(default_factory=dict)
    engine: str = ""
    clustered: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()
    sampling: Sampling | None = None

    def told_apart(self, inside: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
        """Return the labels, with `OUTSIDE` and `NO_VALUE` beside `NOISE`.

        Parameters
        ----------
        inside : ndarray of bool, shape (n,), optional
            Samples in the ROI; all if not given.
        """
        labels = self.labels
        if self.clustered is not None:
            labels = np.where(self.clustered, labels, np.int32(NO_VALUE))
        return labels if inside is None else np.where(inside, labels, np.int32(OUTSIDE))

    @cached_property
    def present(self) -> tuple[int, ...]:
        """The labels there are, ascending."""
        return tuple(self.counts)

    @property
    def counts(self) -> dict[int, int]:
        """Number of samples per label, noise included."""
        return label_counts(self.labels)


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The samples most like a query, the most similar first.

    Attributes
    ----------
    rows : ndarray of int64, shape (k,)
        Row of each among the latents that were searched.
    distance : ndarray of float64, shape (k,)
        Euclidean, or 1 − cosine.
    similarity : ndarray of float64, shape (k,)
        The cosine, or 1 / (1 + Euclidean distance).
    metric : str
        ``"cosine"`` or ``"euclidean"``.
    """

    rows: NDArray[np.int64]
    distance: NDArray[np.float64]
    similarity: NDArray[np.float64]
    metric: str

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Ranking:
    """How strongly each latent dimension follows a reference map, by several metrics.

    Attributes
    ----------
    dims : ndarray of int32, shape (d,)
        The latent dimensions.
    scores : Mapping of str to ndarray of float64, shape (d,)
        One array per metric; NaN where a dimension can't be scored.
    absolute : frozenset of str
        The metrics that rank by the absolute value of their score.
    n : ndarray of int32, shape (d,)
        Finite (latent, reference) pairs that each dimension was scored on.
    reasons : tuple of str, length d
        Why a dimension lacks a score; empty where it lacks none.
    """

    dims: NDArray[np.int32]
    scores: Mapping[str, NDArray[np.float64]]
    absolute: frozenset[str]
    n: NDArray[np.int32]
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.dims), len(self.n), len(self.reasons)}
        lengths |= {len(score) for score in self.scores.values()}
        if len(lengths) != 1:
            message = (
                "A ranking needs one score per metric, one n and one reason for each dimension, "
                f"but got lengths {sorted(lengths)}."
            )
            raise ShapeError(message)

    def strength(self, metric: str) -> NDArray[np.float64]:
        """Return what `metric` ranks by, shape (d,): its score, or the score's absolute value.

        Raises
        ------
        UnknownNameError
            If the dimensions weren't scored by that metric.
        """
        if metric not in self.scores:
            message = (
                f"These dimensions weren't scored by {metric!r}. "
                f"There are: {', '.join(self.scores)}."
            )
            raise UnknownNameError(message)
        score = self.scores[metric]
        return np.abs(score) if metric in self.absolute else score

    def order(self, metric: str) -> NDArray[np.int32]:
        """Return the dimensions from the strongest to the weakest, those without a score last.

        Equal strengths are ordered by dimension.

        Raises
        ------
        UnknownNameError
            If the dimensions weren't scored by that metric.
        """
        strength = self.strength(metric)
        return self.dims[np.lexsort((self.dims, -strength, np.isnan(strength)))]
