"""Loops over pairs of neighboring patterns.

Each pair and each pixel is worked on by itself and in a fixed order, so that a pattern comes out
to the same bits whatever is computed beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Slots = NDArray[np.int32]

# Mean squared difference per pixel below which two patterns are one, stored twice.
COPY = 1e-3
# Lighter neighbors are left out; 200 of them would not change the sixth digit.
_LIGHTEST = 1e-8
# Pixels that are summed up in float32 at once; their sums are added in float64.
_RUN = 512


@compiled
def _distance(a: Floats, b: Floats, pixels: int) -> float:
    """Return the squared distance over the leading pixels."""
    total = 0.0
    for start in range(0, pixels, _RUN):
        part = np.float32(0.0)
        for q in range(start, min(start + _RUN, pixels)):
            difference = a[q] - b[q]
            part += difference * difference
        total += float(part)
    return total


@compiled
def _unsaturated_distance(
    a: Floats, b: Floats, pixels: int, level: np.float32
) -> tuple[float, int]:
    """Return the squared distance over the pixels that are below a level in both, and how many."""
    total, count = 0.0, 0
    for start in range(0, pixels, _RUN):
        part = np.float32(0.0)
        for q in range(start, min(start + _RUN, pixels)):
            if a[q] < level and b[q] < level:
                difference = a[q] - b[q]
                part += difference * difference
                count += 1
        total += float(part)
    return total, count


@compiled
def distances(
    patterns: Floats,
    peaks: Floats,
    here: Slots,
    near: Slots,
    pixels: int,
    level: np.float32,
    squares: Doubles,
    counts: NDArray[np.int64],
) -> None:
    """Write squared distances to the neighbors, and the pixels that they are over.

    Parameters
    ----------
    patterns : ndarray of float32, shape (m, p)
    peaks : ndarray of float32, shape (m,)
        Largest of the leading pixels.
    here, near : ndarray of int32, shape (b,) and (b, w)
        Patterns and those around them; −1 for none.
    pixels : int
        Leading pixels that count.
    level : float
        Pixels from there on are saturated.
    squares, counts : ndarray, shape (b, w)
        Written; the count is 0 where there is nothing to compare.
    """
    for i in range(len(here)):
        a = patterns[here[i]]
        for k in range(near.shape[1]):
            other = near[i, k]
            if other < 0:
                squares[i, k], counts[i, k] = 0.0, 0
            elif peaks[here[i]] < level and peaks[other] < level:
                squares[i, k], counts[i, k] = _distance(a, patterns[other], pixels), pixels
            else:
                total, count = _unsaturated_distance(a, patterns[other], pixels, level)
                squares[i, k], counts[i, k] = total, count


@compiled
def least_noise(squares: Doubles, counts: NDArray[np.int64], noise: Doubles) -> None:
    """Write each point's variance of the noise: half the least mean square to a neighbor.

    Copies don't count. 0 where there is none to compare with.
    """
    for i in range(len(squares)):
        least = np.inf
        for k in range(squares.shape[1]):
            if counts[i, k] > 0 and squares[i, k] >= COPY * counts[i, k]:
                least = min(least, squares[i, k] / (2 * counts[i, k]))
        noise[i] = least if least < np.inf else 0.0


@compiled
def normalized(
    squares: Doubles,
    counts: NDArray[np.int64],
    here: Doubles,
    near: Doubles,
) -> None:
    """Turn squared distances into normalized ones, in place: infinity where nothing compares.

    Parameters
    ----------
    here, near : ndarray of float64, shape (b,) and (b, w)
        Variances of the noise.
    """
    for i in range(len(squares)):
        for k in range(squares.shape[1]):
            n, both = counts[i, k], here[i] + near[i, k]
            if n == 0:
                squares[i, k] = np.inf
            elif both > 0:
                squares[i, k] = (squares[i, k] - n * both) / (both * np.sqrt(2.0 * n))
            else:
                squares[i, k] = 0.0 if squares[i, k] < COPY * n else np.inf


@compiled
def weigh(distance: Doubles, itself: int, rate: float) -> None:
    """Turn normalized distances into weights that sum up to 1, in place.

    Parameters
    ----------
    itself : int
        The column of the point itself, whose weight is that of an equal pattern.
    rate : float
        1 / λ².
    """
    for i in range(len(distance)):
        total = 0.0
        for k in range(distance.shape[1]):
            beyond = max(distance[i, k], 0.0)
            weight = 1.0 if k == itself or beyond == 0.0 else np.exp(-beyond * rate)
            distance[i, k] = weight if weight >= _LIGHTEST else 0.0
            total += distance[i, k]
        for k in range(distance.shape[1]):
            distance[i, k] /= total


@compiled
def average(patterns: Floats, near: Slots, weights: Doubles, result: Floats) -> None:
    """Write weighted averages over neighbors, shape (b, p)."""
    for i in range(len(near)):
        mean = result[i]
        mean[:] = np.float32(0.0)
        for k in range(near.shape[1]):
            weight = np.float32(weights[i, k])
            if weight > 0:
                other = patterns[near[i, k]]
                for q in range(len(mean)):
                    mean[q] += weight * other[q]
