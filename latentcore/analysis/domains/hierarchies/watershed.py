"""Hierarchical watersheds by dynamics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.domains.edges import ScanEdges, edge_distances
from latentcore.analysis.domains.hierarchies import HIERARCHIES, Merges
from latentcore.progress import Progress


@HIERARCHIES.register("watershed")
@dataclass(frozen=True)
class Watershed:
    """The watershed of the distances between neighbors, basins merged by their depth.

    Neighbors are joined in order of their distance. Where two basins meet, the shallower one's
    depth below the meeting is the height of the merge: the *dynamics* of its minimum. It follows
    single edges, so that one gap in a border that noise or a gradient makes joins two domains.

    Sources: Grimaud, *Proc. SPIE* 1769 (1992) 292; Najman, Cousty and Perret, *ISMM* 2013, 135.
    """

    title: ClassVar[str] = "watershed by dynamics"

    def merges(self, values: NDArray[np.float32], edges: ScanEdges, progress: Progress) -> Merges:
        """Sort the edges and flood from below."""
        from latentcore.analysis.domains.hierarchies._loops import flooded

        progress.step(0, 2, "distances between neighbors")
        distance = edge_distances(values, edges)
        order = np.flatnonzero(~edges.closed)
        order = order[np.argsort(distance[order], kind="stable")]
        progress.step(1, 2, "flooding")
        a, b, depth = flooded(len(values), edges.a, edges.b, distance, order)
        return Merges(a, b, depth)
