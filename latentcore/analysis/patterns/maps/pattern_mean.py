"""The mean of a pattern's pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import PatternBlock
from latentcore.analysis.patterns.maps import PATTERN_MAPS


class PatternMean:
    """The mean of all pixels."""

    title = "mean of the pattern"
    definition = "Mean of all pixels of a pattern, in the unit of its pixels."
    needs_neighbors = False

    def values(self, block: PatternBlock) -> NDArray[np.float64]:
        """Return the mean of each pattern."""
        return block.each(lambda some: some.astype(np.float64).mean(axis=(1, 2)))


PATTERN_MAPS.register("pattern_mean")(PatternMean())
