"""Scalar maps of a scan: band contrast, elements, phases, scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.columns import Columns
from latentcore.containers.grid import ScanGrid
from latentcore.containers.joining import match_rows
from latentcore.containers.samples import SourceRef
from latentcore.errors import JoinError, ShapeError


@dataclass(frozen=True)
class CrystalSymmetry:
    """The symmetry of a phase.

    Attributes
    ----------
    laue : str
        Laue group, one of `latentcore.containers.crystals.LAUE_GROUPS`, or ``"-31m"``.
    hexagonal_x : str
        ``"a"`` or ``"a*"``: which axis of a hexagonal crystal the Euler angles take for x.
        Vendors differ, by 30°.
    """

    laue: str
    hexagonal_x: str = "a"


@dataclass(frozen=True)
class UnitCell:
    """The unit cell of a phase, as far as the file has it.

    Attributes
    ----------
    lattice : tuple of float
        a, b, c in Å and α, β, γ in °; empty where unknown.
    space_group : int
        Its number in the International Tables, 0 where unknown.
    """

    lattice: tuple[float, ...] = ()
    space_group: int = 0


@dataclass(frozen=True, eq=False)
class ScanMaps(Columns):
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
        For each number of the map ``phase`` the phase's symmetry, where the file has it.
    cells : Mapping of int to UnitCell
        The same of its unit cell.
    euler_convention : str
        Which convention the Euler angles follow, and in which frame they are, in a sentence: that
        of the program that wrote the file, as readers never rotate. ``""`` where there are none,
        or a table of numbers doesn't say.
    notes : tuple of str
        A reader's notes on the file, one sentence or two each.
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
    cells: Mapping[int, UnitCell] = field(default_factory=dict)
    euler_convention: str = ""
    notes: tuple[str, ...] = ()
    dropped: int = 0
    ref: SourceRef | None = None
    fingerprint: str = ""
    called: ClassVar[str] = "map"

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
        return self.at_rows(rows), int((~found).sum())


def _extent(grid: ScanGrid) -> str:
    """Tell where points lie; a ROI keeps its scan's grid, so that the grid's range won't do."""
    if len(grid) == 0:
        return "nothing"
    return f"x {grid.x.min():g} to {grid.x.max():g}, y {grid.y.min():g} to {grid.y.max():g}"
