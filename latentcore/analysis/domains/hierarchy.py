"""Merges of neighboring points, to be cut at any threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.domains.edges import ScanEdges, edge_distances
from latentcore.analysis.domains.hierarchies import HierarchyMethod
from latentcore.analysis.domains.settling import settled
from latentcore.analysis.domains.threshold import Threshold, automatic_threshold
from latentcore.progress import Progress

MIN_SIZE = 5
# So many inner points make a part more than a border: merges of smaller ones set no threshold.
_INNER = 3


F = TypeVar("F", np.float32, np.float64)


def in_unit(distances: NDArray[F], distance: str) -> NDArray[F]:
    """Return distances as they are told: between unit vectors as the angle, in degrees."""
    if distance == "euclidean":
        return distances
    angles: NDArray[F] = 2 * np.degrees(np.arcsin(np.minimum(distances / 2, 1)))
    return angles


@dataclass(frozen=True, eq=False)
class DomainHierarchy:
    """All merges of the points of a scan, computed once; a cut at a threshold makes domains.

    Attributes
    ----------
    edges : ScanEdges
    values : ndarray of float32, shape (p, d)
        One row per point of the edges, as distances are measured.
    a, b : ndarray of int32, shape (k,)
        A point in each of the two parts that are merged.
    height : ndarray of float64, shape (k,)
        The distance at which they merge, ascending: in the unit of the values, or degrees.
    distance : str
        ``"angle"`` if the values are unit vectors and angles between them are meant.
    """

    edges: ScanEdges
    values: NDArray[np.float32]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    height: NDArray[np.float64]
    distance: str = "euclidean"

    @classmethod
    def of(
        cls,
        values: NDArray[np.float32],
        edges: ScanEdges,
        method: HierarchyMethod,
        *,
        distance: str = "euclidean",
        progress: Progress | None = None,
    ) -> DomainHierarchy:
        """Merge the points of `edges` by a method; `values` has a finite row for each, (p, d)."""
        found = method.merges(np.ascontiguousarray(values), edges, progress or Progress())
        rising = np.argsort(found.height, kind="stable")
        height = in_unit(found.height[rising], distance)
        return cls(edges, values, found.a[rising], found.b[rising], height, distance)

    def cut(self, threshold: float, min_size: int = MIN_SIZE) -> NDArray[np.int32]:
        """Return the domain of each row of the table: parts farther apart than the threshold.

        Small parts, mixed points and points at borders are settled as
        `latentcore.analysis.domains.settling.settled` says.

        Returns
        -------
        ndarray of int32, shape (n,)
            0 … k−1 in the scan's order of their first points; −1 where there is no value.
        """
        from latentcore.analysis.domains._loops import cut_tree

        kept = int(np.searchsorted(self.height, threshold, side="right"))
        labels = cut_tree(self._tree[0], self.edges.n_points, kept)
        labels = settled(self.values, self.edges, labels, min_size)
        return self.edges.to_rows(labels, -1).astype(np.int32, copy=False)

    @cached_property
    def distances(self) -> NDArray[np.float32]:
        """Distance between the ends of each edge, shape (m,)."""
        return in_unit(edge_distances(self.values, self.edges), self.distance)

    def deviation(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the distance of each row from the mean of its domain, shape (n,).

        NaN where it is in none. The mean of unit vectors is scaled to length 1.
        """
        from latentcore.analysis.domains._loops import region_sums, row_distances

        own = labels[self.edges.rows]
        sums, counts = region_sums(self.values, own, np.ones(len(own)), int(own.max()) + 1)
        means = sums / counts[:, None]
        if self.distance == "angle":
            means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-30)
        apart = in_unit(row_distances(self.values, means, own), self.distance)
        return self.edges.to_rows(apart, np.nan).astype(np.float32, copy=False)

    @cached_property
    def saliency(self) -> NDArray[np.float32]:
        """The threshold from which on no border runs between the ends of each edge, shape (m,).

        Infinite for closed edges. Borders where it is above a threshold are those of the parts
        before they are settled.
        """
        heights = np.append(self.height, np.inf)
        saliency = heights[self._met].astype(np.float32)
        saliency[self.edges.closed] = np.inf
        return saliency

    @cached_property
    def threshold(self) -> Threshold:
        """The automatic threshold."""
        from latentcore.analysis.domains._loops import inner_counts

        inner = inner_counts(self.edges.n_points, self.a, self.b, *self._inner_from)
        found = automatic_threshold(self.height[inner >= _INNER])
        # Without a valley nothing is apart, be it a single point.
        highest = np.nextafter(self.height.max(initial=0.0), np.inf)
        return found if found.confidence > 0 else replace(found, value=float(highest))

    def counts(self, thresholds: ArrayLike, min_size: int = MIN_SIZE) -> NDArray[np.int32]:
        """Return the number of domains at each threshold, to see where it is steady.

        Each costs as much as a cut.
        """
        found = [self.cut(float(one), min_size).max() + 1 for one in np.ravel(thresholds)]
        return np.array(found, np.int32)

    @cached_property
    def _tree(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        from latentcore.analysis.domains._loops import merge_tree

        return merge_tree(self.edges.n_points, self.a, self.b)

    @cached_property
    def _met(self) -> NDArray[np.int32]:
        """The merge that brings the ends of each edge together."""
        from latentcore.analysis.domains._loops import meetings

        return meetings(self._tree[1], self.edges.a, self.edges.b, len(self.a))

    @cached_property
    def _inner_from(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The merge from which on all neighbors of a point are in its part, and its order."""
        met = np.where(self.edges.closed, np.int32(len(self.a)), self._met)
        inner_from = np.full(self.edges.n_points, -1, np.int32)
        for ends in (self.edges.a, self.edges.b):
            np.maximum.at(inner_from, ends, met)
        return inner_from, np.argsort(inner_from, kind="stable")
