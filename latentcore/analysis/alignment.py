"""How alike two latent spaces are up to rotation: CKA, Procrustes, and spectra.

All of it comes from means and cross products of the columns, (d, e) at most, which are summed over
blocks of rows: nothing grows with the square of the number of samples.

Sources: linear CKA: Kornblith et al., *Similarity of neural network representations revisited*,
ICML 2019. Procrustes: Schönemann, Psychometrika 31 (1966), 1; disparity as in
``scipy.spatial.procrustes``. Participation ratio: Gao et al., *A theory of multineuronal
dimensionality*, bioRxiv 214262 (2017).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Matrix = NDArray[np.float64]

_BLOCK_VALUES = 1 << 22


@dataclass(frozen=True, eq=False)
class Alignment:
    """Two sets of latents of the same samples, held against each other.

    Attributes
    ----------
    cka : float
        Linear centered kernel alignment, 0 to 1: 1 where they differ by rotation and scale only.
        NaN where one of them is constant.
    disparity : float
        What is left of the second, 0 to 1, after both are centered and scaled to unit norm, and
        the second is rotated and scaled onto the first.
    rotation : ndarray, shape (e, d)
        Turns the centered second into the first's space.
    scale : float
        That goes with it.
    means : tuple of ndarray
        Of the columns of both.
    """

    cka: float
    disparity: float
    rotation: Matrix
    scale: float
    means: tuple[Matrix, Matrix]

    def aligned(self, other: Floats) -> Matrix:
        """Return latents of the second in the space of the first, (n, e) → (n, d)."""
        turned = (np.asarray(other, np.float64) - self.means[1]) @ self.rotation
        return np.asarray(self.scale * turned + self.means[0])


@dataclass(frozen=True)
class Spectrum:
    """How the variance of latents is spread over directions.

    Attributes
    ----------
    participation_ratio : float
        (Σ λ)² / Σ λ²: as many directions of equal variance would have the same.
    n_for_95 : int
        Principal components that hold 95 % of the variance.
    first_two : float
        Share of the variance in the first two principal components.
    """

    participation_ratio: float
    n_for_95: int
    first_two: float


def align(first: Floats, other: Floats) -> Alignment:
    """Align one set of latents to another of the same samples.

    Parameters
    ----------
    first, other : ndarray, shape (n, d) and (n, e)
        Finite.
    """
    means = (_mean(first), _mean(other))
    own, others, crossed = (
        _products(first, first, means[0], means[0]),
        _products(other, other, means[1], means[1]),
        _products(first, other, *means),
    )
    norms = float(np.linalg.norm(own)) * float(np.linalg.norm(others))
    sizes = float(np.trace(own)) * float(np.trace(others))
    if norms == 0:
        nothing = np.zeros((other.shape[1], first.shape[1]))
        return Alignment(np.nan, np.nan, nothing, 0.0, means)
    left, strengths, right = np.linalg.svd(crossed, full_matrices=False)
    total = float(strengths.sum())
    return Alignment(
        cka=float(np.square(crossed).sum()) / norms,
        disparity=max(0.0, 1 - total**2 / sizes),
        rotation=np.asarray((left @ right).T),
        scale=total / float(np.trace(others)),
        means=means,
    )


def residuals(first: Floats, other: Floats, alignment: Alignment) -> Matrix:
    """Return how far each sample lies from its place in the first after alignment, shape (n,)."""
    found = np.empty(len(first))
    for rows in _blocks(first):
        left = alignment.aligned(other[rows]) - np.asarray(first[rows], np.float64)
        found[rows] = np.linalg.norm(left, axis=1)
    return found


def spectrum(latents: Floats) -> Spectrum:
    """Return how the variance of latents is spread over directions.

    Parameters
    ----------
    latents : ndarray, shape (n, d)
        Finite.
    """
    mean = _mean(latents)
    values = np.linalg.eigvalsh(_products(latents, latents, mean, mean))[::-1].clip(min=0)
    total = float(values.sum())
    if total == 0:
        return Spectrum(np.nan, 0, np.nan)
    shares = np.cumsum(values) / total
    return Spectrum(
        participation_ratio=total**2 / float(np.square(values).sum()),
        n_for_95=int(np.searchsorted(shares, 0.95 - 1e-12)) + 1,
        first_two=float(shares[min(1, len(shares) - 1)]),
    )


def _mean(values: Floats) -> Matrix:
    return np.asarray(values.mean(axis=0, dtype=np.float64))


def _products(first: Floats, other: Floats, mean: Matrix, other_mean: Matrix) -> Matrix:
    """Return the sum of the centered rows' outer products, shape (d, e)."""
    found = np.zeros((first.shape[1], other.shape[1]))
    for rows in _blocks(first):
        found += (first[rows] - mean).T @ (other[rows] - other_mean)
    return found


def _blocks(values: Floats) -> Iterator[slice]:
    step = max(1, _BLOCK_VALUES // max(1, values.shape[1]))
    for start in range(0, len(values), step):
        yield slice(start, min(len(values), start + step))
