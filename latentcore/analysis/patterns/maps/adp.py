"""How alike a pattern and those of the nearest neighbors are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import PatternBlock, about_mean
from latentcore.analysis.patterns.maps import PATTERN_MAPS

_PAIRS_AT_ONCE = 512


class AverageDotProduct:
    """The average dot product map, as in kikuchipy."""

    title = "average dot product"
    definition = (
        "Mean of the dot products of a pattern and those of its nearest neighbors, 4 on a square "
        "grid and 6 on a hexagonal one, each pattern with zero mean and unit length: their "
        "Pearson correlation, −1 to 1. As kikuchipy's get_average_neighbour_dot_product_map."
    )
    needs_neighbors = True

    def values(self, block: PatternBlock) -> NDArray[np.float64]:
        """Return the means; NaN without neighbors, and for patterns without any contrast."""
        unit = _unit_length(block.patterns)
        first, second = block.pairs.T
        products = np.empty(len(first))
        for start in range(0, len(first), _PAIRS_AT_ONCE):
            some = slice(start, start + _PAIRS_AT_ONCE)
            products[some] = np.vecdot(unit[first[some]], unit[second[some]])
        good = np.isfinite(products)
        ends = np.concatenate([first[good], second[good]])
        n = len(unit)
        total = np.bincount(ends, np.tile(products[good], 2), n)
        with np.errstate(invalid="ignore"):
            mean: NDArray[np.float64] = total / np.bincount(ends, minlength=n)
        return mean[block.own]


def _unit_length(patterns: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return patterns of zero mean and unit length, (p, H·W); NaN where one is constant."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        values = about_mean(patterns).reshape(len(patterns), -1)
        values /= np.abs(values).max(axis=1, keepdims=True)  # squares neither over- nor underflow
        values /= np.sqrt(np.vecdot(values, values))[:, None]
    return values


PATTERN_MAPS.register("adp")(AverageDotProduct())
