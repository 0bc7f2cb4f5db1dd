"""The s.d. of a pattern's pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import PatternBlock
from latentcore.analysis.patterns.maps import PATTERN_MAPS


class PatternSd:
    """The s.d. of all pixels."""

    title = "s.d. of the pattern"
    definition = (
        "Standard deviation of all pixels of a pattern, divided by their number, in their unit."
    )
    needs_neighbors = False

    def values(self, block: PatternBlock) -> NDArray[np.float64]:
        """Return the s.d. of each pattern."""
        return block.each(lambda some: some.astype(np.float64).std(axis=(1, 2)))


PATTERN_MAPS.register("pattern_sd")(PatternSd())
