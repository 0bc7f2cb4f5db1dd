"""Region merging by means and by what lies across the border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.domains.edges import ScanEdges
from latentcore.analysis.domains.hierarchies import HIERARCHIES, Merges
from latentcore.analysis.parameters import check_at_least, parameter
from latentcore.progress import Progress


@HIERARCHIES.register("merging")
@dataclass(frozen=True)
class Merging:
    """Merge the two parts that are least apart, again and again.

    Parts A and B with means m are apart by the square root of (m_A − m_B)·s, s being the mean of
    the differences z_i − z_j across their border, i in A and j in B, or 0 if that is negative.
    Noise, which is large between two points, averages out of both; a gradient within a domain,
    which makes the means of its halves differ, is small in s. Where a part has few points, it
    counts for less: the square is multiplied by min(1, h / `few`), h = n_A n_B / (n_A + n_B), as
    in Ward's criterion, but for small parts only, so that large domains are no more apart than
    small ones.

    Source: this program's own; Ward, *J. Am. Stat. Assoc.* 58 (1963) 236, for h. Compared with
    others on scans of known grains by ``benchmarks/bench_domains.py``.
    """

    title: ClassVar[str] = "region merging"

    few: float = parameter(
        2.0, help="parts with fewer points than twice this count for less", convert=float, minimum=0
    )

    def __post_init__(self) -> None:
        check_at_least("few", self.few, 0, open_end=True)

    def merges(self, values: NDArray[np.float32], edges: ScanEdges, progress: Progress) -> Merges:
        """Merge in rounds, in each all pairs that are nearest to each other."""
        from latentcore.analysis.domains.hierarchies._loops import merged

        progress.step(0, 1, "merging neighbors")
        a, b = edges.a[~edges.closed], edges.b[~edges.closed]
        a, b, squared = merged(values, a, b, self.few, True)
        return Merges(a, b, np.sqrt(squared / self.few))
