"""Scalar maps of a scan: band contrast, elements, phases, scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid
from latentcore.containers.samples import SourceRef
from latentcore.errors import JoinError, RequestError, ShapeError

__all__ = ["CrystalSymmetry", "ScanMaps", "match_rows"]

# Two points are one place when they are closer than this share of the step.
_SAME_PLACE = 0.25


@dataclass(frozen=True)
class CrystalSymmetry:
    """The symmetry of a phase, as far as colors of orientations need it.

    Attributes
    ----------
    laue : str
        Laue class: ``"m-3m"`` or ``"6/mmm"``.
    hexagonal_x : str
        ``"a"`` or ``"a*"``: which axis of a hexagonal crystal the Euler angles take for x.
        Vendors differ, by 30°.
    """

    laue: str
    hexagonal_x: str = "a"


@dataclass(frozen=True, eq=False)
class ScanMaps:
    """k scalar values at each of n points of a scan.

    Attributes
    ----------
    values : ndarray of float32, shape (k, n)
        NaN where a point has no value. A map of categories holds whole numbers.
    names : tuple of str
        What each map is called; ``"bandcontrast"`` is band contrast in every format.
    units : tuple of str
        ``""`` where there is none or it is unknown.
    grid : ScanGrid
        Where the n points are.
    categories : Mapping of str to Mapping of int to str
        For each map of categories (phases, grains, clusters) the name of each number.
    symmetries : Mapping of int to CrystalSymmetry
        For each number of the map ``phase`` the phase's symmetry, where the file tells it.
    notes : tuple of str
        What a reader has to tell about the file, one sentence or two each.
    dropped : int
        Rows of the file that held no usable numbers.
    fingerprint : str
        Changes when the content changes.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    units: tuple[str, ...]
    grid: ScanGrid
    categories: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    symmetries: Mapping[int, CrystalSymmetry] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dropped: int = 0
    ref: SourceRef | None = None
    fingerprint: str = ""

    def __post_init__(self) -> None:
        wanted = (len(self.names), len(self.grid))
        if self.values.shape != wanted or len(self.units) != len(self.names):
            message = (
                f"{len(self.names)} maps with {len(self.units)} units over {len(self.grid)} points "
                f"need values of shape {wanted}, but got {self.values.shape}."
            )
            raise ShapeError(message)

    def __len__(self) -> int:
        return len(self.names)

    def get(self, name: str) -> NDArray[np.float32]:
        """Return one map's values, shape (n,).

        Raises
        ------
        RequestError
            If there is no map of that name.
        """
        if name not in self.names:
            message = f"No map is called {name!r}. There are: {', '.join(self.names)}."
            raise RequestError(message)
        values: NDArray[np.float32] = self.values[self.names.index(name)]
        return values

    def at(self, grid: ScanGrid) -> tuple[NDArray[np.float32], int]:
        """Return the maps at the points of another grid, joined by coordinates.

        Parameters
        ----------
        grid : ScanGrid
            The points wanted, in any order, m of them.

        Returns
        -------
        values : ndarray of float32, shape (k, m)
            NaN where this table has no point.
        unmatched : int
            How many of the m points have no partner here.

        Raises
        ------
        JoinError
            If not a single point has a partner.
        """
        rows = match_rows(grid, self.grid)
        found = rows >= 0
        if not found.any():
            message = (
                f"None of {len(grid)} points has a partner among the {len(self.grid)} of the maps. "
                f"The points cover {_extent(grid)}; the maps {_extent(self.grid)}. "
                "Check that both tables use the same coordinates."
            )
            raise JoinError(message)
        values = np.full((len(self.names), len(grid)), np.nan, np.float32)
        values[:, found] = self.values[:, rows[found]]
        return values, int((~found).sum())


def _extent(grid: ScanGrid) -> str:
    """Tell where points lie; a ROI keeps its scan's grid, so that the grid's range won't do."""
    if len(grid) == 0:
        return "nothing"
    return f"x {grid.x.min():g} to {grid.x.max():g}, y {grid.y.min():g} to {grid.y.max():g}"


def match_rows(wanted: ScanGrid, having: ScanGrid) -> NDArray[np.int64]:
    """Find each wanted point among the points of another grid.

    The one place that joins two tables. Points match when they lie on the same node of the
    finer grid, so that 250 and 250.0000001 are one place.

    Returns
    -------
    ndarray of int64, shape (len(wanted),)
        Row in `having`, or -1.
    """
    step_x = min(wanted.step[0], having.step[0])
    step_y = min(wanted.step[1], having.step[1])
    x0, y0 = having.origin
    key_having = _keys(having, x0, y0, step_x, step_y)
    key_wanted = _keys(wanted, x0, y0, step_x, step_y)
    order = np.argsort(key_having, kind="stable")
    place = np.searchsorted(key_having[order], key_wanted)
    place = np.minimum(place, len(order) - 1)
    rows = order[place]
    # Half a step off is another place (cell corner against cell center), not a rounding error.
    close = (np.abs(wanted.x - having.x[rows]) <= _SAME_PLACE * step_x) & (
        np.abs(wanted.y - having.y[rows]) <= _SAME_PLACE * step_y
    )
    return np.where((key_having[order][place] == key_wanted) & close, rows, -1)


def _keys(grid: ScanGrid, x0: float, y0: float, dx: float, dy: float) -> NDArray[np.int64]:
    # Both coordinates in one integer: 2^31 nodes each way is more than a grid may have.
    col = np.rint((grid.x - x0) / dx).astype(np.int64)
    row = np.rint((grid.y - y0) / dy).astype(np.int64)
    return (row << np.int64(32)) + col
