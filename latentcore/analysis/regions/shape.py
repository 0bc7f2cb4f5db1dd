"""How a region lies on the scan grid: size, outline, parts, and whether it clumps by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.statistics import Area, area
from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import neighbor_pairs, side_lengths

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Clumping:
    """How much a region clumps, against as many points of the scan drawn at random.

    Attributes
    ----------
    joins : int
        Pairs of neighbors (along rows and columns, or of six) that both lie in the region.
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
        Parts that are connected by neighbors.
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
    """Pairs of neighbors on a scan.

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
    covered, scan = area(mask, grid), _neighbors(grid)
    if not mask.any():  # a region of another part of the scan
        return RegionShape(covered, 0.0, 0, float("nan"), _clumping(0, 0, 0, len(grid), scan))
    part = grid.cut(mask)
    pairs = list(neighbor_pairs(part))
    sizes = _part_sizes(pairs, len(part))
    # Each cell has two sides of a kind; where it meets another of the region, neither counts.
    perimeter = sum(
        2 * (len(part) - len(first)) * length
        for (first, _), length in zip(pairs, _lengths(grid), strict=True)
    )
    return RegionShape(
        covered,
        float(perimeter),
        len(sizes),
        int(sizes.max()) / len(part),
        _clumping(
            sum(len(first) for first, _ in pairs),
            int(scan.degree[mask].sum()),
            len(part),
            len(grid),
            scan,
        ),
    )


def _part_sizes(pairs: Sequence[tuple[Rows, Rows]], n: int) -> Rows:
    """Return how many points each connected part holds."""
    from scipy import sparse

    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    graph = sparse.coo_array((np.ones(len(first), np.int8), (first, second)), (n, n))
    return np.bincount(sparse.csgraph.connected_components(graph, directed=False)[1])


def _lengths(grid: ScanGrid) -> NDArray[np.float64]:
    """Return the lengths of sides, in the grid's unit or in steps: one for each kind of side."""
    lengths = side_lengths(grid)[: 3 if grid.hexagonal else 2]
    if grid.unit:
        return lengths
    return lengths / grid.step[0] if grid.hexagonal else np.ones(2)


@lru_cache(maxsize=2)
def _neighbors(grid: ScanGrid) -> _Neighbors:
    degree = np.zeros(len(grid), np.int64)
    pairs = 0
    for first, second in neighbor_pairs(grid):
        degree += np.bincount(np.concatenate([first, second]), minlength=len(grid))
        pairs += len(first)
    return _Neighbors(degree.astype(np.int8), pairs, int((degree**2).sum()))


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
