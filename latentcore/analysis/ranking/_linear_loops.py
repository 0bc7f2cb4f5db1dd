"""Loops of the linear metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled

# What is left of a norm when a trend explains everything is rounding: of the sum, 1e-15 each.
_NOTHING_LEFT = 1e-11


@compiled
def _residual(values: NDArray[np.float64], basis: NDArray[np.float64]) -> float:
    """Remove the mean and the basis from `values`, in place; return the norm that is left.

    It is 0 where nothing but rounding is left. Taken out twice, because the first time leaves
    rounding of the size of what was taken.
    """
    m = len(values)
    mean = values.sum() / m
    for i in range(m):
        values[i] -= mean
    before = np.sqrt((values * values).sum())
    for _ in range(2):
        for function in basis:
            amount = (values * function).sum()
            for i in range(m):
                values[i] -= amount * function[i]
    left = np.sqrt((values * values).sum())
    return left if left > _NOTHING_LEFT * before else 0.0


@compiled
def correlations(
    latents: NDArray[np.float32],
    reference: NDArray[np.float64],
    basis: NDArray[np.float64],
    scores: NDArray[np.float64],
) -> None:
    """Write the correlation of each row with the reference, the basis removed from both."""
    target = reference.copy()
    norm = _residual(target, basis)
    values = np.empty(len(reference))
    for row in range(len(latents)):
        for i in range(len(reference)):
            values[i] = latents[row, i]
        own = _residual(values, basis)
        if norm == 0 or own == 0:
            scores[row] = np.nan
        else:
            cosine = (values * target).sum() / own / norm
            scores[row] = min(1.0, max(-1.0, cosine))
