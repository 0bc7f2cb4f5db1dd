"""Loops over points, edges and regions of a scan. Import it inside functions: it loads numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled


@compiled
def pair_distances(
    values: NDArray[np.float32], a: NDArray[np.int32], b: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the Euclidean distance of each pair of rows."""
    distances = np.empty(len(a), np.float32)
    for e in range(len(a)):
        total = np.float32(0)
        for k in range(values.shape[1]):
            step = values[a[e], k] - values[b[e], k]
            total += step * step
        distances[e] = np.sqrt(total)
    return distances


@compiled
def root_of(parent: NDArray[np.int32], node: int) -> int:
    """Return the root of a node's tree; halves the way there."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled
def joined(
    n: int, a: NDArray[np.int32], b: NDArray[np.int32], together: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Return the connected component of each of n nodes, numbered by their first node."""
    parent = np.arange(n).astype(np.int32)
    for e in range(len(a)):
        if together[e]:
            one, other = root_of(parent, a[e]), root_of(parent, b[e])
            if one < other:
                parent[other] = one
            else:
                parent[one] = other
    # A component's root is its first node, so it has its number before the others ask.
    count = 0
    labels = np.empty(n, np.int32)
    for node in range(n):
        root = root_of(parent, node)
        if root == node:
            labels[node] = count
            count += 1
        else:
            labels[node] = labels[root]
    return labels


