"""From a file's coordinates to its scan grid, with the file named when they make none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import MalformedFileError

__all__ = ["grid_of"]


def grid_of(
    x: NDArray[np.generic],
    y: NDArray[np.generic],
    name: str,
    *,
    unit: str = "",
    step: tuple[float, float] | None = None,
) -> ScanGrid:
    """Find the grid of a file's points.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    name : str
        The file's name, for messages.
    step : tuple of float, optional
        (dx, dy) where the file tells it.

    Raises
    ------
    MalformedFileError
        If the coordinates are missing, not finite, twice the same, or on no regular grid.
    """
    try:
        return ScanGrid.from_coordinates(x, y, unit=unit, step=step)
    except MalformedFileError as error:
        message = f"The coordinates of {name!r} make no scan grid. {error}"
        raise MalformedFileError(message) from error
