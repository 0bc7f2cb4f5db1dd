"""Averages over windows about the points of a scan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

_ROWS_AT_ONCE = 2048
_FAR = np.float32(-1e9)


def parts(n: int) -> Iterator[slice]:
    """Yield slices of so many rows that a window of each fits in memory."""
    for start in range(0, n, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)


def distances_squared(query: Floats, values: Floats, near: Places) -> Floats:
    """Return squared distances from each query to the values in its window: (b, w).

    Those to points that are not there (−1) mean nothing.
    """
    squares = np.empty(near.shape, np.float32)
    for column in range(near.shape[1]):
        squares[:, column] = np.square(query - values[near[:, column]]).sum(axis=1)
    return squares


def averaged(
    query: Floats, values: Floats, near: Places, width: float, log_weights: Floats | None = None
) -> Floats:
    """Average values over windows, each weighted by its own query's likeness to the window's.

    Parameters
    ----------
    query : ndarray of float32, shape (n, k)
        What is compared: each row with those of its window.
    values : ndarray of float32, shape (n, k)
        What is averaged.
    near : ndarray of int64, shape (n, w)
    width : float
        Standard deviation of the Gaussian of distances.
    log_weights : ndarray of float32, shape (w,), optional
        Of the places in the window.
    """
    result = np.empty_like(values)
    for part in parts(len(values)):
        around = near[part]
        logits = distances_squared(query[part], query, around) / (-2 * width * width)
        if log_weights is not None:
            logits = logits + log_weights
        logits = np.where(around < 0, _FAR, logits)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        result[part] = np.einsum("nw,nwk->nk", weights, values[around], optimize=True)
    return result
