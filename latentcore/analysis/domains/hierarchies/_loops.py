"""Loops that merge. Import it inside functions: it loads numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled
from latentcore.analysis.domains._loops import root_of

# With fewer parts, rounds in which hardly any merge cost little.
_FEW = 4_096
_Merged = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]


@compiled
def flooded(
    n: int,
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    distance: NDArray[np.float32],
    order: NDArray[np.int64],
) -> _Merged:
    """Join points in order of distance; return each merge with the shallower basin's depth."""
    parent = np.arange(n).astype(np.int32)
    lowest = np.full(n, np.inf, np.float64)
    first, second = np.empty(n, np.int32), np.empty(n, np.int32)
    depth = np.empty(n, np.float64)
    count = 0
    for e in order:
        one, other = root_of(parent, a[e]), root_of(parent, b[e])
        if one == other:
            continue
        level = float(distance[e])
        # A point by itself is no basin: it belongs to the first it meets.
        shallower = level - max(lowest[one], lowest[other])
        first[count], second[count], depth[count] = a[e], b[e], max(shallower, 0.0)
        count += 1
        parent[other] = one
        lowest[one] = min(level, min(lowest[one], lowest[other]))
    return first[:count], second[:count], depth[:count]


@compiled
def _cost(
    means: NDArray[np.float32],
    sizes: NDArray[np.float32],
    one: int,
    other: int,
    steps: NDArray[np.float32],
    e: int,
    side: float,
    limit: float,
) -> float:
    """Return the squared distance of two parts, less where either has few points.

    `steps` holds the sum over their border of the differences across it, `side` the number of
    its edges; no row of it means that the difference of means alone counts.
    """
    apart = np.float32(0)
    if len(steps):
        for k in range(means.shape[1]):
            apart += (means[one, k] - means[other, k]) * steps[e, k]
        apart = max(apart / side, np.float32(0))
    else:
        for k in range(means.shape[1]):
            step = means[one, k] - means[other, k]
            apart += step * step
    few = sizes[one] * sizes[other] / (sizes[one] + sizes[other])
    return float(apart * min(few, limit))


@compiled
def _mix(one: int, other: int) -> int:
    """Return an order of pairs that has nothing to do with where they are, to break ties."""
    mixed = (one * 2654435761 + other * 40503) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 15)) * 2246822519) & 0xFFFFFFFF


