"""Pairs of points that are neighbors on the scan grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import neighbor_pairs, side_lengths
from latentcore.errors import RequestError, ShapeError

DISTANCES = ("euclidean", "angle")


@dataclass(frozen=True, eq=False)
class ScanEdges:
    """Pairs of neighboring points that have a value: four or, on a hexagonal grid, six of each.

    Points are numbered 0 … p−1 in the scan's own order, rows downwards and x within a row, so
    that nothing depends on the order of a file.

    Attributes
    ----------
    n : int
        Rows of the table that the points are from.
    rows : ndarray of int64, shape (p,)
        The row of each point.
    a, b : ndarray of int32, shape (m,)
        The two points of each edge, a < b.
    length : ndarray of float64, shape (m,)
        How long the border between their cells is, in the grid's unit.
    closed : ndarray of bool, shape (m,)
        Where the border is given (two phases): no domain crosses it.
    cell_perimeter, cell_area : float
        Of one cell, in the grid's unit and its square.
    """

    n: int
    rows: NDArray[np.int64]
    a: NDArray[np.int32]
    b: NDArray[np.int32]
    length: NDArray[np.float64]
    closed: NDArray[np.bool_]
    cell_perimeter: float
    cell_area: float

    def __len__(self) -> int:
        return len(self.a)

    @property
    def n_points(self) -> int:
        """How many points have a value."""
        return len(self.rows)

    @property
    def i(self) -> NDArray[np.int64]:
        """Row of the first point of each edge, shape (m,)."""
        return self.rows[self.a]

    @property
    def j(self) -> NDArray[np.int64]:
        """Row of the second point of each edge, shape (m,)."""
        return self.rows[self.b]

    @cached_property
    def neighbors(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Starts (p + 1,) and points (2m′,): the neighbors across open edges of each point."""
        a, b = self.a[~self.closed], self.b[~self.closed]
        ends = np.concatenate([a, b])
        starts = np.zeros(self.n_points + 1, np.int64)
        np.cumsum(np.bincount(ends, minlength=self.n_points), out=starts[1:])
        return starts, np.concatenate([b, a])[np.argsort(ends, kind="stable")]

    def among(self, points: NDArray[np.bool_]) -> ScanEdges:
        """Return those of some points, shape (p,), which are numbered anew."""
        kept = points[self.a] & points[self.b]
        number = np.cumsum(points, dtype=np.int32) - 1
        return replace(
            self, rows=self.rows[points], a=number[self.a[kept]], b=number[self.b[kept]],
            length=self.length[kept], closed=self.closed[kept],
        )  # fmt: skip

    def to_rows(self, values: NDArray[np.generic], missing: float) -> NDArray[np.generic]:
        """Place a value per point in the rows of the table, shape (n,)."""
        placed = np.full(self.n, missing, values.dtype)
        placed[self.rows] = values
        return placed


def scan_edges(
    grid: ScanGrid, present: NDArray[np.bool_] | None = None, *, phase: ArrayLike | None = None
) -> ScanEdges:
    """Find the pairs of neighboring points.

    Parameters
    ----------
    present : ndarray of bool, shape (n,), optional
        Which points have a value; the others take part in no edge.
    phase : array_like, shape (n,), optional
        Borders between different phases are closed; NaN is a phase like any other.

    Raises
    ------
    ShapeError
        If lengths differ.
    RequestError
        If no point has a value, or no two of them are neighbors.
    """
    present = np.ones(len(grid), np.bool_) if present is None else np.asarray(present, np.bool_)
    phases = None if phase is None else np.asarray(phase, np.float64).ravel()
    for name, given in (("present", present), ("phase", phases)):
        if given is not None and len(given) != len(grid):
            message = f"The scan grid has {len(grid)} points, but {name} has {len(given)} values."
            raise ShapeError(message)
    rows = np.flatnonzero(present)
    rows = rows[np.argsort(grid.node[rows], kind="stable")]
    if len(rows) == 0:
        message = (
            f"None of the {len(grid)} points of the scan has a value, so there are no domains."
        )
        raise RequestError(message)
    lengths = side_lengths(grid)
    pieces = [
        (first.astype(np.int32), second.astype(np.int32), np.full(len(first), length))
        for (first, second), length in zip(neighbor_pairs(grid.take(rows)), lengths, strict=False)
    ]
    a, b, length = (np.concatenate(part) for part in zip(*pieces, strict=True))
    if len(a) == 0:
        message = (
            f"No two of the {len(rows)} points with a value are neighbors on the scan grid of "
            f"{grid.shape[0]} × {grid.shape[1]} cells, so there are no domains. Check the "
            "coordinates and the ROI."
        )
        raise RequestError(message)
    closed = _differ(phases, rows, a, b)
    return ScanEdges(len(grid), rows, a, b, length, closed, float(lengths.sum()), grid.cell_area)


def _differ(
    phases: NDArray[np.float64] | None,
    rows: NDArray[np.int64],
    a: NDArray[np.int32],
    b: NDArray[np.int32],
) -> NDArray[np.bool_]:
    if phases is None:
        return np.zeros(len(a), np.bool_)
    codes = np.unique(phases[rows], return_inverse=True)[1]
    differ: NDArray[np.bool_] = codes[a] != codes[b]
    return differ


def edge_distances(values: NDArray[np.float32], edges: ScanEdges) -> NDArray[np.float32]:
    """Return the Euclidean distance between the ends of each edge, shape (m,).

    Parameters
    ----------
    values : ndarray of float32, shape (p, d)
        One row per point of the edges.
    """
    from latentcore.analysis.domains._loops import pair_distances

    return pair_distances(np.ascontiguousarray(values), edges.a, edges.b)
