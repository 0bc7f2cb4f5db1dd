"""The patterns of a scan, block by block, each with the patterns of its points' neighbors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, ScanGrid
from latentcore.containers.neighborhoods import neighbors
from latentcore.errors import RequestError

# Of one block as float32. What a map makes of it may take a few times as much.
_BLOCK_BYTES = 48 << 20
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class PatternBlock:
    """Some points of a scan and, where asked for, their nearest neighbors.

    Attributes
    ----------
    rows : ndarray of int64, shape (p,)
        Rows of the source, ascending.
    patterns : ndarray, shape (p, H, W)
        In the file's dtype.
    own : ndarray of int64, shape (m,)
        Which of the p points the block is about; the others are neighbors of these.
    pairs : ndarray of int64, shape (q, 2)
        Which of the p are neighbors of each other, each pair once, one of the two an own point.
    """

    rows: NDArray[np.int64]
    patterns: NDArray[np.generic]
    own: NDArray[np.int64]
    pairs: NDArray[np.int64]

    def each(
        self, value: Callable[[NDArray[np.generic]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return a value of each own pattern, (m,): of some at a time, so that they stay in cache.

        Parameters
        ----------
        value : callable
            Patterns (b, H, W) → their values (b,). It may overflow, and divide by 0.
        """
        out = np.empty(len(self.own))
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            for start in range(0, len(out), _AT_ONCE):
                some = slice(start, start + _AT_ONCE)
                out[some] = value(self.patterns[self.own[some]])
        return out


def pattern_shape(samples: SampleSource) -> tuple[int, int]:
    """Return (H, W) of the patterns of a scan.

    Raises
    ------
    RequestError
        If the samples are no patterns of a scan: without coordinates, in color, or videos.
    """
    name = repr(samples.ref.location)
    if samples.grid is None:
        message = (
            f"The samples of {name} have no coordinates, so there is no map of them. Open patterns "
            "that come with a scan grid."
        )
        raise RequestError(message)
    channels, *frames, height, width = samples.sample_shape
    if channels != 1 or frames:
        message = (
            f"Maps are computed from patterns of one channel, but the samples of {name} are "
            f"{samples.sample_shape} (channels first). Open gray patterns."
        )
        raise RequestError(message)
    return height, width


def pattern_blocks(samples: SampleSource, *, with_neighbors: bool) -> Iterator[PatternBlock]:
    """Yield all points of a scan once, as own points of a block.

    Memory is bounded whatever the size of scan and patterns; with neighbors, patterns at the rim
    of a block are read again.

    Raises
    ------
    RequestError
        See `pattern_shape`.
    """
    height, width = pattern_shape(samples)
    grid = samples.grid
    assert grid is not None  # else it had no shape
    capacity = max(1, _BLOCK_BYTES // (4 * height * width))
    if not with_neighbors:
        yield from _plain_blocks(samples, capacity)
        return
    nearest = neighbors(grid)
    for own in _tiles(grid, capacity):
        yield _block_around(samples, own, nearest[own])


def _plain_blocks(samples: SampleSource, capacity: int) -> Iterator[PatternBlock]:
    step = max(1, capacity // samples.block_rows) * min(samples.block_rows, capacity)
    for start in range(0, len(samples), step):
        stop = min(start + step, len(samples))
        rows = np.arange(start, stop, dtype=np.int64)
        patterns = samples.read(slice(start, stop))[:, 0]
        yield PatternBlock(rows, patterns, np.arange(stop - start), np.empty((0, 2), np.int64))


def _tiles(grid: ScanGrid, capacity: int) -> list[NDArray[np.int64]]:
    """Split the points: full rows of the scan where several fit in, else squares."""
    across = grid.shape[1]
    high, wide = capacity // across - 2, across
    if high < 1:
        high = wide = max(1, math.isqrt(capacity) - 2)
    tile = (grid.row // high).astype(np.int64) * (across // wide + 1) + grid.col // wide
    order = np.argsort(tile, kind="stable")  # rows stay ascending within a tile
    return np.split(order, np.flatnonzero(np.diff(tile[order])) + 1)


def _block_around(
    samples: SampleSource, own: NDArray[np.int64], nearest: NDArray[np.integer]
) -> PatternBlock:
    present = nearest >= 0
    rows = np.union1d(own, nearest[present]).astype(np.int64)
    run = len(rows) == rows[-1] + 1 - rows[0]
    patterns = samples.read(slice(int(rows[0]), int(rows[-1]) + 1) if run else rows)[:, 0]
    place = np.searchsorted(rows, own)
    a = np.broadcast_to(place[:, None], nearest.shape)[present]
    b = np.searchsorted(rows, nearest[present])
    code = np.unique(np.minimum(a, b) * len(rows) + np.maximum(a, b))
    pairs = np.column_stack(np.divmod(code, len(rows)))
    return PatternBlock(rows, patterns, place, pairs)


def about_mean(patterns: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return patterns (p, H, W) less the mean of each."""
    # Of wider numbers float32 would lose the digits that tell pixels apart.
    exact = np.can_cast(patterns.dtype, np.float32, "safe")
    values = patterns.astype(np.float32 if exact else np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = values.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(values.dtype)
        about: NDArray[np.float32] = np.subtract(values, mean, out=values).astype(
            np.float32, copy=False
        )
    return about
