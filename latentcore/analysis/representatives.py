"""Points that stand for the others where there are more than a screen, or a browser, can hold.

A scan is cut into blocks of k × k nodes; one point of each, drawn at random, stands for all of the
block. So maps lose no more than what is smaller than a block, and the points are an even sample:
what is counted among them, times `Representatives.share`, is an estimate of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid

_BLOCK = 1 << 20
# Nodes of a scan: the first row and the one after the last, and columns likewise.
Window = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Detail:
    """More points of a part of all, drawn over those that stand for the whole.

    Attributes
    ----------
    rows : ndarray of int64, shape (k,)
    window : tuple of int, optional
        The nodes whose blocks the points stand for, side by side; without it, they are points of
        the part, evenly picked.
    side, shape, row, col
        As of `Representatives`, within the window.
    """

    rows: NDArray[np.int64]
    window: Window | None = None
    side: int = 0
    shape: tuple[int, int] = (0, 0)
    row: NDArray[np.int32] | None = None
    col: NDArray[np.int32] | None = None


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
    detail : Detail or None
        More points of a part.
    """

    rows: NDArray[np.int64]
    of: int
    side: int = 0
    shape: tuple[int, int] = (0, 0)
    row: NDArray[np.int32] | None = None
    col: NDArray[np.int32] | None = None
    put: tuple[int, ...] = ()
    detail: Detail | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def all_rows(self) -> NDArray[np.int64]:
        """Which points there are, those of the detail last; some of them may be there twice."""
        return self.rows if self.detail is None else np.r_[self.rows, self.detail.rows]

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
    if grid is None:
        return Representatives(_evenly(n, most, seed), n)
    rows, side, shape, row, col = _of_blocks(grid, (0, grid.shape[0], 0, grid.shape[1]), most, seed)
    return Representatives(rows, n, side, shape, row, col)


def detail_of_window(grid: ScanGrid, window: Window, most: int, *, seed: int = 0) -> Detail | None:
    """Draw at most some number of points that stand for the blocks of a window of a scan.

    The smaller the window, the smaller are its blocks: at last each point stands for itself.
    Returns None where nothing was scanned.
    """
    rows, side, shape, row, col = _of_blocks(grid, window, most, seed)
    return Detail(rows, window, side, shape, row, col) if len(rows) else None


def detail_of_points(rows: NDArray[np.int64], most: int, *, seed: int = 0) -> Detail | None:
    """Pick at most some number of points, evenly; None where there are none."""
    return Detail(rows[_evenly(len(rows), most, seed)]) if len(rows) else None


def window_of(grid: ScanGrid, x: Sequence[float], y: Sequence[float]) -> Window | None:
    """Return the nodes whose cells a range of x and one of y touch; None where there are none."""
    found: list[int] = []
    for (low, high), start, step, count in (
        (sorted(y), grid.picture_extent[2], grid.step[1], grid.shape[0]),
        (sorted(x), grid.picture_extent[0], grid.step[0], grid.shape[1]),
    ):
        first = max(0, math.floor((low - start) / step))
        end = min(count, math.ceil((high - start) / step))
        if first >= end:
            return None
        found += [first, end]
    return found[0], found[1], found[2], found[3]


def _evenly(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return at most some number of 0 … n − 1, one at random of each part, ascending."""
    ends = np.arange(min(n, most) + 1) * n // min(n, most)
    return np.random.default_rng(seed).integers(ends[:-1], ends[1:])


def _of_blocks(
    grid: ScanGrid, window: Window, most: int, seed: int
) -> tuple[
    NDArray[np.int64], int, tuple[int, int], NDArray[np.int32], NDArray[np.int32]
]:  # fmt: skip
    """Return rows, side, shape, row and col of blocks of a window (see `Representatives`)."""
    row0, row1, col0, col1 = window
    side = _side((row1 - row0, col1 - col0), most)
    shape = -(-(row1 - row0) // side), -(-(col1 - col0) // side)
    blocks = shape[0] * shape[1]
    drawn = np.random.default_rng(seed).integers(0, side * side, blocks, dtype=np.int32)
    # The point at the node that was drawn; where none was scanned there, the block's last one.
    last, chosen = np.full(blocks, -1, np.int32), np.full(blocks, -1, np.int32)
    n = len(grid)
    for start in range(0, n, _BLOCK):
        row, col = grid.row[start : start + _BLOCK], grid.col[start : start + _BLOCK]
        points = np.arange(start, start + len(row), dtype=np.int32)
        if window != (0, grid.shape[0], 0, grid.shape[1]):
            inside = (row >= row0) & (row < row1) & (col >= col0) & (col < col1)
            row, col, points = row[inside] - row0, col[inside] - col0, points[inside]
        block = (row // side) * np.int32(shape[1]) + col // side
        last[block] = points
        hit = (row % side) * np.int32(side) + col % side == drawn[block]
        chosen[block[hit]] = points[hit]
    present = np.flatnonzero(last >= 0)
    rows = np.where(chosen < 0, last, chosen)[present].astype(np.int64)
    row, col = np.divmod(present.astype(np.int32), np.int32(shape[1]))
    return rows, side, shape, row, col


def _side(shape: tuple[int, int], most: int) -> int:
    """Return the least side of blocks of which there are no more than that."""
    side = max(1, int((shape[0] * shape[1] / most) ** 0.5))
    while -(-shape[0] // side) * -(-shape[1] // side) > most:
        side += 1
    return side
