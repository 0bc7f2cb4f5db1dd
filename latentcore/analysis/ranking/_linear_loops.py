"""Loops of the linear metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled

# What is left of a norm when a trend explains everything is rounding: of the sum, 1e-15 each, and
# of values that were rounded before, as much as that took from each.
_NOTHING_LEFT = 1e-11
_FLOAT32 = float(np.finfo(np.float32).eps)


@compiled
def _residual(values: NDArray[np.float64], basis: NDArray[np.float64], rounded: float) -> float:
    """Remove the mean and the basis from `values`, in place; return the norm that is left.

    It is 0 where nothing but rounding is left: that of the sums, and with a basis what rounding to
    the relative precision `rounded` did to each value. Taken out twice, because the first time
    leaves rounding of the size of what was taken.
    """
    m = len(values)
    largest = np.abs(values).max()
    before = 0.0
    for turn in range(2):
        mean = values.sum() / m
        for i in range(m):
            values[i] -= mean
        if turn == 0:
            before = np.sqrt((values * values).sum())
        for function in basis:
            amount = (values * function).sum()
            for i in range(m):
                values[i] -= amount * function[i]
    left = np.sqrt((values * values).sum())
    nothing = _NOTHING_LEFT * before
    if len(basis) > 0:
        nothing = max(nothing, rounded * largest * np.sqrt(m))
    return left if left > nothing else 0.0


@compiled
def correlations(
    latents: NDArray[np.float32],
    reference: NDArray[np.float64],
    basis: NDArray[np.float64],
    rounded: float,
    scores: NDArray[np.float64],
) -> None:
    """Write the correlation of each row with the reference, the basis removed from both.

    The basis is orthonormal, and may be empty. The reference has been `rounded` to that relative
    precision, latents to that of float32.
    """
    target = reference.copy()
    norm = _residual(target, basis, rounded)
    values = np.empty(len(reference))
    for row in range(len(latents)):
        for i in range(len(reference)):
            values[i] = latents[row, i]
        own = _residual(values, basis, _FLOAT32)
        if norm == 0 or own == 0:
            scores[row] = np.nan
        else:
            cosine = (values * target).sum() / own / norm
            scores[row] = min(1.0, max(-1.0, cosine))
