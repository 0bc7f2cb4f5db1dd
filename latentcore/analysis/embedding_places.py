"""Places in an embedding: one sample for each cell of a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import check_seed
from latentcore.errors import RequestError, ShapeError

# Beyond these shares of the points an embedding's stragglers would stretch the grid; as
# ``grid_umap`` of github.com/AI-for-Ocean-Science/ulmo has it.
_STRAGGLERS = (0.05, 99.95)
_MOST_CELLS = 200


@dataclass(frozen=True, eq=False)
class Gallery:
    """One sample for each occupied cell of a grid over an embedding.

    Attributes
    ----------
    rows : ndarray of int64, shape (cells, cells)
        Of the sample that stands for the cell; -1 where there is none. The first axis is
        the second coordinate, upwards.
    counts : ndarray of int64, shape (cells, cells)
        Samples in the cell.
    x_edges, y_edges : ndarray of float64, shape (cells + 1,)
    """

    rows: NDArray[np.int64]
    counts: NDArray[np.int64]
    x_edges: NDArray[np.float64]
    y_edges: NDArray[np.float64]


def one_per_cell(
    coordinates: NDArray[np.floating],
    cells: int = 10,
    *,
    keep: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> Gallery:
    """Choose a sample for each cell of a grid over an embedding, by the seed.

    Parameters
    ----------
    coordinates : ndarray, shape (n, 2)
        Points with a NaN, and the outermost 0.05 % each way, are in no cell.
    cells : int
        Along each axis.
    keep : ndarray of bool, shape (n,), optional
        Only these samples are chosen from; the grid is that of all.

    Raises
    ------
    RequestError
        If there is no point, or the number of cells makes no sense.
    ShapeError
        If the coordinates are not (n, 2), or `keep` doesn't go with them.
    """
    if coordinates.ndim != 2 or coordinates.shape[1] != 2:
        message = f"A gallery is laid over (n, 2) coordinates, but these are {coordinates.shape}."
        raise ShapeError(message)
    if keep is not None and keep.shape != (len(coordinates),):
        message = f"{len(coordinates)} points can't go with a choice of shape {keep.shape}."
        raise ShapeError(message)
    if not 1 <= cells <= _MOST_CELLS:
        message = f"A gallery has 1 to {_MOST_CELLS} cells along each axis, but {cells} were asked."
        raise RequestError(message)
    check_seed(seed)
    placed = np.isfinite(coordinates).all(axis=1)
    if not placed.any():
        message = "No sample has a place in the embedding, so there is nothing to lay a grid over."
        raise RequestError(message)
    low, high = np.percentile(coordinates[placed].astype(np.float64), _STRAGGLERS, axis=0)
    high = np.where(high > low, high, low + 1)
    cell = np.floor((coordinates - low) / (high - low) * cells)
    cell[coordinates == high] = cells - 1  # the last edge belongs to the last cell
    inside = placed & (cell >= 0).all(axis=1) & (cell < cells).all(axis=1)
    rows = np.flatnonzero(inside if keep is None else inside & keep)
    number = (cell[rows, 1] * cells + cell[rows, 0]).astype(np.int64)
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    occupied, first = np.unique(number[shuffled], return_index=True)
    chosen = np.full(cells * cells, -1, np.int64)
    chosen[occupied] = rows[shuffled[first]]
    x_edges, y_edges = np.linspace(low, high, cells + 1).T
    return Gallery(
        rows=chosen.reshape(cells, cells),
        counts=np.bincount(number, minlength=cells * cells).reshape(cells, cells),
        x_edges=x_edges,
        y_edges=y_edges,
    )
