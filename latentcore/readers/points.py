"""A list of points: the coordinates that some file names, in whatever order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, cause
from latentcore.readers._columns import read_coordinates
from latentcore.readers._tables import read_table


def read_points(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the x and y of points.

    Parameters
    ----------
    path : Path
        A table with columns x and y (CSV, CSV.gz, parquet), or an ``.npy`` of shape (m, 2).

    Returns
    -------
    x, y : ndarray of float64, shape (m,)
        All of them finite.

    Raises
    ------
    MalformedFileError
        If it holds no coordinates, or others than finite numbers.
    """
    if path.suffix.lower() == ".npy":
        x, y = _pairs(path)
    else:
        places = read_coordinates(read_table(path), path.name)
        x, y = places.x, places.y
    wrong = np.flatnonzero(~(np.isfinite(x) & np.isfinite(y)))
    if len(wrong):
        message = (
            f"{len(wrong)} of {len(x)} points in {path.name!r} have no finite x and y, the first "
            f"is in row {int(wrong[0])}. Remove these rows."
        )
        raise MalformedFileError(message)
    return x, y


def _pairs(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        pairs = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        message = (
            f"The points in {path.name!r} can't be read: {cause(error)}. Save them by numpy.save."
        )
        raise MalformedFileError(message) from error
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0 or pairs.dtype.kind not in "iuf":
        message = (
            f"{path.name!r} holds {pairs.dtype} of shape {pairs.shape}; points need numbers of "
            "shape (m, 2), x and y of each."
        )
        raise MalformedFileError(message)
    x, y = np.asarray(pairs, np.float64).T
    return x, y
