"""The median of the distances between all pairs of points on a line, without listing them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled

_SAMPLE = 512
# So many of a sample's standard errors above and below the guess, the sought pair almost always
# lies between; where it doesn't, one more round is needed.
_ERRORS = 1.5
_FEW = 1_024


@compiled
def _boundaries(values: NDArray[np.float64], distance: float, found: NDArray[np.int32]) -> int:
    """Write for each i the first j > i with values[j] - values[i] > distance.

    Returns the number of pairs that aren't farther apart.
    """
    count = 0
    j = 1
    for i in range(len(values)):
        while j < len(values) and values[j] - values[i] <= distance:
            j += 1
        found[i] = j
        count += j - i - 1
    return count


@compiled
def _sample(
    values: NDArray[np.float64], low: NDArray[np.int32], high: NDArray[np.int32], pairs: int
) -> NDArray[np.float64]:
    """Return the distances of evenly chosen pairs (i, j), low[i] <= j < high[i], sorted."""
    size = min(pairs, _SAMPLE)
    distances = np.empty(size)
    row = 0
    before = 0
    for k in range(size):
        wanted = (2 * k + 1) * pairs // (2 * size)
        while before + high[row] - low[row] <= wanted:
            before += high[row] - low[row]
            row += 1
        distances[k] = values[low[row] + wanted - before] - values[row]
    distances.sort()
    return distances


@compiled
def _listed(
    values: NDArray[np.float64], low: NDArray[np.int32], high: NDArray[np.int32], pairs: int
) -> NDArray[np.float64]:
    distances = np.empty(pairs)
    k = 0
    for i in range(len(values)):
        for j in range(low[i], high[i]):
            distances[k] = values[j] - values[i]
            k += 1
    return distances


@compiled
def median_distance(values: NDArray[np.float64]) -> float:
    """Return the median of the non-zero distances between all pairs, exactly.

    The rank of a distance is counted on the sorted values by bisection. Samples of the pairs
    that are still in question decide which distance to try next; when about n are left, they are
    listed. O(n log n) on any distribution; as Johnson and Mizoguchi, *SIAM J. Comput.* 7
    (1978) 147, with sampling instead of medians of medians.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Ascending, not all the same.
    """
    n = len(values)
    low = np.empty(n, np.int32)
    high = np.full(n, n, np.int32)
    found = np.empty(n, np.int32)
    below = _boundaries(values, 0.0, low)
    up_to = n * (n - 1) // 2
    first = below + (up_to - below - 1) // 2
    second = below + (up_to - below) // 2
    top = values[-1] - values[0]
    while up_to - below > max(n, _FEW):
        sample = _sample(values, low, high, up_to - below)
        middle = (first - below) / (up_to - below) * len(sample)
        spread = _ERRORS * np.sqrt(len(sample)) / 2
        narrowed = False
        for side in (-1, 1):
            place = min(len(sample) - 1, max(0, int(middle + side * spread)))
            # Below the largest distance left: it may be the distance of most.
            tried = min(sample[place], np.nextafter(top, 0.0))
            count = _boundaries(values, tried, found)
            if count <= first and count > below:
                below = count
                low, found = found, low
                narrowed = True
            elif count > second:
                up_to = count
                top = tried
                high, found = found, high
                narrowed = True
            elif count == second:
                # The two middle distances are on either side of the tried one.
                return (_farthest(values, low, found) + _nearest(values, found, high)) / 2
        if not narrowed:
            # All that is left are equal.
            return _nearest(values, low, high)
    distances = np.partition(_listed(values, low, high, up_to - below), first - below)
    middle = distances[first - below]
    following = distances[second - below :].min() if second > first else middle
    return float((middle + following) / 2)


@compiled
def _nearest(values: NDArray[np.float64], low: NDArray[np.int32], high: NDArray[np.int32]) -> float:
    nearest = np.inf
    for i in range(len(values)):
        if low[i] < high[i]:
            nearest = min(nearest, values[low[i]] - values[i])
    return nearest


@compiled
def _farthest(
    values: NDArray[np.float64], low: NDArray[np.int32], high: NDArray[np.int32]
) -> float:
    farthest = 0.0
    for i in range(len(values)):
        if low[i] < high[i]:
            farthest = max(farthest, values[high[i] - 1] - values[i])
    return farthest
