"""Ward's criterion on the scan grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.domains.edges import ScanEdges
from latentcore.analysis.domains.hierarchies import HIERARCHIES, Merges
from latentcore.progress import Progress


@HIERARCHIES.register("ward")
@dataclass(frozen=True)
class Ward:
    """Merge the neighbors that add least to the sum of squares within domains.

    The height of a merge is the square root of n_A n_B / (n_A + n_B) · ‖m_A − m_B‖², which grows
    with the size of the parts: slight differences between large domains weigh as much as large
    ones between small domains.

    Source: Ward, *J. Am. Stat. Assoc.* 58 (1963) 236, with merges of neighbors only.
    """

    title: ClassVar[str] = "Ward"

    def merges(self, values: NDArray[np.float32], edges: ScanEdges, progress: Progress) -> Merges:
        """Merge in rounds, in each all pairs that are nearest to each other."""
        from latentcore.analysis.domains.hierarchies._loops import merged

        progress.step(0, 1, "merging neighbors")
        a, b = edges.a[~edges.closed], edges.b[~edges.closed]
        a, b, squared = merged(values, a, b, np.inf, False)
        return Merges(a, b, np.sqrt(squared))
