"""How a region lies on the scan grid: size, outline, parts, and whether it clumps by chance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.statistics import Area, area
from latentcore.containers import ScanGrid


@dataclass(frozen=True)
class Clumping:
    """How much a region clumps, against as many points of the scan drawn at random.

    Attributes
    ----------
    joins : int
        Pairs of neighbors (along rows and columns) that both lie in the region.
    joins_expected : float
        Their mean number were the points drawn at random.
    morans_i : float
        Moran's I of being in the region: 1 where all clumps, near 0 at random, negative where
        neighbors avoid each other. NaN where the region is the whole scan.
    morans_i_expected : float
        -1 / (n - 1).
    z : float
        Moran's I minus its expectation, in its standard deviations at random.
    p : float
        Of |z| under the normal distribution, two-sided.
    """

    joins: int
    joins_expected: float
    morans_i: float
    morans_i_expected: float
    z: float
    p: float


@dataclass(frozen=True)
class RegionShape:
    """Size and outline of a region.

    Attributes
    ----------
    area : Area
    perimeter : float
        Length of the edges between its cells and all others, the outer border of the scan
        included; in the grid's unit, or in steps where that is not known.
    n_parts : int
        Parts that are connected along rows and columns.
    largest_part : float
        Share of the region's points in the largest of them.
    clumping : Clumping
    """

    area: Area
    perimeter: float
    n_parts: int
    largest_part: float
    clumping: Clumping


@dataclass(frozen=True, eq=False)
class _Neighbors:
    """Pairs of neighbors along the rows and columns of a scan.

    Attributes
    ----------
    degree : ndarray of int8, shape (n,)
        Neighbors of each point.
    pairs : int
    squared_degrees : int
        The sum of the squares of `degree`.
    """

    degree: NDArray[np.int8]
    pairs: int
    squared_degrees: int


def region_shape(mask: NDArray[np.bool_], grid: ScanGrid) -> RegionShape:
    """Describe how a region lies on the scan.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)
        The region.
    grid : ScanGrid
        Of all n points.

    Raises
    ------
    ShapeError
        If mask and grid differ in length.
    """
    from scipy import ndimage

    covered, scan = area(mask, grid), _neighbors(grid)
    if not mask.any():  # a region of another part of the scan
        return RegionShape(covered, 0.0, 0, float("nan"), _clumping(0, 0, 0, len(grid), scan))
    row, col = grid.row[mask], grid.col[mask]
    # With a border of cells that are outside, an edge is where neighbors differ.
    inside = np.zeros((int(np.ptp(row)) + 3, int(np.ptp(col)) + 3), np.bool_)
    inside[row - row.min() + 1, col - col.min() + 1] = True
    parts, n_parts = ndimage.label(inside)
    upright = int((inside[:, 1:] != inside[:, :-1]).sum())
    level = int((inside[1:] != inside[:-1]).sum())
    dx, dy = grid.step if grid.unit else (1.0, 1.0)
    joins = int((inside[:, 1:] & inside[:, :-1]).sum() + (inside[1:] & inside[:-1]).sum())
    return RegionShape(
        covered,
        float(upright * dy + level * dx),
        int(n_parts),
        int(np.bincount(parts.ravel())[1:].max()) / len(row),
        _clumping(joins, int(scan.degree[mask].sum()), len(row), len(grid), scan),
    )


@lru_cache(maxsize=2)
def _neighbors(grid: ScanGrid) -> _Neighbors:
    scanned = np.zeros((grid.shape[0] + 2, grid.shape[1] + 2), np.int8)
    scanned[grid.row + 1, grid.col + 1] = 1
    around = scanned[:-2, 1:-1] + scanned[2:, 1:-1] + scanned[1:-1, :-2] + scanned[1:-1, 2:]
    degree = around[grid.row, grid.col]
    wide = degree.astype(np.int64)
    return _Neighbors(degree, int(wide.sum()) // 2, int((wide**2).sum()))


def _clumping(joins: int, degrees: int, members: int, n: int, scan: _Neighbors) -> Clumping:
    """Compare with random draws of as many points (Cliff and Ord's randomization)."""
    from scipy.special import erfc

    expected = scan.pairs * members * (members - 1) / (n * (n - 1)) if n > 1 else 0.0
    nan = float("nan")
    if n < 4 or scan.pairs == 0 or not 0 < members < n:
        return Clumping(joins, expected, nan, nan, nan, nan)
    share = members / n
    across = degrees - 2 * joins
    neither = scan.pairs - joins - across
    products = joins * (1 - share) ** 2 - across * share * (1 - share) + neither * share**2
    morans_i = products / scan.pairs / (share * (1 - share))
    mean = -1 / (n - 1)
    variance = _mean_square(n, scan, share) - mean**2
    z = (morans_i - mean) / np.sqrt(variance) if variance > 0 else nan
    return Clumping(joins, expected, morans_i, mean, float(z), float(erfc(abs(z) / np.sqrt(2))))


def _mean_square(n: int, scan: _Neighbors, share: float) -> float:
    """Return the mean square of Moran's I over all orders of the values.

    Cliff and Ord, *Spatial Processes*, 1981, chapter 2: weights 1 between neighbors make S0 = 2 J,
    S1 = 4 J and S2 = 4 Σ degree². The kurtosis of zeros and ones is (1 - 3 p q) / (p q).
    """
    s0, s1, s2 = 2.0 * scan.pairs, 4.0 * scan.pairs, 4.0 * scan.squared_degrees
    spread = share * (1 - share)
    kurtosis = (1 - 3 * spread) / spread
    first = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2)
    second = kurtosis * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    return (first - second) / ((n - 1.0) * (n - 2.0) * (n - 3.0) * s0**2)
