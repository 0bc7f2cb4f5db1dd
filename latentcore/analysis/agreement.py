"""How far the clusters of latent dimensions agree with labels from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import cluster_features
from latentcore.analysis.features import Features, Scaling
from latentcore.analysis.label_agreement import MISSING, rand_and_information
from latentcore.containers import Clustering
from latentcore.errors import InputError, RequestError, ShapeError
from latentcore.progress import Progress

__all__ = ["FEWEST_POINTS", "METRICS", "Agreement", "agree", "cluster_dimension"]

METRICS = ("ari", "nmi")
FEWEST_POINTS = 20


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement of each latent dimension's clusters with reference labels.

    Attributes
    ----------
    dims : ndarray of int32, shape (d,)
    ari, nmi : ndarray of float64, shape (d,)
        NaN where a dimension could not be compared.
    k_latent : ndarray of int32, shape (d,)
        Number of clusters of the dimension; 0 where it could not be clustered.
    n : ndarray of int32, shape (d,)
        Points with both a latent and a label.
    reasons : tuple of str
        Why a dimension could not be compared, ``""`` where it was.
    """

    dims: NDArray[np.int32]
    ari: NDArray[np.float64]
    nmi: NDArray[np.float64]
    k_latent: NDArray[np.int32]
    n: NDArray[np.int32]
    reasons: tuple[str, ...]

    def order(self, metric: str) -> NDArray[np.intp]:
        """Return the rows, best first by one metric, those without a score last."""
        scores = {"ari": self.ari, "nmi": self.nmi}[metric]
        return np.lexsort((self.dims, -np.nan_to_num(scores, nan=-np.inf)))


def agree(
    latents: NDArray[np.floating],
    dims: NDArray[np.integer],
    reference: NDArray[np.integer],
    *,
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    order: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> Agreement:
    """Cluster each latent dimension by itself and hold the clusters against reference labels.

    Parameters
    ----------
    latents : ndarray, shape (n, d)
    dims : ndarray of int, shape (d,)
        What the columns are called.
    reference : ndarray of int, shape (n,)
        `MISSING` where there is none.
    scaling : {"standard", "none"}
        ``"none"`` clusters raw latents. A Gaussian mixture adds 1e-6 to variances, which hides
        what a latent of s.d. 1e-4 holds.
    order : ndarray of int64, shape (n,), optional
        See `Features`.
    progress : Progress, optional
        Takes a step after each dimension.

    Raises
    ------
    ShapeError
        If the lengths differ.
    RequestError
        If fewer than 20 points have a reference label, or all have the same.
    """
    reference = np.asarray(reference)
    if latents.shape != (len(reference), len(dims)):
        message = (
            f"Latents of shape {latents.shape} can't go with {len(dims)} dimensions and "
            f"{len(reference)} reference labels."
        )
        raise ShapeError(message)
    _refuse_useless(reference)
    progress = progress or Progress()
    d = len(dims)
    scores = np.full((d, 2), np.nan)
    k, n, reasons = np.zeros(d, np.int32), np.zeros(d, np.int32), [""] * d
    for column, dim in enumerate(dims.tolist()):
        progress.step(column, d, "clustering latent dimensions")
        paired = np.isfinite(latents[:, column]) & (reference != MISSING)
        n[column] = paired.sum()
        values = np.where(paired, latents[:, column], np.nan)
        try:
            found = cluster_dimension(
                values, dim, clusterer=clusterer, scaling=scaling, order=order
            )
        except InputError as error:
            reasons[column] = str(error)
            continue
        k[column] = _number_of(found)
        scores[column] = rand_and_information(found.labels[paired], reference[paired])
    progress.step(d, d, "clustering latent dimensions")
    ari, nmi = scores.T
    return Agreement(np.asarray(dims, np.int32), ari, nmi, k, n, tuple(reasons))


def cluster_dimension(
    values: NDArray[np.floating],
    dim: int,
    *,
    clusterer: Clusterer,
    scaling: Scaling = "standard",
    order: NDArray[np.int64] | None = None,
) -> Clustering:
    """Cluster one latent dimension; −1 where a value is not finite.

    Raises
    ------
    RequestError
        If fewer than 20 values are finite, all are equal, or fewer differ than clusters are
        asked for.
    """
    finite = int(np.isfinite(values).sum())
    if finite < FEWEST_POINTS:
        message = (
            f"Latent {dim} has {finite} finite values with a reference label; at least "
            f"{FEWEST_POINTS} are needed. Choose a larger ROI."
        )
        raise RequestError(message)
    column = np.asarray(values, np.float64)[:, None]
    features = Features(column, (f"latent {dim}",), order)
    return cluster_features(features, clusterer=clusterer, scaling=scaling)


def _number_of(clustering: Clustering) -> int:
    k = clustering.parameters["k"]
    assert isinstance(k, int)
    return k


def _refuse_useless(reference: NDArray[np.integer]) -> None:
    present = reference[reference != MISSING]
    if len(present) < FEWEST_POINTS:
        message = (
            f"Only {len(present)} of {len(reference)} points have a reference label; at least "
            f"{FEWEST_POINTS} are needed. Choose a larger ROI, or check that it is the same scan."
        )
        raise RequestError(message)
    if (present == present[0]).all():
        message = (
            f"All {len(present)} points have the same reference label, so no dimension can agree "
            "with it more than another. Choose another reference, or a larger ROI."
        )
        raise RequestError(message)
