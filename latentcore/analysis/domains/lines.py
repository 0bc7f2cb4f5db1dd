"""What a plateau plot needs: where borders run on the grid, and how many parts they enclose."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.domains.edges import ScanEdges
from latentcore.analysis.domains.hierarchy import DomainHierarchy
from latentcore.containers import ScanGrid

_NO_LINE = np.float32(-1)


def line_arrays(
    grid: ScanGrid, edges: ScanEdges, saliency: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how salient the border of each point is to its neighbor at the right, and below.

    Parameters
    ----------
    saliency : ndarray of float32, shape (m,)
        Of each edge.

    Returns
    -------
    right, down : ndarray of float32, shape (n,)
        Infinite where only one of the two points has a value, −1 where neither has, or the scan
        ends: a border is drawn where they exceed a threshold.
    """
    present = np.zeros(len(grid), np.bool_)
    present[edges.rows] = True
    place = np.full(grid.shape[0] * grid.shape[1], -1, np.int64)
    place[grid.node] = np.arange(len(grid))
    found = []
    beside = grid.row[edges.i] == grid.row[edges.j]
    for right, down, own in ((1, 0, beside), (0, 1, ~beside)):
        line = np.full(len(grid), _NO_LINE, np.float32)
        inside = (grid.col + right < grid.shape[1]) & (grid.row + down < grid.shape[0])
        first = np.flatnonzero(inside)
        second = place[grid.node[first] + right + down * grid.shape[1]]
        first, second = first[second >= 0], second[second >= 0]
        line[first[present[first] != present[second]]] = np.inf
        line[edges.i[own]] = saliency[own]
        found.append(line)
    return found[0], found[1]


def part_counts(
    hierarchy: DomainHierarchy, thresholds: ArrayLike, min_size: int
) -> NDArray[np.int32]:
    """Return how many parts of `min_size` points and more there are at each threshold.

    These are the parts that borders of a saliency above the threshold enclose, before small ones
    are absorbed and points at borders are settled: all thresholds together take as long as one
    pass over the merges, where `DomainHierarchy.counts` takes a cut for each.

    Parameters
    ----------
    thresholds : array_like, shape (t,)
    """
    from latentcore.analysis.domains._plateau_loops import large_parts

    counts = large_parts(hierarchy.edges.n_points, hierarchy.a, hierarchy.b, min_size)
    merged = np.searchsorted(hierarchy.height, np.ravel(thresholds), side="right")
    found: NDArray[np.int32] = counts[merged]
    return found
