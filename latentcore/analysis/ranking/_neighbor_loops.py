"""Loops of mutual information: the seventh neighbor of each point, and counts within its reach.

Points are cut into strips of as many points each by x, and sorted by y within a strip. The
neighbors of a point are sought in its own strip, then in strips to the left and to the right
until a strip begins farther away than the seventh neighbor found so far; in each strip, up and
down from the point's own y until y alone is that far.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled

_STRIDE = 256


@compiled
def _insert(nearest: NDArray[np.float64], distance: float) -> None:
    """Put a distance, smaller than the last, into the ascending list; the last drops out."""
    place = len(nearest) - 1
    while place > 0 and nearest[place - 1] > distance:
        nearest[place] = nearest[place - 1]
        place -= 1
    nearest[place] = distance


@compiled
def _search(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    start: int,
    low: int,
    high: int,
    own_x: float,
    own_y: float,
    nearest: NDArray[np.float64],
) -> None:
    """Search low … high of a strip, up and down from `start`, where y isn't below `own_y`."""
    last = len(nearest) - 1
    farthest = nearest[last]
    i = start
    while i < high and y[i] - own_y < farthest:
        distance = max(abs(x[i] - own_x), y[i] - own_y)
        if distance < farthest:
            _insert(nearest, distance)
            farthest = nearest[last]
        i += 1
    i = start - 1
    while i >= low and own_y - y[i] < farthest:
        distance = max(abs(x[i] - own_x), own_y - y[i])
        if distance < farthest:
            _insert(nearest, distance)
            farthest = nearest[last]
        i -= 1


@compiled
def _within(padded: NDArray[np.float64], place: int, reach: float) -> int:
    """Count the values of a sorted line closer than `reach` to the one at `place`, it included."""
    middle = place + _STRIDE
    own = padded[middle]
    right = middle
    while padded[right + _STRIDE] - own < reach:
        right += _STRIDE
    left = middle
    while own - padded[left - _STRIDE] < reach:
        left -= _STRIDE
    step = _STRIDE // 2
    while step > 0:
        right = right + step if padded[right + step] - own < reach else right
        left = left - step if own - padded[left - step] < reach else left
        step //= 2
    return right - left + 1


@compiled
def _padded(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.empty(len(ascending) + 2 * _STRIDE)
    padded[:_STRIDE] = -np.inf
    padded[_STRIDE:-_STRIDE] = ascending
    padded[-_STRIDE:] = np.inf
    return padded


@compiled
def neighbor_information(
    x: NDArray[np.float64],
    order: NDArray[np.intp],
    y: NDArray[np.float64],
    neighbors: int,
    width: int,
    digamma: NDArray[np.float64],
) -> float:
    """Return the mean digamma of both counts over all points.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        By ascending y.
    order : ndarray of intp, shape (n,)
        Sorts `x`.
    y : ndarray of float64, shape (n,)
        Ascending.
    neighbors : int
        Fewer than n.
    width : int
        Points in a strip.
    digamma : ndarray of float64, shape (n + 1,)
    """
    n = len(x)
    x_place = np.empty(n, np.int32)
    ascending = np.empty(n)
    for i in range(n):
        x_place[order[i]] = i
        ascending[i] = x[order[i]]
    strips = (n + width - 1) // width
    fill = np.arange(strips) * width
    strip_x = np.empty(n)
    strip_y = np.empty(n)
    x_places = np.empty(n, np.int32)
    y_places = np.empty(n, np.int32)
    for i in range(n):
        strip = x_place[i] // width
        slot = fill[strip]
        fill[strip] += 1
        strip_x[slot] = x[i]
        strip_y[slot] = y[i]
        x_places[slot] = x_place[i]
        y_places[slot] = i
    padded_x = _padded(ascending)
    padded_y = _padded(y)
    nearest = np.empty(neighbors)
    starts = np.empty(strips, np.int64)
    total = 0.0
    for strip in range(strips):
        for other in range(strips):
            starts[other] = other * width
        for slot in range(strip * width, min(strip * width + width, n)):
            own_x = strip_x[slot]
            own_y = strip_y[slot]
            nearest[:] = np.inf
            starts[strip] = slot
            strip_x[slot] = np.inf  # a point isn't its own neighbor
            for direction in (1, -1):
                other = strip if direction == 1 else strip - 1
                while 0 <= other < strips:
                    low = other * width
                    high = min(low + width, n)
                    edge = ascending[low] if direction == 1 else ascending[high - 1]
                    if other != strip and abs(edge - own_x) >= nearest[-1]:
                        break
                    start = starts[other]
                    while start < high and strip_y[start] < own_y:
                        start += 1
                    starts[other] = start
                    _search(strip_x, strip_y, start, low, high, own_x, own_y, nearest)
                    other += direction
            strip_x[slot] = own_x
            reach = nearest[-1]
            total += digamma[_within(padded_x, x_places[slot], reach)]
            total += digamma[_within(padded_y, y_places[slot], reach)]
    return total / n
