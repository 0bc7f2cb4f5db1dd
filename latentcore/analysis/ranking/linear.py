"""Pearson's correlation, plain and after removing a spatial trend."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.ranking._metric import METRICS, Pairs, Tick
from latentcore.analysis.ranking._order import near_one
from latentcore.analysis.ranking._threads import over_dimensions


@METRICS.register("pearson")
class Pearson:
    """Pearson's linear correlation, -1 … 1."""

    name: ClassVar[str] = "pearson"
    title: ClassVar[str] = "Pearson"
    absolute: ClassVar[bool] = True
    place: ClassVar[int] = 0
    stage: ClassVar[int] = 0
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    undefined: ClassVar[str] = ""

    def score(self, pairs: Pairs, tick: Tick) -> NDArray[np.float64]:
        """Score each dimension."""
        return _correlations(pairs, np.empty((0, len(pairs.reference))), tick)


@METRICS.register("pp_spatial")
class PartialPearson:
    """Pearson's correlation after removing a polynomial in x and y from both, -1 … 1.

    A scan often drifts: the beam, the focus and the specimen's thickness change slowly over
    it, and two maps that have nothing but such a trend in common correlate.
    """

    name: ClassVar[str] = "pp_spatial"
    title: ClassVar[str] = "Partial Pearson"
    absolute: ClassVar[bool] = True
    place: ClassVar[int] = 6
    stage: ClassVar[int] = 0
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    undefined: ClassVar[str] = (
        "Partial Pearson (no spatial trend): the spatial trend explains the latent, or the "
        "reference, entirely"
    )

    def score(self, pairs: Pairs, tick: Tick) -> NDArray[np.float64]:
        """Score each dimension."""
        return _correlations(pairs, trend_basis(pairs.x, pairs.y, pairs.trend_degree), tick)


def trend_basis(x: NDArray[np.float64], y: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Return an orthonormal basis of the polynomials in x and y up to `degree`, shape (p, m).

    The rank is found from the points: on a single row of a scan, y adds nothing.
    """
    u, v = (_centered_unit(axis) for axis in (x, y))
    monomials = np.stack(
        [u**i * v**j for i in range(degree + 1) for j in range(degree + 1 - i)], axis=1
    )
    left, singular, _ = np.linalg.svd(monomials, full_matrices=False)
    basis: NDArray[np.float64] = left[:, singular > 1e-10 * singular[0]].T
    return np.ascontiguousarray(basis)


def _centered_unit(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    centered: NDArray[np.float64] = axis - axis.mean()
    largest = float(np.abs(centered).max())
    if largest > 0:
        centered /= largest
    return centered


def _correlations(pairs: Pairs, basis: NDArray[np.float64], tick: Tick) -> NDArray[np.float64]:
    from latentcore.analysis.ranking._linear_loops import correlations

    scores = np.empty(len(pairs.latents))
    reference = near_one(pairs.reference)
    single = reference.astype(np.float32) == reference
    rounded = float(np.finfo(np.float32 if single.all() else np.float64).eps)

    def work(start: int, stop: int) -> None:
        correlations(pairs.latents[start:stop], reference, basis, rounded, scores[start:stop])

    over_dimensions(work, pairs.latents.shape, tick)
    return scores
