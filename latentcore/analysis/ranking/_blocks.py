"""Random halves of a map, made of whole blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["block_count", "half_of_blocks"]


def block_count(x: NDArray[np.float64], y: NDArray[np.float64], side: float) -> int:
    """Return how many blocks of that side hold a point, the first at the corner."""
    return len(np.unique(_blocks(x, y, side, 0.0, 0.0)))


def half_of_blocks(
    x: NDArray[np.float64], y: NDArray[np.float64], side: float, random: np.random.Generator
) -> NDArray[np.intp]:
    """Return the rows of about half of the points: blocks drawn without replacement.

    The blocks' corner is drawn too, so that no point is always at an edge.
    """
    blocks = _blocks(x, y, side, *random.uniform(0, side, 2))
    numbers, block = np.unique(blocks, return_inverse=True)
    order = random.permutation(len(numbers))
    sizes = np.cumsum(np.bincount(block)[order])
    drawn = np.zeros(len(numbers), bool)
    drawn[order[: max(1, int(np.argmin(np.abs(sizes - len(x) / 2))) + 1)]] = True
    return np.flatnonzero(drawn[block])


def _blocks(
    x: NDArray[np.float64], y: NDArray[np.float64], side: float, right: float, down: float
) -> NDArray[np.int64]:
    columns = ((x - x.min() + right) // side).astype(np.int64)
    rows = ((y - y.min() + down) // side).astype(np.int64)
    numbers: NDArray[np.int64] = rows * (int(columns.max()) + 1) + columns
    return numbers
