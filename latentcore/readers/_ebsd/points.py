"""What a scan's file says of its points, and the maps or the table that are made of it.

A header may say anything: the points are where their rows say, and a note tells where the two
disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleTable, ScanGrid, ScanMaps, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.readers._columns import names_labels
from latentcore.readers._coords import grid_of
from latentcore.readers._ebsd.columns import MapColumns
from latentcore.readers._ebsd.places import Header, row_major
from latentcore.storage import content_fingerprint

# Channel 5 prints five digits of a coordinate; further off, rows are not in the header's order.
_PRINTED = 1e-4
_OFF_NODE = 0.2
_SAME_STEP = 0.01
_BY_HEADER = (
    "The coordinates are printed with too few digits to tell neighbors apart. As far as they go, "
    "they agree with the header, by which the points are placed, row by row."
)


@dataclass(frozen=True)
class Claim:
    """What a header says of its scan's grid; any of it may be wrong, or 0 where it says nothing.

    Attributes
    ----------
    columns : float
        Of the first row, the third, and so on.
    even : float or None
        Of the second row and so on, where that may differ.
    """

    columns: float
    rows: float
    step: tuple[float, float]
    even: float | None = None
    hexagonal: bool = False

    @property
    def longest(self) -> float:
        """How many columns the longest row has."""
        return self.columns if self.even is None else max(self.columns, self.even)

    @property
    def points(self) -> float:
        """How many points the grid has."""
        even = self.columns if self.even is None else self.even
        return float(self.columns * np.ceil(self.rows / 2) + even * np.floor(self.rows / 2))


@dataclass(eq=False)
class Points:
    """n points of a scan, and what a file says of each.

    Attributes
    ----------
    name : str
        The file's, for messages.
    x, y : ndarray of float64, shape (n,)
    maps : MapColumns
    claim : Claim or None
        None where the header says nothing of a grid.
    notes : list of str
        About the file, for the user.
    dropped : int
        Rows of the file that hold no usable numbers.
    interactive : bool
        Whether the points were measured one by one, and need no grid.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    maps: MapColumns
    unit: str = "µm"
    claim: Claim | None = None
    notes: list[str] = field(default_factory=list)
    dropped: int = 0
    interactive: bool = False

    def scan_maps(self, ref: SourceRef, fingerprint: str) -> ScanMaps:
        """Return the maps of a scan.

        Raises
        ------
        MalformedFileError
            If the points lie on no grid.
        """
        grid, notes = self._placed()
        return self.maps.scan_maps(
            grid, ref, fingerprint, notes=(*self.notes, *notes), dropped=self.dropped
        )

    def table(self, ref: SourceRef, fingerprint: str) -> SampleTable:
        """Return points that lie on no grid as a table, x and y first."""
        values = [one.astype(np.float64) for one in self.maps.values.values()]
        return SampleTable(
            values=np.stack([self.x, self.y, *values]),
            names=("x", "y", *self.maps.values),
            units=(self.unit, self.unit, *self.maps.units.values()),
            categories=self.maps.categories,
            ref=ref,
            fingerprint=fingerprint,
        )

    def _placed(self) -> tuple[ScanGrid, tuple[str, ...]]:
        """Return the grid that the rows make, and what is to be said of it."""
        try:
            grid = grid_of(self.x, self.y, self.name, unit=self.unit)
        except MalformedFileError as error:
            if self.interactive:
                message = (
                    f"{self.name!r} holds {len(self.x):,} points that were measured one by one "
                    "(interactive mode), not on a grid, so they make no maps: open it as a table, "
                    "with the reader channel5-points."
                )
                raise MalformedFileError(message) from error
            counted = self._counted()
            if counted is None:
                raise
            return counted, (_BY_HEADER,)
        if self.claim is None or not (notes := _disagreements(self.claim, grid)):
            return grid, ()
        counted = self._counted() if len(grid) == self.claim.points else None
        return (grid, notes) if counted is None else (counted, (_BY_HEADER,))

    def _counted(self) -> ScanGrid | None:
        """Place the points by the header, row by row, where their coordinates are near that."""
        claim = self.claim
        if claim is None or claim.hexagonal or not len(self.x) <= claim.points <= 2 * len(self.x):
            return None
        if not (min(claim.step) > 0 and np.isfinite(claim.step).all() and claim.columns >= 1):
            return None
        header = Header(int(claim.columns), int(claim.rows), claim.step, self.unit)
        grid = row_major(header, len(self.x))
        for found, counted, step in zip(
            (self.x, self.y), (grid.x, grid.y), claim.step, strict=True
        ):
            near = _OFF_NODE * step + _PRINTED * np.abs(found)
            if (np.abs(found - found[0] - counted) > near).any():
                return None
        return grid


def add_labels(maps: MapColumns) -> None:
    """Tell of each map by its name whether its whole numbers are labels; colors are none."""
    for name in maps.values:
        if names_labels(name) and "colo" not in name.lower() and name not in maps.categories:
            maps.add_labels(name)


def cell_of(text: str) -> float:
    """Return a header's number, NaN where it is none; decimal commas are understood."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return np.nan


def with_fingerprint(read: Callable[[], Points], *paths: Path) -> tuple[Points, str]:
    """Return what is read, and the files' fingerprint, which another core computes meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        fingerprint = pool.submit(content_fingerprint, *paths)
        return read(), fingerprint.result()


def _disagreements(claim: Claim, grid: ScanGrid) -> tuple[str, ...]:
    """Tell where header and rows disagree; nothing where they don't."""
    rows, columns = grid.shape
    same = (claim.longest, claim.rows, claim.points) == (columns, rows, len(grid))
    same &= claim.hexagonal == grid.hexagonal
    for said, step, count in zip(claim.step, grid.step, (columns, rows), strict=True):
        same &= count < 2 or said == 0 or abs(said - step) <= _SAME_STEP * step
    if same:
        return ()
    found = Claim(columns, rows, grid.step, hexagonal=grid.hexagonal)
    note = (
        f"The header claims {_described(claim, claim.points, grid.unit)}. The rows decide: they "
        f"hold {_described(found, len(grid), grid.unit)}."
    )
    return (note,)


def _described(claim: Claim, points: float, unit: str) -> str:
    dx, dy = claim.step
    steps = f"{dx:.6g}" if np.isclose(dx, dy, rtol=1e-6) or not dy else f"{dx:.6g} and {dy:.6g}"
    return (
        f"{_whole(claim.longest)} × {_whole(claim.rows)} nodes of a "
        f"{'hexagonal' if claim.hexagonal else 'square'} grid with steps of {steps} {unit}, "
        f"{_whole(points)} points"
    )


def _whole(number: float) -> str:
    return f"{number:,.0f}" if abs(number) < 1e15 else f"{number:.3g}"
