"""How unlike its reference a sample is, as a percentile that means what it says.

Part of the reference is set aside; its samples say how far a sample of the same kind lies from
the others. A percentile of 99 is a distance that one in a hundred samples of the same kind has.
That is split conformal prediction with two distances as its score.

Sources: shrinkage: Ledoit and Wolf, *A well-conditioned estimator for large-dimensional covariance
matrices*, J. Multivariate Anal. 88 (2004), 365. Calibration: Laxhammar and Falkman, *Conformal
anomaly detection*, 2014; Angelopoulos and Bates, arXiv:2107.07511. Distance to neighbors:
Ramaswamy, Rastogi and Shim, SIGMOD 2000; Sun et al., *Out-of-distribution detection with deep
nearest neighbors*, ICML 2022.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError, ShapeError
from latentcore.progress import Progress

Floats = NDArray[np.floating]

FEWEST = 40
MOST_FITTED = 200_000
MOST_CALIBRATED = 20_000
_SHARE = 0.25
_BLOCK = 8_192


@dataclass(frozen=True, eq=False)
class Distances:
    """How far samples lie from a reference; NaN where a sample has no latent.

    Attributes
    ----------
    mahalanobis : ndarray of float64, shape (n,)
        From the mean, in units of the covariance with shrinkage.
    neighbors : ndarray of float64, shape (n,)
        Mean Euclidean distance to the k nearest.
    """

    mahalanobis: NDArray[np.float64]
    neighbors: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Novelty:
    """How unlike the reference samples are; NaN where a sample has no latent.

    Attributes
    ----------
    distances : Distances
    percentile : ndarray of float64, shape (n,)
        0 to 100, of the score below; uniform for samples of the reference's kind.
    percentile_mahalanobis, percentile_neighbors : ndarray of float64, shape (n,)
        Of each distance alone.
    """

    distances: Distances
    percentile: NDArray[np.float64]
    percentile_mahalanobis: NDArray[np.float64]
    percentile_neighbors: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Parts:
    """Which samples of the reference are learned, and which say what is usual.

    Attributes
    ----------
    fitted, calibrating : ndarray of int64
        Row numbers, ascending.
    """

    fitted: NDArray[np.int64]
    calibrating: NDArray[np.int64]


class Reference:
    """A reference that samples are held against."""

    def __init__(self, latents: Floats, parts: Parts, k: int) -> None:
        """Learn the one part and calibrate by the other.

        Parameters
        ----------
        latents : ndarray, shape (n, d)
            Finite in all rows that are named.
        k : int
            Nearest neighbors.
        """
        from sklearn.covariance import LedoitWolf
        from sklearn.neighbors import NearestNeighbors

        fitted = np.asarray(latents[parts.fitted], np.float64)
        self.k = min(k, len(fitted))
        self.covariance = LedoitWolf().fit(fitted)
        self._center = self.covariance.location_
        method = "auto" if fitted.shape[1] <= 16 else "brute"
        search = NearestNeighbors(n_neighbors=self.k, algorithm=method)
        # About the mean, as float32 loses the digits of distances far from 0.
        self._search = search.fit(np.asarray(fitted - self._center, np.float32))
        self._usual = self.distances(latents[parts.calibrating])
        scores = _score(self._usual, self._usual)
        self._sorted = [
            np.sort(values) for values in (self._usual.mahalanobis, self._usual.neighbors, scores)
        ]

    @property
    def shrinkage(self) -> float:
        """Ledoit and Wolf's weight of the scaled identity, 0 to 1."""
        return float(self.covariance.shrinkage_)

    def distances(self, latents: Floats, progress: Progress | None = None) -> Distances:
        """Return how far samples lie from the part that was learned, shape (n, d) → (n,)."""
        progress = progress or Progress()
        mahalanobis, near = np.full((2, len(latents)), np.nan)
        for rows in _blocks(len(latents)):
            progress.step(rows.start, len(latents), "measuring distances")
            block = np.asarray(latents[rows], np.float64)
            there = np.isfinite(block).all(axis=1)
            if not there.any():
                continue
            own = rows.start + np.flatnonzero(there)
            values = block[there] - self._center
            mahalanobis[own] = np.sqrt(self.covariance.mahalanobis(block[there]))
            found, _ = self._search.kneighbors(np.asarray(values, np.float32))
            near[own] = found.astype(np.float64).mean(axis=1)
        progress.step(len(latents), len(latents), "measuring distances")
        return Distances(mahalanobis, near)

    def judge(self, latents: Floats, progress: Progress | None = None) -> Novelty:
        """Judge samples.

        Parameters
        ----------
        latents : ndarray, shape (n, d)

        Raises
        ------
        ShapeError
            If they have another number of dimensions than the reference.
        """
        d = len(self._center)
        if latents.shape[1] != d:
            message = f"{latents.shape[1]} dimensions can't be held against a reference of {d}."
            raise ShapeError(message)
        found = self.distances(latents, progress)
        score = _score(found, self._usual)
        return Novelty(
            found,
            percentile=percentile(score, self._sorted[2]),
            percentile_mahalanobis=percentile(found.mahalanobis, self._sorted[0]),
            percentile_neighbors=percentile(found.neighbors, self._sorted[1]),
        )


