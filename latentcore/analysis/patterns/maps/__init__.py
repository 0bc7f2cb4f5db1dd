"""Maps of what single patterns, or neighboring ones, are like; one file each."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import PatternBlock
from latentcore.registry import Registry


class PatternMap(Protocol):
    """A map that is computed from patterns; its name in the registry is the map's.

    Attributes
    ----------
    title : str
        What a figure calls it.
    definition : str
        Formula and source, in a sentence or two.
    needs_neighbors : bool
        Whether it looks at `PatternBlock.pairs`.
    """

    title: str
    definition: str
    needs_neighbors: bool

    def values(self, block: PatternBlock) -> NDArray[np.float64]:
        """Return the values of the own points of a block, (m,); NaN where there is none."""
        ...


PATTERN_MAPS: Registry[PatternMap] = Registry("pattern map", "latentcore.analysis.patterns.maps")