@compiled
def merge_tree(
    n: int, a: NDArray[np.int32], b: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the binary tree of merges in their order, and the forest that tells when two meet.

    Nodes 0 … n−1 of the tree are points, n + k is merge k; a root is its own parent. The forest
    joins the smaller part below the larger one, so that no way in it is longer than log2 n;
    its second row holds the merge that made each link.
    """
    tree = np.arange(n + len(a)).astype(np.int32)
    forest = np.empty((2, n), np.int32)
    size = np.ones(n, np.int32)
    top = np.arange(n).astype(np.int32)
    for node in range(n):
        forest[0, node] = node
        forest[1, node] = len(a)
    for k in range(len(a)):
        one, other = a[k], b[k]
        while forest[0, one] != one:
            one = forest[0, one]
        while forest[0, other] != other:
            other = forest[0, other]
        if size[one] < size[other]:
            one, other = other, one
        tree[top[one]] = n + k
        tree[top[other]] = n + k
        top[one] = n + k
        forest[0, other] = one
        forest[1, other] = k
        size[one] += size[other]
    return tree, forest


@compiled
def meetings(
    forest: NDArray[np.int32], a: NDArray[np.int32], b: NDArray[np.int32], merges: int
) -> NDArray[np.int32]:
    """Return which merge brings the ends of each edge together; `merges` where none does."""
    met = np.empty(len(a), np.int32)
    for e in range(len(a)):
        one, other, last = a[e], b[e], -1
        while one != other:
            if forest[1, one] > forest[1, other]:
                one, other = other, one
            last = forest[1, one]
            if last == merges:
                break
            one = forest[0, one]
        met[e] = last
    return met


@compiled
def inner_counts(
    n: int,
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    inner_from: NDArray[np.int32],
    order: NDArray[np.int64],
) -> NDArray[np.int32]:
    """Return for each merge how many inner points the poorer of the two parts has.

    `inner_from` is the merge after which a point is surrounded by its own part; `order` sorts it.
    """
    parent = np.arange(n).astype(np.int32)
    inner = np.zeros(n, np.int32)
    least = np.empty(len(a), np.int32)
    done = 0
    for k in range(len(a)):
        while done < n and inner_from[order[done]] < k:
            inner[root_of(parent, order[done])] += 1
            done += 1
        one, other = root_of(parent, a[k]), root_of(parent, b[k])
        least[k] = min(inner[one], inner[other])
        parent[other] = one
        inner[one] += inner[other]
    return least


@compiled
def cut_tree(tree: NDArray[np.int32], n: int, kept: int) -> NDArray[np.int32]:
    """Return the part of each point after the first `kept` merges, numbered by first point."""
    top = np.empty(n + kept, np.int32)
    number = np.full(n + kept, -1, np.int32)
    for back in range(n + kept):
        node = n + kept - 1 - back
        above = tree[node]
        top[node] = node if above == node or above >= n + kept else top[above]
    labels = np.empty(n, np.int32)
    count = 0
    for point in range(n):
        part = top[point]
        if number[part] < 0:
            number[part] = count
            count += 1
        labels[point] = number[part]
    return labels


@compiled
def region_sums(
    values: NDArray[np.floating], labels: NDArray[np.int32], weights: NDArray[np.float64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted sum of values (k, d) and of weights (k,) in each region."""
    sums = np.zeros((k, values.shape[1]), np.float64)
    totals = np.zeros(k, np.float64)
    for row in range(len(labels)):
        region = labels[row]
        totals[region] += weights[row]
        for dim in range(values.shape[1]):
            sums[region, dim] += weights[row] * values[row, dim]
    return sums, totals


@compiled
def nearest_neighbors(
    means: NDArray[np.float64],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    wanted: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Return for each wanted region the neighbor with the nearest mean, −1 where there is none."""
    nearest = np.full(len(means), -1, np.int32)
    least = np.full(len(means), np.inf, np.float64)
    for e in range(len(a)):
        if not (wanted[a[e]] or wanted[b[e]]):
            continue
        apart = 0.0
        for dim in range(means.shape[1]):
            step = means[a[e], dim] - means[b[e], dim]
            apart += step * step
        if wanted[a[e]] and apart < least[a[e]]:
            least[a[e]], nearest[a[e]] = apart, b[e]
        if wanted[b[e]] and apart < least[b[e]]:
            least[b[e]], nearest[b[e]] = apart, a[e]
    return nearest


@compiled
def _between(
    values: NDArray[np.floating], row: int, means: NDArray[np.float64], region: int
) -> float:
    total = 0.0
    for dim in range(means.shape[1]):
        step = values[row, dim] - means[region, dim]
        total += step * step
    return total


@compiled
def row_distances(
    values: NDArray[np.float32], means: NDArray[np.float64], labels: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the distance of each row from the mean of its region."""
    apart = np.empty(len(labels), np.float32)
    for row in range(len(labels)):
        apart[row] = np.sqrt(_between(values, row, means, labels[row]))
    return apart


@compiled
def mixture_of(
    means: NDArray[np.float64],
    starts: NDArray[np.int64],
    neighbors: NDArray[np.int32],
    thin: NDArray[np.bool_],
    counts: NDArray[np.float64],
    detour: float,
) -> NDArray[np.int32]:
    """Return for each thin region the nearer of two neighbors that it is a mixture of, else −1.

    It is one if the way from one mean to the other by way of its own is at most `detour` times
    the straight one.
    """
    found = np.full(len(means), -1, np.int32)
    for region in range(len(means)):
        if not thin[region]:
            continue
        best = detour
        for p in range(starts[region], starts[region + 1]):
            one = neighbors[p]
            if thin[one] and counts[one] <= counts[region]:
                continue
            to_one = np.sqrt(_between(means, region, means, one))
            for q in range(p + 1, starts[region + 1]):
                other = neighbors[q]
                if thin[other] and counts[other] <= counts[region]:
                    continue
                straight = np.sqrt(_between(means, one, means, other))
                to_other = np.sqrt(_between(means, region, means, other))
                if straight > 0 and (to_one + to_other) / straight < best:
                    best = (to_one + to_other) / straight
                    found[region] = one if to_one <= to_other else other
    return found


@compiled
def inner_sizes(
    a: NDArray[np.int32], b: NDArray[np.int32], labels: NDArray[np.int32], k: int
) -> NDArray[np.int64]:
    """Return how many points of each region have no neighbor in another."""
    outer = np.zeros(len(labels), np.bool_)
    for e in range(len(a)):
        if labels[a[e]] != labels[b[e]]:
            outer[a[e]] = outer[b[e]] = True
    sizes = np.zeros(k, np.int64)
    for point in range(len(labels)):
        if not outer[point]:
            sizes[labels[point]] += 1
    return sizes


@compiled
def border_points(
    labels: NDArray[np.int32],
    starts: NDArray[np.int64],
    neighbors: NDArray[np.int32],
    near: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the points with a neighbor in another region, near some points if any are given."""
    n = len(labels)
    asked = np.full(n, len(near) == 0)
    for point in near:
        asked[point] = True
        for e in range(starts[point], starts[point + 1]):
            asked[neighbors[e]] = True
    found = np.empty(n, np.int64)
    count = 0
    for point in range(n):
        if not asked[point]:
            continue
        for e in range(starts[point], starts[point + 1]):
            if labels[neighbors[e]] != labels[point]:
                found[count] = point
                count += 1
                break
    return found[:count]


@compiled
def move_points(
    values: NDArray[np.float32],
    labels: NDArray[np.int32],
    means: NDArray[np.float64],
    starts: NDArray[np.int64],
    neighbors: NDArray[np.int32],
    points: NDArray[np.int64],
) -> NDArray[np.int32]:
    """Return for each of some points the region, its own or one beside it, of the nearest mean."""
    moved = labels[points]
    for place in range(len(points)):
        point = points[place]
        own = labels[point]
        nearest = _between(values, point, means, own)
        for e in range(starts[point], starts[point + 1]):
            other = labels[neighbors[e]]
            if other == own:
                continue
            apart = _between(values, point, means, other)
            if apart < nearest:
                nearest = apart
                moved[place] = other
    return moved


@compiled
def _peeled(starts: NDArray[np.int64], neighbors: NDArray[np.int32], few: int) -> NDArray[np.int64]:
    """Return nodes in an order in which each has at most `few` neighbors among those after it.

    Every planar graph has a node with at most five neighbors; where others have none, the nodes
    that are left end the list.
    """
    n = len(starts) - 1
    left = np.empty(n, np.int64)
    order = np.empty(n, np.int64)
    known = 0
    for node in range(n):
        left[node] = starts[node + 1] - starts[node]
        if left[node] <= few:
            order[known] = node
            known += 1
    done = 0
    while done < known:
        node = order[done]
        done += 1
        for e in range(starts[node], starts[node + 1]):
            left[neighbors[e]] -= 1
            if left[neighbors[e]] == few:
                order[known] = neighbors[e]
                known += 1
    listed = np.zeros(n, np.bool_)
    for place in range(known):
        listed[order[place]] = True
    for node in range(n):
        if not listed[node]:
            order[known] = node
            known += 1
    return order


@compiled
def different_colors(
    starts: NDArray[np.int64], neighbors: NDArray[np.int32], colors: int
) -> NDArray[np.int32]:
    """Color a planar graph so that neighbors differ; six colors or more do.

    Among the colors that are free the choice goes round, so that all are used about as often.
    """
    order = _peeled(starts, neighbors, 5)
    color = np.full(len(order), -1, np.int32)
    taken = np.full(colors, -1, np.int64)
    for step in range(len(order)):
        node = order[len(order) - 1 - step]
        for e in range(starts[node], starts[node + 1]):
            if color[neighbors[e]] >= 0:
                taken[color[neighbors[e]]] = node
        color[node] = step % colors
        for turn in range(colors):
            wanted = (step + turn) % colors
            if taken[wanted] != node:
                color[node] = wanted
                break
    return color
