"""How sure a score is, and whether chance alone would give it, on maps whose points correlate.

Neighboring points of a scan resemble each other: 4,900 of them may hold as much information as 50
independent ones. What treats points as independent gives intervals far too narrow, and p-values
far too small. Here whole blocks of the map are drawn, and whole maps are the null.
"""

from __future__ import annotations

from latentcore.analysis.ranking._chance import Chance, chance, group_chance
from latentcore.analysis.ranking._intervals import Intervals, block_intervals, group_intervals

__all__ = [
    "Chance", "Intervals", "block_intervals", "chance", "group_chance", "group_intervals"
]  # fmt: skip
