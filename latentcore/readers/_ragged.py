"""Samples of different lengths, pooled to vectors of one length."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError

__all__ = ["POOLINGS", "pool_segments", "pooling_of"]

POOLINGS = ("mean", "max", "sum")


def pooling_of(options: Mapping[str, object]) -> str:
    """Return the pooling among a reader's options; the mean where none is named.

    Raises
    ------
    RequestError
        If there is none of that name.
    """
    method = options.get("pooling") or "mean"
    if method not in POOLINGS:
        message = f"There is no pooling {method!r} of rows. There are: {', '.join(POOLINGS)}."
        raise RequestError(message)
    return str(method)


def pool_segments(
    rows: NDArray[np.float64], lengths: NDArray[np.int64], method: str
) -> NDArray[np.float64]:
    """Pool rows that belong to samples of different lengths.

    Parameters
    ----------
    rows : ndarray of float64, shape (Σ lengths, w)
        Those of the first sample, then those of the second, …
    lengths : ndarray of int64, shape (n,)
    method : str
        ``"mean"``, ``"max"`` or ``"sum"``.

    Returns
    -------
    ndarray of float64, shape (n, w)
        NaN where a sample has no rows.
    """
    pooled = np.full((len(lengths), rows.shape[1]), np.nan)
    filled = np.flatnonzero(lengths)
    if len(filled) == 0:
        return pooled
    starts = (np.cumsum(lengths) - lengths)[filled]
    operation = np.maximum if method == "max" else np.add
    pooled[filled] = operation.reduceat(rows, starts, axis=0)
    if method == "mean":
        pooled[filled] /= lengths[filled, None]
    return pooled
