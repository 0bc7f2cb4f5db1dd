"""The nodes of a scan by rows and columns."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

ShiftedRows = Literal["none", "odd", "even"]


def is_shifted(row: NDArray[np.number], shifted_rows: ShiftedRows) -> NDArray[np.bool_]:
    """Tell which rows lie half a step to the right; those outside of a grid, too."""
    if shifted_rows == "none":
        return np.zeros(np.shape(row), np.bool_)
    shifted: NDArray[np.bool_] = np.asarray(row) % 2 == (shifted_rows == "odd")
    return shifted


class Lattice(NamedTuple):
    """The rectangular lattice of a scan's nodes: for whatever goes by rows and columns.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    row, col : ndarray of int32, shape (n,)
        The node of each sample.
    step : tuple of float
        (dx, dy).
    """

    shape: tuple[int, int]
    row: NDArray[np.int32]
    col: NDArray[np.int32]
    step: tuple[float, float]
