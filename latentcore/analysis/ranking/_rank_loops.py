"""Loops of the rank metrics, over points sorted by latent, equal ones by the reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled


@compiled
def spearman(
    values: NDArray[np.float32],
    places: NDArray[np.uint32],
    ranks: NDArray[np.float64],
    scores: NDArray[np.float64],
) -> None:
    """Write Pearson's correlation of mean ranks for each row.

    `ranks` are the reference's mean ranks in its own order.
    """
    m = values.shape[1]
    middle = (m + 1) / 2
    spread = ((ranks - middle) ** 2).sum()
    for row in range(len(values)):
        own = 0.0
        both = 0.0
        start = 0
        while start < m:
            stop = start + 1
            beside = ranks[places[row, start]] - middle
            while stop < m and values[row, stop] == values[row, start]:
                beside += ranks[places[row, stop]] - middle
                stop += 1
            mean_rank = (start + stop + 1) / 2 - middle
            own += (stop - start) * mean_rank * mean_rank
            both += mean_rank * beside
            start = stop
        scores[row] = min(1.0, max(-1.0, both / np.sqrt(own) / np.sqrt(spread)))


@compiled
def _tied_pairs(
    values: NDArray[np.float32], places: NDArray[np.uint32], level: NDArray[np.int32]
) -> tuple[int, int]:
    """Count pairs of equal latents, and those of them whose reference is equal too."""
    latent_ties = 0
    both_ties = 0
    same_latent = 0
    same_both = 0
    for i in range(1, len(values)):
        if values[i] == values[i - 1]:
            same_latent += 1
            # Within equal latents, points come in the order of the reference.
            same_both = same_both + 1 if level[places[i]] == level[places[i - 1]] else 0
        else:
            same_latent = 0
            same_both = 0
        latent_ties += same_latent
        both_ties += same_both
    return latent_ties, both_ties


@compiled
def _discordant(
    levels: NDArray[np.int32], spare: NDArray[np.int32], starts: NDArray[np.int64]
) -> int:
    """Count i < j with levels[i] > levels[j]; both arrays are overwritten.

    Points are divided by the bits of their level, the highest first, keeping their order: at
    each bit, a 0 is discordant with the 1s before it among those that agreed so far. Sizes of
    the parts are the same for all dimensions.
    """
    n_levels = len(starts) - 1
    count = 0
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
            for i in range(low, high):
                level = levels[i]
                if level & half:
                    spare[one] = level
                    one += 1
                else:
                    spare[zero] = level
                    zero += 1
                    count += one - ones_start
        levels, spare = spare, levels
        half //= 2
    return count


@compiled
def kendall(
    values: NDArray[np.float32],
    places: NDArray[np.uint32],
    level: NDArray[np.int32],
    starts: NDArray[np.int64],
    reference_ties: float,
    scores: NDArray[np.float64],
) -> None:
    """Write Kendall's tau-b for each row."""
    m = values.shape[1]
    pairs = m * (m - 1) / 2
    levels = np.empty(m, np.int32)
    spare = np.empty(m, np.int32)
    for row in range(len(values)):
        latent_ties, both_ties = _tied_pairs(values[row], places[row], level)
        for i in range(m):
            levels[i] = level[places[row, i]]
        discordant = _discordant(levels, spare, starts)
        difference = pairs - latent_ties - reference_ties + both_ties - 2.0 * discordant
        tau = difference / np.sqrt(pairs - latent_ties) / np.sqrt(pairs - reference_ties)
        scores[row] = min(1.0, max(-1.0, tau))
