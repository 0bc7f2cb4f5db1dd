"""What remains to be done after a cut: small parts, and mixed points along borders."""

from __future__ import annotations

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
    for _ in range(_ROUNDS):
        labels = _unmixed(values, a, b, labels)
        before = labels
        labels = _moved(values, edges, labels)
        labels = absorbed(values, a, b, connected_parts(edges, labels), min_size)
        if np.array_equal(before, labels):
            break
    return connected_parts(edges, labels)


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
    from latentcore.analysis.domains._loops import joined, nearest_neighbors, region_sums

    if np.bincount(labels).min() >= min_size:
        return labels
    k = int(labels.max()) + 1
    sums, counts = region_sums(values, labels, np.ones(len(labels)), k)
    one, other = neighbor_pairs(a, b, labels, k)
    while True:
        small = counts < min_size
        nearest = nearest_neighbors(sums / counts[:, None], one, other, small)
        lost = np.flatnonzero(nearest >= 0).astype(np.int32)
        if len(lost) == 0:
            return labels
        group = joined(len(counts), lost, nearest[lost], np.ones(len(lost), np.bool_))
        labels = group[labels]
        count = int(group.max()) + 1
        sums = region_sums(sums, group, np.ones(len(group)), count)[0]
        counts = region_sums(counts[:, None], group, np.ones(len(group)), count)[0][:, 0]
        one, other = neighbor_pairs(one, other, group, count)


def neighbor_pairs(
    a: NDArray[np.int32], b: NDArray[np.int32], labels: NDArray[np.int32], k: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the pairs of different labels at the ends of edges, each once, the smaller first."""
    differ = labels[a] != labels[b]
    one, other = labels[a[differ]], labels[b[differ]]
    keys = np.minimum(one, other).astype(np.int64) * k + np.maximum(one, other)
    keys = np.unique(keys)
    return (keys // k).astype(np.int32), (keys % k).astype(np.int32)


def inner_points(
    n: int, a: NDArray[np.int32], b: NDArray[np.int32], labels: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Return which points have no neighbor with another label."""
    inner = np.ones(n, np.bool_)
    differ = labels[a] != labels[b]
    inner[a[differ]] = inner[b[differ]] = False
    return inner


def _unmixed(
    values: NDArray[np.float32],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    labels: NDArray[np.int32],
) -> NDArray[np.int32]:
    from latentcore.analysis.domains._loops import joined, mixture_of, region_sums

    for _ in range(_MOVES):
        k = int(labels.max()) + 1
        sums, counts = region_sums(values, labels, np.ones(len(labels)), k)
        inner = np.bincount(labels[inner_points(len(labels), a, b, labels)], minlength=k)
        one, other = neighbor_pairs(a, b, labels, k)
        ends = np.concatenate([one, other])
        starts = np.zeros(k + 1, np.int64)
        np.cumsum(np.bincount(ends, minlength=k), out=starts[1:])
        beside = np.concatenate([other, one])[np.argsort(ends, kind="stable")]
        thin = inner < _THIN * counts
        whose = mixture_of(sums / counts[:, None], starts, beside, thin, counts, _DETOUR)
        lost = np.flatnonzero(whose >= 0).astype(np.int32)
        if len(lost) == 0:
            break
        labels = joined(k, lost, whose[lost], np.ones(len(lost), np.bool_))[labels]
    return labels


def _moved(
    values: NDArray[np.float32], edges: ScanEdges, labels: NDArray[np.int32]
) -> NDArray[np.int32]:
    from latentcore.analysis.domains._loops import move_points, region_sums

    k = int(labels.max()) + 1
    sums, counts = region_sums(values, labels, np.ones(len(labels)), k)
    for _ in range(_MOVES):
        means = sums / np.maximum(counts, 1)[:, None]
        after = move_points(values, labels, means, *edges.neighbors)
        changed = np.flatnonzero(after != labels)
        if len(changed) == 0:
            break
        for where, sign in ((labels, -1.0), (after, 1.0)):
            step = region_sums(values[changed], where[changed], np.full(len(changed), sign), k)
            sums, counts = sums + step[0], counts + step[1]
        labels = after
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