@compiled
def _favorites(
    n: int, a: NDArray[np.int32], b: NDArray[np.int32], cost: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the cheapest edge of each part, −1 where it has none."""
    favorite = np.full(n, -1, np.int64)
    for e in range(len(a)):
        for part in (a[e], b[e]):
            best = favorite[part]
            tied = best >= 0 and cost[e] == cost[best]
            if best < 0 or cost[e] < cost[best]:
                favorite[part] = e
            if tied and _mix(a[e], b[e]) < _mix(a[best], b[best]):
                favorite[part] = e
    return favorite


@compiled
def _matched(
    n: int,
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    cost: NDArray[np.float64],
    favorite: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return by which edge each part merges into the one at its other end, −1 where it doesn't.

    Edges merge that are the cheapest of both their parts. Where costs rise steadily over the scan,
    or one part is the nearest of very many, these are few. Then the cheapest eighth of the others
    merge into their nearest part, too, so that the number of rounds grows with the logarithm of
    the points. No part that another one merges into merges itself.
    """
    by = np.full(n, -1, np.int64)
    grown = np.zeros(n, np.bool_)
    pairs, alive = 0, 0
    for part in range(n):
        e = favorite[part]
        if e >= 0:
            alive += 1
            if favorite[a[e]] == e and favorite[b[e]] == e and b[e] == part:
                by[part] = e
                grown[a[e]] = True
                pairs += 1
    if alive < _FEW or 100 * pairs >= alive:
        return by
    parts = np.flatnonzero(favorite >= 0)
    parts = parts[np.argsort(cost[favorite[parts]], kind="mergesort")]
    for part in parts[: (len(parts) + 7) // 8]:
        e = favorite[part]
        other = b[e] if a[e] == part else a[e]
        if by[part] < 0 and not grown[part] and by[other] < 0:
            by[part] = e
            grown[other] = True
    return by


@compiled
def _in_order(keys: NDArray[np.int32], order: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Sort `order` by key, 0 … n−1, stably, in time proportional to both lengths."""
    starts = np.zeros(n + 1, np.int64)
    for e in order:
        starts[keys[e] + 1] += 1
    for key in range(n):
        starts[key + 1] += starts[key]
    ordered = np.empty_like(order)
    for e in order:
        ordered[starts[keys[e]]] = e
        starts[keys[e]] += 1
    return ordered


@compiled
def merged(
    values: NDArray[np.float32],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    limit: float,
    across: bool,
) -> _Merged:
    """Merge in rounds all pairs of parts that are nearest to each other, until no edge is left.

    Returns the merges with the square of their heights. `across` takes the differences across
    borders into account; see `_cost`.
    """
    n, d = values.shape
    means = values.copy()
    sizes, reached = np.ones(n, np.float32), np.zeros(n, np.float64)
    point = np.arange(n).astype(np.int32)
    steps, sides = np.empty((0, d), np.float32), np.ones(len(a), np.float32)
    first, second = np.empty(n, np.int32), np.empty(n, np.int32)
    height = np.empty(n, np.float64)
    made, alive = 0, n
    while len(a):
        cost = np.empty(len(a), np.float64)
        for e in range(len(a)):
            cost[e] = _cost(means, sizes, a[e], b[e], steps, e, sides[e], limit)
        by = _matched(alive, a, b, cost, _favorites(alive, a, b, cost))
        for part in range(alive):
            e = by[part]
            if e < 0:
                continue
            into = b[e] if a[e] == part else a[e]
            first[made], second[made] = point[into], point[part]
            reached[into] = max(cost[e], max(reached[into], reached[part]))
            height[made] = reached[into]
            made += 1
            share = sizes[part] / (sizes[part] + sizes[into])
            for k in range(d):
                means[into, k] += share * (means[part, k] - means[into, k])
            sizes[into] += sizes[part]
        # Parts are renumbered in place: a part's new number is never above its old one.
        new = np.empty(alive, np.int32)
        count = 0
        for part in range(alive):
            if by[part] < 0:
                new[part] = count
                means[count] = means[part]
                sizes[count], reached[count], point[count] = sizes[part], reached[part], point[part]
                count += 1
        for part in range(alive):
            e = by[part]
            if e >= 0:
                new[part] = new[b[e] if a[e] == part else a[e]]
        a, b, steps, sides = _contracted(values, a, b, steps, sides, new, count, across)
        alive = count
    return first[:made], second[:made], height[:made]


@compiled
def _contracted(
    values: NDArray[np.float32],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    steps: NDArray[np.float32],
    sides: NDArray[np.float32],
    new: NDArray[np.int32],
    n: int,
    across: bool,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the edges between the new parts, each pair once, with their steps and sides summed."""
    low, high = np.empty(len(a), np.int32), np.empty(len(a), np.int32)
    left = np.empty(len(a), np.int64)
    count = 0
    for e in range(len(a)):
        one, other = new[a[e]], new[b[e]]
        if one != other:
            low[e], high[e] = min(one, other), max(one, other)
            left[count] = e
            count += 1
    order = _in_order(low, _in_order(high, left[:count], n), n)
    new_a, new_b = np.empty(count, np.int32), np.empty(count, np.int32)
    last = -1
    places = np.empty(count, np.int64)
    for r in range(count):
        e = order[r]
        if last < 0 or new_a[last] != low[e] or new_b[last] != high[e]:
            last += 1
            new_a[last], new_b[last] = low[e], high[e]
        places[r] = last
    new_sides = np.zeros(last + 1, np.float32)
    d = values.shape[1]
    new_steps = np.zeros((last + 1 if across else 0, d), np.float32)
    for r in range(count):
        e, place = order[r], places[r]
        new_sides[place] += sides[e]
        if not across:
            continue
        # In the first round parts are points, and no steps are kept yet.
        sign = np.float32(1) if new[a[e]] == low[e] else np.float32(-1)
        for k in range(d):
            step = steps[e, k] if len(steps) else values[a[e], k] - values[b[e], k]
            new_steps[place, k] += sign * step
    return new_a[: last + 1], new_b[: last + 1], new_steps, new_sides
