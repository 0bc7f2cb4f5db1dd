"""How a region lies on the scan grid: size, outline, parts, and whether it clumps by chance."""

from __future__ import annotations

from dataclasses import dataclass

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


def region_shape(mask: NDArray[np.bool_], grid: ScanGrid) -> RegionShape:
    """Describe how a region lies on the scan.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)
        The region, with at least one point.
    grid : ScanGrid
        Of all n points.

    Raises
    ------
    ShapeError
        If mask and grid differ in length.
    """
    from scipy import ndimage

    covered = area(mask, grid)
    inside, scanned = np.zeros((2, *grid.shape), np.bool_)
    inside[grid.row[mask], grid.col[mask]] = True
    scanned[grid.row, grid.col] = True
    parts, n_parts = ndimage.label(inside)
    largest = int(np.bincount(parts.ravel())[1:].max()) if n_parts else 0
    return RegionShape(
        covered,
        _perimeter(inside, grid),
        int(n_parts),
        largest / max(1, int(mask.sum())),
        _clumping(inside, scanned),
    )


def _perimeter(inside: NDArray[np.bool_], grid: ScanGrid) -> float:
    padded = np.pad(inside, 1)
    upright = int((padded[:, 1:] != padded[:, :-1]).sum())
    level = int((padded[1:] != padded[:-1]).sum())
    dx, dy = grid.step if grid.unit else (1.0, 1.0)
    return float(upright * dy + level * dx)


def _clumping(inside: NDArray[np.bool_], scanned: NDArray[np.bool_]) -> Clumping:
    """Compare with random draws of as many points (Cliff and Ord's randomization)."""
    from scipy.special import erfc

    n, members = int(scanned.sum()), int(inside.sum())
    n_joins, degree = 0, np.zeros(scanned.shape, np.int64)
    joins, products = 0, 0.0
    share = members / n
    centered = np.where(scanned, inside - share, 0.0)
    for one, other in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        pair = scanned[one] & scanned[other]
        n_joins += int(pair.sum())
        degree[one] += pair
        degree[other] += pair
        joins += int((inside[one] & inside[other]).sum())
        products += float((centered[one] * centered[other]).sum())
    expected = n_joins * members * (members - 1) / (n * (n - 1)) if n > 1 else 0.0
    nan = float("nan")
    if n < 4 or n_joins == 0 or not 0 < members < n:
        return Clumping(joins, expected, nan, nan, nan, nan)
    squares = n * share * (1 - share)
    morans_i = n / n_joins * products / squares
    mean = -1 / (n - 1)
    variance = _variance(n, n_joins, float((degree.astype(np.float64) ** 2).sum()), share) - mean**2
    z = (morans_i - mean) / np.sqrt(variance) if variance > 0 else nan
    return Clumping(joins, expected, morans_i, mean, float(z), float(erfc(abs(z) / np.sqrt(2))))


def _variance(n: int, n_joins: int, squared_degrees: float, share: float) -> float:
    """Return the mean square of Moran's I over all orders of the values.

    Cliff and Ord, *Spatial Processes*, 1981, eq. 2.8: weights 1 between neighbors make S0 = 2 J,
    S1 = 4 J and S2 = 4 Σ degree². The kurtosis of zeros and ones is (1 - 3 p q) / (p q).
    """
    s0, s1, s2 = 2.0 * n_joins, 4.0 * n_joins, 4.0 * squared_degrees
    spread = share * (1 - share)
    kurtosis = (1 - 3 * spread) / spread
    first = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2)
    second = kurtosis * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    return (first - second) / ((n - 1.0) * (n - 2.0) * (n - 3.0) * s0**2)
