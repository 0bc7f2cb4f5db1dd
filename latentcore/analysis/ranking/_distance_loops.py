"""Loops of distance correlation, over points sorted by latent, equal ones by the reference.

With a_ij = |x_i - x_j|, b_ij = |y_i - y_j| and their row sums a_i, b_i,

    n² dCov² = Σ a_ij b_ij - 2/n Σ a_i b_i + (Σ a_i)(Σ b_i) / n².

Row sums come from running sums over sorted values. For i before j in x, a_ij b_ij is
(x_j - x_i)(y_j - y_i), and twice (x_j - x_i)(y_i - y_j) more where y runs the other way; the
second sum is found by dividing the points by the bits of their level in y, as in counting
discordant pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled


@compiled
def _center(values: NDArray[np.float64]) -> None:
    """Bring sorted values to mean 0 and largest size 1, in place."""
    mean = values.sum() / len(values)
    scale = 1 / max(values[-1] - mean, mean - values[0])
    for i in range(len(values)):
        values[i] = (values[i] - mean) * scale


@compiled
def distance_sums(values: NDArray[np.float64], sums: NDArray[np.float64]) -> float:
    """Write the sum of distances to all others of each sorted, centered value.

    Returns n² times the distance variance, squared.
    """
    n = len(values)
    total = values.sum()
    below = 0.0
    squares = 0.0
    for i in range(n):
        sums[i] = (2 * i - n) * values[i] + total - 2 * below
        below += values[i]
        squares += values[i] * values[i]
    every = sums.sum()
    row_squares = (sums * sums).sum()
    return float(2 * (n * squares - total * total) - 2 * row_squares / n + every * every / n / n)


@compiled
def _against(
    x: NDArray[np.float64],
    levels: NDArray[np.int32],
    spare_x: NDArray[np.float64],
    spare_levels: NDArray[np.int32],
    level_values: NDArray[np.float64],
    starts: NDArray[np.int64],
) -> float:
    """Return Σ (x_j - x_i)(y_i - y_j) over i before j with y_i > y_j; arrays are overwritten."""
    n_levels = len(starts) - 1
    total = 0.0
    half = 1
    while half * 2 < n_levels:
        half *= 2
    while half > 0:
        for first in range(0, n_levels, 2 * half):
            low = starts[first]
            high = starts[min(first + 2 * half, n_levels)]
            zero = low
            one = starts[min(first + half, n_levels)]
            ones_start = one
            sum_x = 0.0
            sum_y = 0.0
            sum_xy = 0.0
            for i in range(low, high):
                level = levels[i]
                own_x = x[i]
                own_y = level_values[level]
                if level & half:
                    spare_levels[one] = level
                    spare_x[one] = own_x
                    one += 1
                    sum_x += own_x
                    sum_y += own_y
                    sum_xy += own_x * own_y
                else:
                    spare_levels[zero] = level
                    spare_x[zero] = own_x
                    zero += 1
                    ones = one - ones_start
                    total += own_x * (sum_y - ones * own_y) - sum_xy + sum_x * own_y
        x, spare_x = spare_x, x
        levels, spare_levels = spare_levels, levels
        half //= 2
    return total


@compiled
def distance_correlations(
    values: NDArray[np.float32],
    places: NDArray[np.uint32],
    reference: NDArray[np.float64],
    level: NDArray[np.int32],
    starts: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> None:
    """Write the distance correlation (V-statistic) for each row.

    `reference` is in its own order.
    """
    n = len(reference)
    y = reference.copy()
    _center(y)
    y_sums = np.empty(n)
    y_variance = distance_sums(y, y_sums)
    level_values = y[starts[:-1]]
    x = np.empty(n)
    x_sums = np.empty(n)
    levels = np.empty(n, np.int32)
    spare_x = np.empty(n)
    spare_levels = np.empty(n, np.int32)
    for row in range(len(values)):
        for i in range(n):
            x[i] = values[row, i]
            levels[i] = level[places[row, i]]
        _center(x)
        x_variance = distance_sums(x, x_sums)
        product = 0.0
        sums = 0.0
        for i in range(n):
            product += x[i] * level_values[levels[i]]
            sums += x_sums[i] * y_sums[places[row, i]]
        straight = n * product - x.sum() * y.sum()
        against = _against(x, levels, spare_x, spare_levels, level_values, starts)
        every = 2 * (straight + 2 * against)
        covariance = every - 2 * sums / n + x_sums.sum() / n * y_sums.sum() / n
        ratio = covariance / np.sqrt(x_variance) / np.sqrt(y_variance)
        scores[row] = np.sqrt(min(1.0, max(0.0, ratio)))
