"""The mean of a pattern's pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import PatternBlock
from latentcore.analysis.patterns.maps import PATTERN_MAPS

_AT_ONCE = 256


class PatternMean:
    """The mean of all pixels."""

    title = "mean of the pattern"
    definition = "Mean of all pixels of a pattern, in the unit of its pixels."
    needs_neighbors = False

    def values(self, block: PatternBlock) -> NDArray[np.float64]:
        """Return the mean of each pattern."""
        out = np.empty(len(block.own))
        for start in range(0, len(out), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            values = block.patterns[block.own[some]].astype(np.float64)
            with np.errstate(invalid="ignore", over="ignore"):
                out[some] = values.mean(axis=(1, 2))
        return out


PATTERN_MAPS.register("pattern_mean")(PatternMean())
