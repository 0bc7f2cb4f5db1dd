"""What a plateau plot needs: where borders run on the grid, and how many parts they enclose."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.domains.edges import ScanEdges
from latentcore.analysis.domains.hierarchy import DomainHierarchy
from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import neighbor_pairs, neighbor_steps

_NO_LINE = np.float32(-1)


def line_arrays(
    grid: ScanGrid, edges: ScanEdges, saliency: NDArray[np.float32]
) -> tuple[NDArray[np.float32], ...]:
    """Return how salient the border of each point is to its neighbors at the right and below.

    Parameters
    ----------
    saliency : ndarray of float32, shape (m,)
        Of each edge.

    Returns
    -------
    tuple of ndarray of float32, shape (n,)
        In the order of `neighbor_steps`: right and below; on a hexagonal grid right, below at the
        left and below at the right. Infinite where only one of the two points has a value, −1
        where neither has, or the scan ends: a border is drawn where they exceed a threshold.
    """
    present = np.zeros(len(grid), np.bool_)
    present[edges.rows] = True
    place = grid.lattice
    down = place.row[edges.j] - place.row[edges.i]
    right = place.col[edges.j] - place.col[edges.i]
    found = []
    for (first, second), step in zip(neighbor_pairs(grid), neighbor_steps(grid), strict=False):
        line = np.full(len(grid), _NO_LINE, np.float32)
        line[first[present[first] != present[second]]] = np.inf
        own = (down == step[0]) & (right == step[1])
        line[edges.i[own]] = saliency[own]
        found.append(line)
    return tuple(found)


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
