"""Points that stand for the others where there are more than a screen, or a browser, can hold.

A scan is cut into blocks of k × k nodes; one point of each, drawn at random, stands for all of the
block. So maps lose no more than what is smaller than a block, and the points are an even sample:
what is counted among them, times `Representatives.share`, is an estimate of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid

_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Representatives:
    """m of n points, one for each block of a scan that holds any.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Which points, in the order of the blocks; without a grid, ascending.
    of : int
        n.
    side : int
        Nodes along each side of a block; 0 where there is no grid.
    shape : tuple of int
        Rows and columns of blocks.
    row, col : ndarray of int32, shape (m,)
        The block of each.
    put : tuple of int
        Points that stand for their blocks though others were drawn.
    """

    rows: NDArray[np.int64]
    of: int
    side: int = 0
    shape: tuple[int, int] = (0, 0)
    row: NDArray[np.int32] | None = None
    col: NDArray[np.int32] | None = None
    put: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def share(self) -> float:
        """How many points each of them stands for, on average."""
        return self.of / max(1, len(self))

    def place_of(self, point: int, grid: ScanGrid | None) -> int:
        """Return the place in `rows` of the one that stands for a point."""
        if grid is None or self.row is None or self.col is None:
            return min(int(np.searchsorted(self.rows, point)), len(self) - 1)
        columns = self.shape[1]
        block = int(grid.row[point]) // self.side * columns + int(grid.col[point]) // self.side
        blocks = self.row.astype(np.int64) * columns + self.col
        return int(np.searchsorted(blocks, block))

    def with_points(self, points: tuple[int, ...], grid: ScanGrid | None) -> Representatives:
        """Return the same with some points standing for their own blocks, the first of each."""
        wanted: dict[int, int] = {}
        for point in points:
            wanted.setdefault(self.place_of(point, grid), point)
        others = {place: point for place, point in wanted.items() if self.rows[place] != point}
        if not others:
            return self
        rows = self.rows.copy()
        rows[list(others)] = list(others.values())
        return replace(self, rows=rows, put=tuple(sorted(others.values())))


def representatives(grid: ScanGrid | None, n: int, most: int, *, seed: int = 0) -> Representatives:
    """Draw at most some number of points that stand for n.

    Parameters
    ----------
    grid : ScanGrid or None
        Of the n points; without one, each stands for as many neighbors in the order of rows.
    most : int
    seed : int
        The same seed draws the same points.
    """
    rng = np.random.default_rng(seed)
    if grid is None:
        ends = np.arange(min(n, most) + 1) * n // min(n, most)
        return Representatives(rng.integers(ends[:-1], ends[1:]), n)
    side = _side(grid.shape, most)
    shape = -(-grid.shape[0] // side), -(-grid.shape[1] // side)
    blocks = shape[0] * shape[1]
    drawn = rng.integers(0, side * side, blocks, dtype=np.int32)
    # The point at the node that was drawn; where none was scanned there, the block's last one.
    last, chosen = np.full(blocks, -1, np.int32), np.full(blocks, -1, np.int32)
    for start in range(0, n, _BLOCK):
        part = slice(start, start + _BLOCK)
        row, col = grid.row[part], grid.col[part]
        block = (row // side) * np.int32(shape[1]) + col // side
        points = np.arange(start, start + len(row), dtype=np.int32)
        last[block] = points
        hit = (row % side) * np.int32(side) + col % side == drawn[block]
        chosen[block[hit]] = points[hit]
    present = np.flatnonzero(last >= 0)
    rows = np.where(chosen < 0, last, chosen)[present].astype(np.int64)
    row, col = np.divmod(present.astype(np.int32), np.int32(shape[1]))
    return Representatives(rows, n, side, shape, row, col)


def _side(shape: tuple[int, int], most: int) -> int:
    """Return the least side of blocks of which there are no more than that."""
    side = max(1, int((shape[0] * shape[1] / most) ** 0.5))
    while -(-shape[0] // side) * -(-shape[1] // side) > most:
        side += 1
    return side
