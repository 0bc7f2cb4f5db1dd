"""What a map of pattern quality is looked at for: its histogram, and profiles along its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]
Axis = Literal["x", "y"]

_BINS = 256


def histogram(values: NDArray[np.floating], kept: Mask) -> pd.DataFrame:
    """Count values by bins of equal width.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN is not counted.
    kept : ndarray of bool, shape (n,)
        Points that are counted once more, on their own.

    Returns
    -------
    DataFrame
        low, high, n, n_kept. Bins are half-open, the last one closed. Whole numbers of which the
        largest and the smallest are less than 256 apart have a bin each; others 256 bins.
    """
    import pandas as pd

    finite = np.isfinite(values)
    edges = _edges(values[finite].astype(np.float64))
    n, n_kept = (np.histogram(values[points], edges)[0] for points in (finite, finite & kept))
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": n, "n_kept": n_kept})


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(values):
        message = "No point has a value, so there is nothing to count. Choose another map."
        raise RequestError(message)
    low, high = float(values.min()), float(values.max())
    if high - low < _BINS and not (values % 1).any():
        return np.arange(low, high + 2)
    return np.histogram_bin_edges(values, _BINS, (low, high))


def line_at(grid: ScanGrid, axis: Axis, place: float | None) -> NDArray[np.int64]:
    """Return the points of one line of a scan, in their order along it.

    Parameters
    ----------
    axis : {"x", "y"}
        Along which the line runs: with ``"x"`` it is a row of the scan, one of its y.
    place : float or None
        The line's coordinate on the other axis, as the file counts it; None for the middle line.

    Raises
    ------
    RequestError
        If no line lies within half a step of it.
    """
    across = "y" if axis == "x" else "x"
    number = grid.row if axis == "x" else grid.col
    coordinate = getattr(grid, across)
    if place is None:
        lines = np.unique(number)
        wanted = lines[len(lines) // 2]
    else:
        step = grid.step[1 if axis == "x" else 0]
        nearest = int(np.argmin(np.abs(coordinate - place)))
        if abs(coordinate[nearest] - place) > step / 2:
            message = (
                f"The scan has no line at {across} = {place:g}: its {across} runs from "
                f"{coordinate.min():g} to {coordinate.max():g} in steps of {step:g}. Give one of "
                "these."
            )
            raise RequestError(message)
        wanted = number[nearest]
    points = np.flatnonzero(number == wanted)
    return points[np.argsort(getattr(grid, axis)[points], kind="stable")]
