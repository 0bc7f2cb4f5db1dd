"""Merges of neighboring points, to be cut at any threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.domains.edges import ScanEdges, edge_distances
from latentcore.analysis.domains.hierarchies import HierarchyMethod, Merges
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
    scans : ndarray of int32, shape (p,), or None
        The scan of each point, where there are several that no edge joins: each is merged and
        settled by itself, so that its domains don't depend on the others.
    learned : ndarray of bool, shape (p,), or None
        Which points the automatic threshold is found on, where not on all.
    """

    edges: ScanEdges
    values: NDArray[np.float32]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    height: NDArray[np.float64]
    distance: str = "euclidean"
    scans: NDArray[np.int32] | None = None
    learned: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls,
        values: NDArray[np.float32],
        edges: ScanEdges,
        method: HierarchyMethod,
        *,
        distance: str = "euclidean",
        scans: NDArray[np.int32] | None = None,
        learned: NDArray[np.bool_] | None = None,
        progress: Progress | None = None,
    ) -> DomainHierarchy:
        """Merge the points of `edges` by a method; `values` has a finite row for each, (p, d)."""
        values, progress = np.ascontiguousarray(values), progress or Progress()
        if scans is None:
            found = method.merges(values, edges, progress)
        else:
            found = _merged_apart(values, _apart(edges, scans), method, progress)
        rising = np.argsort(found.height, kind="stable")
        height = in_unit(found.height[rising], distance)
        a, b = found.a[rising], found.b[rising]
        return cls(edges, values, a, b, height, distance, scans, learned)

    def cut(self, threshold: float, min_size: int = MIN_SIZE) -> NDArray[np.int32]:
        """Return the domain of each row of the table: parts farther apart than the threshold.

        Small parts, mixed points and points at borders are settled as
        `latentcore.analysis.domains.settling.settled` says.

        Returns
        -------
        ndarray of int32, shape (n,)
            0 … k−1 in the scan's order of their first points, scan after scan; −1 where there is
            no value.
        """
        from latentcore.analysis.domains._loops import cut_tree

        kept = int(np.searchsorted(self.height, threshold, side="right"))
        labels = cut_tree(self._tree[0], self.edges.n_points, kept)
        labels = self._settled(labels, min_size)
        return self.edges.to_rows(labels, -1).astype(np.int32, copy=False)

    def _settled(self, labels: NDArray[np.int32], min_size: int) -> NDArray[np.int32]:
        if self.scans is None:
            return settled(self.values, self.edges, labels, min_size)
        found, number = np.empty_like(labels), 0
        for points, edges in self._scans:
            own = np.unique(labels[points], return_inverse=True)[1].astype(np.int32)
            if len(edges):
                own = settled(self.values[points], edges, own, min_size)
            found[points] = own + number
            number += int(own.max()) + 1
        return found

    @cached_property
    def _scans(self) -> list[tuple[NDArray[np.int64], ScanEdges]]:
        return [] if self.scans is None else _apart(self.edges, self.scans)

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
        """The automatic threshold; of the merges of learned points, where some are."""
        from latentcore.analysis.domains._loops import inner_counts

        inner = inner_counts(self.edges.n_points, self.a, self.b, *self._inner_from)
        of = slice(None) if self.learned is None else self.learned[self.a] & self.learned[self.b]
        heights = self.height[of]
        found = automatic_threshold(heights[inner[of] >= _INNER])
        # Without a valley nothing is apart, be it a single point.
        highest = np.nextafter(heights.max(initial=0.0), np.inf)
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


def _apart(edges: ScanEdges, scans: NDArray[np.int32]) -> list[tuple[NDArray[np.int64], ScanEdges]]:
    """Return the points and the edges of each scan."""
    parts = [scans == scan for scan in np.unique(scans)]
    return [(np.flatnonzero(points), edges.among(points)) for points in parts]


def _merged_apart(
    values: NDArray[np.float32],
    parts: list[tuple[NDArray[np.int64], ScanEdges]],
    method: HierarchyMethod,
    progress: Progress,
) -> Merges:
    """Merge the points of each scan by itself."""
    found = []
    for number, (points, edges) in enumerate(parts):
        progress.step(number, len(parts), f"merging neighbors, scan {number + 1} of {len(parts)}")
        if len(edges):
            own = method.merges(values[points], edges, Progress())
            a, b = (points[one].astype(np.int32) for one in (own.a, own.b))
            found.append(Merges(a, b, own.height))
    fields = ("a", "b", "height")
    return Merges(*(np.concatenate([getattr(one, name) for one in found]) for name in fields))
