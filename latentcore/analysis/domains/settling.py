"""What remains to be done after a cut: small parts, and mixed points along borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.domains.edges import ScanEdges

# A part is thin if fewer than this share of its points have all neighbors in it.
_THIN = 0.1
# Two independent directions make a detour of 1.4 and more; what lies between makes one of 1.
_DETOUR = 1.25
_ROUNDS, _MOVES = 2, 5


def settled(
    values: NDArray[np.float32],
    edges: ScanEdges,
    labels: NDArray[np.int32],
    min_size: int,
) -> NDArray[np.int32]:
    """Clean up the parts that a cut leaves.

    Parts below `min_size` are absorbed by the neighbor with the nearest mean. Points on a border
    show a mixture of both sides, and a row of them may form a part of its own: a thin part whose
    mean lies between those of two neighbors goes to the nearer of them. Then each point at a
    border goes to the side whose mean is nearer; parts that this cuts in two are parted.

    Parameters
    ----------
    values : ndarray of float32, shape (p, d)
    labels : ndarray of int32, shape (p,)
        0 … k−1, all in use.

    Returns
    -------
    ndarray of int32, shape (p,)
        Connected across open edges, numbered by their first point.
    """
    a, b = edges.a[~edges.closed], edges.b[~edges.closed]
    labels = absorbed(values, a, b, labels, min_size)
    for turn in range(_ROUNDS):
        unmixed = _unmixed(values, a, b, labels)
        if turn > 0 and unmixed is labels:
            break
        moved = _moved(values, edges, unmixed)
        labels = absorbed(values, a, b, connected_parts(edges, moved), min_size)
    return labels


def absorbed(
    values: NDArray[np.floating],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    labels: NDArray[np.int32],
    min_size: int,
) -> NDArray[np.int32]:
    """Give each part with fewer points to the neighbor with the nearest mean, until none is left.

    A small part without a neighbor stays.

    Parameters
    ----------
    values : ndarray, shape (p, d)
    a, b : ndarray of int32, shape (m,)
        Pairs of points across which parts may grow.
    labels : ndarray of int32, shape (p,)
        0 … k−1, all in use.
    """
    from latentcore.analysis.domains._loops import nearest_neighbors

    if np.bincount(labels).min() >= min_size:
        return labels
    regions = _Regions.of(values, a, b, labels)
    while True:
        nearest = nearest_neighbors(regions.means, regions.a, regions.b, regions.counts < min_size)
        if not (nearest >= 0).any():
            return labels
        group, regions = regions.joined(nearest)
        labels = group[labels]


@dataclass(frozen=True, eq=False)
class _Regions:
    """The k parts of a scan: what their values sum up to, their sizes, and who is beside whom."""

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]
    a: NDArray[np.int32]
    b: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        values: NDArray[np.floating],
        a: NDArray[np.int32],
        b: NDArray[np.int32],
        labels: NDArray[np.int32],
    ) -> _Regions:
        from latentcore.analysis.domains._loops import region_sums

        k = int(labels.max()) + 1
        sums, counts = region_sums(values, labels, np.ones(len(labels)), k)
        return cls(sums, counts, *neighbor_pairs(a, b, labels, k))

    @property
    def means(self) -> NDArray[np.float64]:
        return self.sums / self.counts[:, None]

    @property
    def neighbors(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Starts (k + 1,) and the neighbors of each part."""
        ends = np.concatenate([self.a, self.b])
        starts = np.zeros(len(self.counts) + 1, np.int64)
        np.cumsum(np.bincount(ends, minlength=len(self.counts)), out=starts[1:])
        return starts, np.concatenate([self.b, self.a])[np.argsort(ends, kind="stable")]

    def joined(self, into: NDArray[np.int32]) -> tuple[NDArray[np.int32], _Regions]:
        """Join each part to another, where that is not −1: return its new number, and the parts."""
        from latentcore.analysis.domains._loops import joined, region_sums

        lost = np.flatnonzero(into >= 0).astype(np.int32)
        group = joined(len(into), lost, into[lost], np.ones(len(lost), np.bool_))
        k, once = int(group.max()) + 1, np.ones(len(group))
        sums = region_sums(self.sums, group, once, k)[0]
        counts = region_sums(self.counts[:, None], group, once, k)[0][:, 0]
        return group, _Regions(sums, counts, *neighbor_pairs(self.a, self.b, group, k))


def neighbor_pairs(
    a: NDArray[np.int32], b: NDArray[np.int32], labels: NDArray[np.int32], k: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the pairs of different labels at the ends of edges, each once, the smaller first."""
    differ = labels[a] != labels[b]
    one, other = labels[a[differ]], labels[b[differ]]
    # Sorted by hand: NumPy's unique is slower by far.
    keys = np.sort(np.minimum(one, other).astype(np.int64) * k + np.maximum(one, other))
    keys = keys[np.flatnonzero(np.diff(keys, prepend=-1))]
    return (keys // k).astype(np.int32), (keys % k).astype(np.int32)


def _unmixed(
    values: NDArray[np.float32],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    labels: NDArray[np.int32],
) -> NDArray[np.int32]:
    from latentcore.analysis.domains._loops import inner_sizes, mixture_of

    regions = _Regions.of(values, a, b, labels)
    for _ in range(_MOVES):
        thin = inner_sizes(a, b, labels, len(regions.counts)) < _THIN * regions.counts
        whose = mixture_of(regions.means, *regions.neighbors, thin, regions.counts, _DETOUR)
        if not (whose >= 0).any():
            break
        group, regions = regions.joined(whose)
        labels = group[labels]
    return labels


def _moved(
    values: NDArray[np.float32], edges: ScanEdges, labels: NDArray[np.int32]
) -> NDArray[np.int32]:
    from latentcore.analysis.domains._loops import border_points, move_points, region_sums

    k = int(labels.max()) + 1
    sums, counts = region_sums(values, labels, np.ones(len(labels)), k)
    starts, neighbors = edges.neighbors
    points, labels = border_points(labels, starts, neighbors, np.arange(0)), labels.copy()
    for _ in range(_MOVES):
        means = sums / np.maximum(counts, 1)[:, None]
        after = move_points(values, labels, means, starts, neighbors, points)
        changed = points[after != labels[points]]
        if len(changed) == 0:
            break
        ends = after[after != labels[points]]
        for where, sign in ((labels[changed], -1.0), (ends, 1.0)):
            step = region_sums(values[changed], where, np.full(len(changed), sign), k)
            sums, counts = sums + step[0], counts + step[1]
        labels[changed] = ends
        # Only what moved, or lies beside it, may move next; means change little.
        points = border_points(labels, starts, neighbors, changed)
    return labels


def connected_parts(edges: ScanEdges, labels: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return the parts of points with the same label that open edges connect, shape (p,).

    Parameters
    ----------
    labels : ndarray of int, shape (p,)
        One per point of the edges.
    """
    from latentcore.analysis.domains._loops import joined

    together = ~edges.closed & (labels[edges.a] == labels[edges.b])
    return joined(edges.n_points, edges.a, edges.b, together)
