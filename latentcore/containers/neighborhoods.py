"""Which points of a scan are neighbors: four on a square grid, six on a hexagonal one.

Steps are counted on `ScanGrid.lattice`: rows downwards and, on a hexagonal grid, half columns, so
that they are the same in every row.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid

Places = NDArray[np.int64]

_SQUARE = ((0, 1), (1, 0))
_HEXAGONAL = ((0, 2), (1, -1), (1, 1))


def neighbor_steps(grid: ScanGrid) -> Places:
    """Return the steps (down, right) to the nearest nodes, shape (4 | 6, 2).

    The first half leads to the right and downwards, the second the same ways back: the first half
    alone meets each pair of neighbors once.
    """
    forward = np.array(_HEXAGONAL if grid.hexagonal else _SQUARE, np.int64)
    return np.concatenate([forward, -forward])


def side_lengths(grid: ScanGrid) -> NDArray[np.float64]:
    """Return how long the side is that a cell shares with each of its neighbors, shape (4 | 6,).

    In the grid's unit; cells are rectangles dx × dy, or regular hexagons with sides of dx/√3.
    """
    dx, dy = grid.step
    lengths = [dx / np.sqrt(3)] * 3 if grid.hexagonal else [dy, dx]
    return np.array(2 * lengths)


def neighbors(grid: ScanGrid) -> Places:
    """Return the row of each point's neighbors, in `neighbor_steps`' order; −1 for none.

    Returns
    -------
    ndarray of int64, shape (n, 4) or (n, 6)
    """
    return _at(grid, neighbor_steps(grid))


def neighbor_pairs(grid: ScanGrid) -> Iterator[tuple[Places, Places]]:
    """Yield the rows of neighbors, for each of the first half of `neighbor_steps`.

    Yields
    ------
    ndarray of int64, shape (m,)
        Rows, ascending.
    ndarray of int64, shape (m,)
        The row of the neighbor of each, to the right or below: every pair is met once.
    """
    steps = neighbor_steps(grid)
    for step in steps[: len(steps) // 2]:
        beside = _at(grid, step[None])[:, 0]
        first = np.flatnonzero(beside >= 0)
        yield first, beside[first]


def on_rim(grid: ScanGrid) -> NDArray[np.bool_]:
    """Return which points lie in the outermost rows and columns that hold any, shape (n,).

    Columns of a hexagonal grid go in zigzag: the shifted rows end half a step from the others.
    """
    place = grid.lattice
    rim = np.zeros(len(grid), np.bool_)
    for at, width in ((place.row, 0), (place.col, int(grid.hexagonal))):
        if len(at):
            rim |= (at <= at.min() + width) | (at >= at.max() - width)
    return rim


def window_steps(grid: ScanGrid, reach: int, *, corners: bool = True) -> Places:
    """Return the steps (down, right) to a window's nodes, shape (w, 2); (0, 0) in the middle.

    Parameters
    ----------
    reach : int
        A window goes so far to each side, itself not counted. It is a square of
        (2 reach + 1)² nodes, or a hexagon of 1 + 3 reach (reach + 1).
    corners : bool
        Without them, a square stands on its tip; a hexagon has none.
    """
    steps = range(-reach, reach + 1)
    if grid.hexagonal:
        wide = range(-2 * reach, 2 * reach + 1)
        around = [
            (down, right)
            for down in steps
            for right in wide
            if (down + right) % 2 == 0 and (abs(down) + abs(right)) <= 2 * reach
        ]
    else:
        around = [
            (down, right)
            for down in steps
            for right in steps
            if corners or abs(down) + abs(right) <= reach
        ]
    return np.array(around, np.int64)


def window(
    grid: ScanGrid, reach: int, *, corners: bool = True, points: Places | None = None
) -> Places:
    """Return the rows of the points about each, in `window_steps`' order; −1 for none.

    Parameters
    ----------
    points : ndarray of int64, shape (b,), optional
        Only about these rows.

    Returns
    -------
    ndarray of int64, shape (n, w) or (b, w)
    """
    return _at(grid, window_steps(grid, reach, corners=corners), points)


def window_squares(grid: ScanGrid, reach: int) -> NDArray[np.float32]:
    """Return the squared distances within a window, in steps, shape (w,).

    A step is that to the next column or row, or to any of six neighbors.
    """
    down, right = window_steps(grid, reach).T
    squares = down**2 * 0.75 + right**2 * 0.25 if grid.hexagonal else down**2 + right**2
    return np.asarray(squares, np.float32)


def _at(grid: ScanGrid, steps: Places, points: Places | None = None) -> Places:
    """Return the rows of the points that lie the steps away from each, (n, w); −1 for none."""
    (rows, columns), row, col, _ = grid.lattice
    # Nodes of a hexagonal lattice hold points only in every second column: look up whole ones.
    wide = 2 if grid.hexagonal else 1
    high, broad = np.abs(steps).max(axis=0)
    margin = int(broad)
    place = np.full((rows + 2 * high, columns // wide + 2 * margin), -1, np.int32)
    place[row + high, grid.col + margin] = np.arange(len(grid), dtype=np.int32)
    if points is not None:
        row, col = row[points], col[points]
    found = np.empty((len(row), len(steps)), np.int64)
    for at, (down, right) in enumerate(steps.tolist()):
        below = row + down
        column = (col + right - grid.is_shifted(below)) // wide
        found[:, at] = place[below + high, column + margin]
    return found
