"""How a map on a scan grid correlates with itself, gaps left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid

_NOISE = 0.02


def autocorrelation(values: NDArray[np.float64], grid: ScanGrid) -> NDArray[np.float64]:
    """Return the autocorrelation at every lag, shape (2 R, 2 C), lag 0 first, negatives last.

    Each lag of the grid's lattice of R × C nodes is the mean over the pairs of points that far
    apart where both are finite, over the variance; 0 where there are fewer than ten such pairs.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        NaN where there is none; not constant.
    """
    from scipy import fft

    (rows, columns), row, col, _ = grid.lattice
    size = (2 * rows, 2 * columns)
    finite = np.isfinite(values)
    field, mask = np.zeros(size), np.zeros(size)
    place = row[finite], col[finite]
    field[place] = values[finite] - values[finite].mean()
    mask[place] = 1
    products, pairs = (fft.irfft2(np.abs(fft.rfft2(part)) ** 2, size) for part in (field, mask))
    known = pairs > 9.5
    correlation = np.zeros(size)
    correlation[known] = products[known] / pairs[known]
    scaled: NDArray[np.float64] = correlation / correlation[0, 0]
    return scaled


def lags(grid: ScanGrid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances |y| (2 R,) and |x| (2 C,) of the lags, in units of x and y."""
    down, right = (
        np.minimum(np.arange(2 * size), 2 * size - np.arange(2 * size)) * spacing
        for size, spacing in zip(grid.lattice.shape, grid.lattice.step[::-1], strict=True)
    )
    return down, right


def correlation_length(correlation: NDArray[np.float64], grid: ScanGrid) -> float:
    """Return the distance at which an autocorrelation has fallen to 1/e, in units of x and y.

    All directions together; the longest lag along an axis if it never does.
    """
    return first_below(np.exp(-1), correlation, grid)


def share_within_blocks(correlation: NDArray[np.float64], side: float, grid: ScanGrid) -> float:
    """Return how much of a mean's variance is seen in squares of that side, 0 … 1.

    A sum over a block misses the correlation across its edges: at lag (h, k) the share
    (1 - |h| / side)(1 - |k| / side) is left. Lags count as far as they stand out from noise.
    """
    down, right = lags(grid)
    near = np.hypot(down[:, None], right) <= first_below(_NOISE, correlation, grid)
    sure = np.where(near, np.maximum(correlation, 0), 0)
    left = np.maximum(1 - down / side, 0)[:, None] * np.maximum(1 - right / side, 0)
    return float((sure * left).sum() / sure.sum())


def first_below(level: float, correlation: NDArray[np.float64], grid: ScanGrid) -> float:
    """Return the distance at which the mean over directions first falls below a level."""
    step = grid.spacing
    down, right = lags(grid)
    ring = np.rint(np.hypot(down[:, None], right) / step).astype(np.int64)
    met = _met(grid)
    ring, correlation = ring[met], correlation[met]
    mean = np.bincount(ring, correlation) / np.maximum(np.bincount(ring), 1)
    mean = mean[: int(max(down.max(), right.max()) / step)]
    below = np.flatnonzero(mean < level)
    if len(below) == 0:
        return float(len(mean) * step)
    after = int(below[0])
    share = (mean[after - 1] - level) / (mean[after - 1] - mean[after])
    return float((after - 1 + share) * step)


def _met(grid: ScanGrid) -> NDArray[np.bool_]:
    """Return at which lags points can lie, (2 R, 2 C): half of those of a hexagonal lattice."""
    down, right = (np.arange(2 * size) for size in grid.lattice.shape)
    met: NDArray[np.bool_] = (down[:, None] + right) % (2 if grid.hexagonal else 1) == 0
    return met
