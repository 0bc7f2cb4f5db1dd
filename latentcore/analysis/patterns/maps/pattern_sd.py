"""The s.d. of a pattern's pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import PatternBlock
from latentcore.analysis.patterns.maps import PATTERN_MAPS

_AT_ONCE = 256


class PatternSd:
    """The s.d. of all pixels."""

    title = "s.d. of the pattern"
    definition = (
        "Standard deviation of all pixels of a pattern, divided by their number, in their unit."
    )
    needs_neighbors = False

    def values(self, block: PatternBlock) -> NDArray[np.float64]:
        """Return the s.d. of each pattern."""
        out = np.empty(len(block.own))
        for start in range(0, len(out), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            values = block.patterns[block.own[some]].astype(np.float64)
            with np.errstate(invalid="ignore", over="ignore"):
                out[some] = values.std(axis=(1, 2))
        return out


PATTERN_MAPS.register("pattern_sd")(PatternSd())
