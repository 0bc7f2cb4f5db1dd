"""Grains: connected points whose neighbors differ by less than an angle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.domains.edges import ScanEdges, scan_edges
from latentcore.analysis.domains.objects import Domains
from latentcore.analysis.orientations.disorientation import disorientation, mean_orientations
from latentcore.analysis.orientations.rotations import Quaternions, proper_rotations
from latentcore.analysis.orientations.scan import Orientations
from latentcore.analysis.parameters import check_at_least
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError
from latentcore.progress import Progress

ANGLE = 5.0
_LARGEST_ANGLE = 180.0


@dataclass(frozen=True, eq=False)
class Grains:
    """The k grains of a scan.

    Attributes
    ----------
    domains : Domains
        Distances and deviations are disorientations in degrees: ``neighbor_distance`` is the
        kernel average misorientation within the grain, the mean ``deviation`` of a grain its
        grain orientation spread.
    orientations : ndarray of float64, shape (k, 4)
        The mean of each grain.
    phase : ndarray of int32, shape (k,)
    """

    domains: Domains
    orientations: Quaternions
    phase: NDArray[np.int32]


def find_grains(
    orientations: Orientations,
    grid: ScanGrid,
    *,
    angle: float = ANGLE,
    min_size: int = 1,
    progress: Progress | None = None,
) -> Grains:
    """Join neighbors of one phase that differ by less than an angle.

    Parameters
    ----------
    orientations : Orientations
        Of the n points of the grid.
    angle : float
        In degrees.
    min_size : int
        Grains of fewer points are absorbed by the neighbor of their phase whose mean orientation
        is most like theirs; those without such a neighbor stay.

    Raises
    ------
    RequestError
        If the angle is not between 0 and 180, the size below 1, or no two indexed points are
        neighbors.
    """
    if not 0 < angle <= _LARGEST_ANGLE:
        message = f"⟨angle⟩ must be above 0 and at most 180 degrees, but is {angle:g}."
        raise RequestError(message)
    check_at_least("min_size", min_size, 1)
    progress = progress or Progress()
    edges = scan_edges(grid, orientations.indexed, phase=orientations.phase)
    progress.step(0, 3, "disorientation of neighbors")
    angles = orientations.disorientation(edges.i, edges.j)
    labels = _connected(edges.n_points, edges.a, edges.b, angles < angle)
    progress.step(1, 3, "grains")
    if min_size > 1:
        labels = _absorbed(orientations, edges, labels, min_size)
    progress.step(2, 3, "mean orientations")
    means = _means(orientations, edges, labels)
    deviation = np.full(len(grid), np.nan)
    for number, rows, places in _by_phase(orientations, edges):
        deviation[rows] = disorientation(
            orientations.rotations[rows], means[labels[places]], _group(orientations, number)
        )
    phase = np.empty(len(means), np.int32)
    phase[labels] = orientations.phase[edges.rows]
    domains = Domains(
        grid=grid,
        edges=edges,
        labels=edges.to_rows(labels, -1).astype(np.int32),
        distance=angles.astype(np.float32),
        deviation=deviation.astype(np.float32),
        unit="°",
    )
    return Grains(domains, means, phase)


def _by_phase(
    orientations: Orientations, edges: ScanEdges
) -> list[tuple[int, NDArray[np.int64], NDArray[np.intp]]]:
    """Return of each phase its number, its rows, and their places among the points of edges."""
    phase = orientations.phase[edges.rows]
    places = [(number, np.flatnonzero(phase == number)) for number in orientations.symmetries]
    return [(number, edges.rows[place], place) for number, place in places]


def _group(orientations: Orientations, phase: int) -> Quaternions:
    return proper_rotations(orientations.symmetries[phase])


def _means(orientations: Orientations, edges: ScanEdges, labels: NDArray[np.int32]) -> Quaternions:
    count = int(labels.max()) + 1
    means = np.empty((count, 4))
    for number, rows, places in _by_phase(orientations, edges):
        found = mean_orientations(
            orientations.rotations[rows], labels[places], count, _group(orientations, number)
        )
        own = np.unique(labels[places])
        means[own] = found[own]
    return means


def _absorbed(
    orientations: Orientations, edges: ScanEdges, labels: NDArray[np.int32], min_size: int
) -> NDArray[np.int32]:
    a, b = edges.a[~edges.closed], edges.b[~edges.closed]
    phase = orientations.phase[edges.rows]
    while True:
        count = int(labels.max()) + 1
        small = np.bincount(labels, minlength=count) < min_size
        pairs = np.unique(np.sort(np.stack([labels[a], labels[b]], axis=1), axis=1), axis=0)
        one, other = pairs[pairs[:, 0] != pairs[:, 1]].T
        # Each small grain beside each of its neighbors.
        ends = np.concatenate([one, other]), np.concatenate([other, one])
        lost, near = (end[small[ends[0]]] for end in ends)
        if len(lost) == 0:
            return labels
        means = _means(orientations, edges, labels)
        angles = np.empty(len(lost))
        of_grain = np.empty(count, np.int32)
        of_grain[labels] = phase
        for number in orientations.symmetries:
            mine = of_grain[lost] == number
            angles[mine] = disorientation(
                means[lost[mine]], means[near[mine]], _group(orientations, number)
            )
        order = np.lexsort((near, angles, lost))
        lost, first = np.unique(lost[order], return_index=True)
        joined = _connected(count, lost, near[order][first], np.ones(len(lost), np.bool_))
        labels = _numbered(joined[labels])


def _connected(
    n: int, a: NDArray[np.integer], b: NDArray[np.integer], together: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Return the connected part of each of n nodes, numbered by first node."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = a[together], b[together]
    graph = coo_array((np.ones(len(ends[0]), np.bool_), ends), shape=(n, n))
    return _numbered(connected_components(graph, directed=False)[1])


def _numbered(labels: NDArray[np.integer]) -> NDArray[np.int32]:
    _, first, places = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[places]
