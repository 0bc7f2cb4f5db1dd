"""Which rows were asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError

__all__ = ["row_numbers"]


def row_numbers(asked: object, n: int, name: str) -> NDArray[np.int64]:
    """Return row numbers as int64; a mask, read as the rows 0 and 1, would pass unnoticed.

    Parameters
    ----------
    asked : array_like, shape (b,)
    n : int
        How many rows there are.
    name : str
        What they are rows of, for messages.

    Raises
    ------
    RequestError
        If they are no row numbers, or one doesn't exist.
    """
    rows = np.asarray(asked)
    if rows.ndim != 1 or (rows.dtype.kind not in "iu" and rows.size):
        hint = " Turn a mask into numbers: np.flatnonzero(mask)." if rows.dtype == bool else ""
        message = (
            f"Rows are asked for by a slice or by whole numbers of shape (b,), but these are "
            f"{rows.dtype} of shape {rows.shape}.{hint}"
        )
        raise RequestError(message)
    outside = rows[(rows < 0) | (rows >= n)]
    if len(outside):
        message = f"Row {outside[0]} was asked for, but {name!r} has rows 0 to {n - 1}."
        raise RequestError(message)
    return rows.astype(np.int64)