def parts_at_random(encoded: NDArray[np.bool_], seed: int) -> Parts:
    """Set a quarter of the reference aside, drawn at random.

    Parameters
    ----------
    encoded : ndarray of bool, shape (n,)
        Which samples have a latent.

    Raises
    ------
    RequestError
        If fewer than 40 have.
    """
    return _parts(np.random.default_rng(seed).permutation(np.flatnonzero(encoded)), lambda n: n)


def parts_by_group(encoded: NDArray[np.bool_], groups: NDArray[np.integer], seed: int) -> Parts:
    """Set whole groups aside, about a quarter of the reference.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        Of each sample: its square of the scan, its file.
    """
    rows = np.flatnonzero(encoded)
    random = np.random.default_rng(seed)
    places = random.permutation(int(groups.max()) + 1)
    order = rows[np.argsort(places[groups[rows]], kind="stable")]
    drawn = groups[order]

    def whole(n: int) -> int:
        """Return the end of the group that the n-th sample lies in."""
        return int(np.searchsorted(places[drawn], places[drawn[n - 1]], side="right"))

    return _parts(order, whole)


def _parts(order: NDArray[np.int64], whole: Callable[[int], int]) -> Parts:
    if len(order) < FEWEST:
        message = (
            f"The reference has {len(order)} samples with a latent, but at least {FEWEST} are "
            "needed to say what is usual. Give a larger reference."
        )
        raise RequestError(message)
    n = whole(max(10, round(_SHARE * len(order))))
    if len(order) - n < FEWEST // 2:
        message = (
            "The reference is too small to set whole squares of it aside. Give a larger one, or "
            "⟨calibration⟩ random."
        )
        raise RequestError(message)
    calibrating, fitted = order[:n], order[n:]
    # Whoever comes first in the order was drawn at random, or lies in a group that was.
    few = np.linspace(0, n - 1, min(n, MOST_CALIBRATED)).round().astype(np.int64)
    some = np.linspace(0, len(fitted) - 1, min(len(fitted), MOST_FITTED)).round().astype(np.int64)
    return Parts(np.sort(fitted[some]), np.sort(calibrating[few]))


def _score(found: Distances, usual: Distances) -> NDArray[np.float64]:
    """Return the larger of both ranks among what is usual, 0 to 1."""
    ranks = [
        np.searchsorted(np.sort(known), values, side="right") / len(known)
        for values, known in (
            (found.mahalanobis, usual.mahalanobis),
            (found.neighbors, usual.neighbors),
        )
    ]
    # Beyond all that is usual the ratio tells the farther from the far.
    beyond = np.maximum(
        found.mahalanobis / max(float(usual.mahalanobis.max()), 1e-300),
        found.neighbors / max(float(usual.neighbors.max()), 1e-300),
    )
    score = np.maximum(*ranks) + np.where(beyond > 1, beyond, 0)
    return np.where(np.isfinite(found.mahalanobis), score, np.nan)


def percentile(values: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 100 × (number below + half of the equal ones, itself among them) / (n + 1).

    Parameters
    ----------
    values : ndarray of float64, shape (m,)
    usual : ndarray of float64, shape (n,)
        Finite, ascending.

    Returns
    -------
    ndarray of float64, shape (m,)
        NaN where a value is not finite.
    """
    below = np.searchsorted(usual, values, side="left")
    equal = np.searchsorted(usual, values, side="right") - below
    found = 100 * (below + 0.5 * (equal + 1)) / (len(usual) + 1)
    return np.where(np.isfinite(values), found, np.nan)


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, _BLOCK):
        yield slice(start, min(n, start + _BLOCK))
