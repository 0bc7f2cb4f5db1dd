"""Where the points of a vendor's scan are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid, ShiftedRows
from latentcore.errors import MalformedFileError, RequestError, ShapeError
from latentcore.hdf5 import text

# More cells than this is a broken header, unless there are about as many points.
_MOST_CELLS = 64_000_000
_MOST_CELLS_PER_POINT = 1_000
_SHAPE = re.compile(r"(\d{1,6})\s*[x×,]\s*(\d{1,6})", re.IGNORECASE)


# Rows of a hexagonal grid lie this share of a step apart, within the digits that headers have.
_ROW_DISTANCE = math.sqrt(3) / 2
_CLOSE = 0.03


@dataclass(frozen=True)
class Header:
    """What a scan's header says of its grid.

    Attributes
    ----------
    columns : int
        Of the first row.
    step : tuple of float
        (dx, dy); a line scan's 0 stands for the other one.
    hexagonal : bool
        Whether every second row is shifted by half a step.
    """

    columns: int
    rows: int
    step: tuple[float, float]
    unit: str = "µm"
    hexagonal: bool = False

    def checked(self, n: int, name: str) -> Header:
        """Return the same with usable steps, once it is sure that n points fit in."""
        cells = self.columns * self.rows
        dx, dy = self.step
        steps = (dx or dy or 1.0, dy or dx or 1.0)
        absurd = cells > _MOST_CELLS and cells > _MOST_CELLS_PER_POINT * n
        if min(self.columns, self.rows) < 1 or absurd or min(steps) <= 0:
            message = (
                f"The header of {name!r} declares {self.columns} × {self.rows} points with steps "
                f"{dx:g} and {dy:g}, which no scan of {n:,} points can have. Export it again."
            )
            raise MalformedFileError(message)
        if n > cells + self.hexagonal * (self.rows // 2):
            message = (
                f"{name!r} holds {n:,} points, but its header declares only {self.columns} × "
                f"{self.rows} = {cells:,}. Export the scan again."
            )
            raise MalformedFileError(message)
        if self.hexagonal and abs(steps[1] / steps[0] / _ROW_DISTANCE - 1) > _CLOSE:
            steps = (steps[0], steps[0] * _ROW_DISTANCE)
        return replace(self, step=steps)

    def row_lengths(self, n: int) -> tuple[int, int]:
        """Return how many points even and odd rows have, counted from 0, in a scan of n."""
        columns = self.columns
        if not self.hexagonal:
            return columns, columns
        # Shifted rows usually have one point less, and all begin at the left.
        ways = ((columns, columns - 1), (columns, columns), (columns, columns + 1))
        fitting = (way for way in ways if way[1] > 0 and self._cells(way) == n)
        return next(fitting, ways[columns == 1])

    def cells(self, n: int) -> int:
        """Return how many nodes the grid of a scan of n points has."""
        return self._cells(self.row_lengths(n))

    def _cells(self, lengths: tuple[int, int]) -> int:
        return lengths[0] * ((self.rows + 1) // 2) + lengths[1] * (self.rows // 2)


def scan_grid(
    header: Header,
    n: int,
    name: str,
    places: tuple[NDArray[np.generic], NDArray[np.generic]] | None,
) -> tuple[ScanGrid, tuple[str, ...]]:
    """Place n points by their coordinates or, where those make no grid, by their order.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    places : tuple of ndarray, shape (n,), or None
        x and y of each point as the file gives them; NaN where a point was not scanned.

    Returns
    -------
    grid : ScanGrid
        Of the header's shape where the points fit in, so that what was not yet scanned is a gap.
    notes : tuple of str
        For the user.
    """
    header = header.checked(n, name)
    counted = row_major(header, n)
    if places is None:
        return counted, _missing(header, n)
    x, y = _filled(places, counted)
    found = _found(x, y, header, counted)
    if found is None:
        note = (
            "The coordinates in the file make no scan grid, so the points are placed by the "
            "header, row by row."
        )
        return counted, (note, *_missing(header, n))
    if _fits(found, counted) and np.allclose(found.step, header.step, rtol=_CLOSE):
        return replace(found, shape=counted.shape), _missing(header, n)
    return found, (_disagreement(header, found),)


def _filled(
    places: tuple[NDArray[np.generic], NDArray[np.generic]], counted: ScanGrid
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates, those that are missing by the order of the points."""
    x, y = (np.asarray(values, np.float64) for values in places)
    there = np.isfinite(x) & np.isfinite(y)
    if there.all() or not there.any():
        return x, y
    return tuple(  # type: ignore[return-value]
        np.where(there, given, nodes + np.median((given - nodes)[there]))
        for given, nodes in ((x, counted.x), (y, counted.y))
    )


def _found(
    x: NDArray[np.float64], y: NDArray[np.float64], header: Header, counted: ScanGrid
) -> ScanGrid | None:
    """Return the grid that coordinates make, the header's if it can be; None where they make none.

    A step that the header has wrong may put the points on every k-th node of a grid as large as
    the header says: where they fill one with a step of their own, that is it.
    """
    said = _grid_or_none(x, y, header, header.step)
    if said is not None and _fits(said, counted) and len(x) >= header.cells(len(x)):
        return said
    own = _grid_or_none(x, y, header, None)
    if said is None or own is None:
        return own if said is None else said
    if not _fits(said, counted):
        return min(own, said, key=lambda one: one.shape[0] * one.shape[1])
    filled = len(x) >= replace(header, columns=own.shape[1], rows=own.shape[0]).cells(len(x))
    other = not np.allclose(own.step, said.step, rtol=_CLOSE) and min(own.shape) > 1
    return own if filled and other else said


def _grid_or_none(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    header: Header,
    step: tuple[float, float] | None,
) -> ScanGrid | None:
    try:
        return ScanGrid.from_coordinates(x, y, unit=header.unit, step=step)
    except MalformedFileError:
        return None


def _fits(found: ScanGrid, counted: ScanGrid) -> bool:
    """Tell whether points lie on a grid of the header's kind and size."""
    same_kind = found.hexagonal == counted.hexagonal or 1 in found.shape
    return same_kind and all(
        own <= said for own, said in zip(found.shape, counted.shape, strict=True)
    )


def _missing(header: Header, n: int) -> tuple[str, ...]:
    cells = header.cells(n)
    if n >= cells:
        return ()
    note = (
        f"{n:,} of {cells:,} points were scanned: the scan was stopped early, or is not "
        "rectangular."
    )
    return (note,)


def _disagreement(header: Header, found: ScanGrid) -> str:
    rows, columns = found.shape
    if header.hexagonal == found.hexagonal and np.allclose(header.step, found.step, rtol=_CLOSE):
        return f"The points cover {columns} × {rows} cells, more than the header declares."
    said = _kind(header.hexagonal, header.columns, header.rows, header.step)
    is_ = _kind(found.hexagonal, columns, rows, found.step)
    return f"The header says {said}, but the points' coordinates make {is_}: they decide."


def _kind(hexagonal: bool, columns: int, rows: int, step: tuple[float, float]) -> str:
    kind = "a hexagonal" if hexagonal else "a square"
    return f"{kind} grid of {columns} × {rows} with steps {step[0]:g} and {step[1]:g}"


def row_major(header: Header, n: int) -> ScanGrid:
    """Place n points row by row, x fastest, from (0, 0); every second row may be shifted."""
    even, odd = header.row_lengths(n)
    pair, within = np.divmod(np.arange(n, dtype=np.int64), even + odd)
    second = within >= even
    row, col = 2 * pair + second, within - even * second
    # The longer rows of a hexagonal grid begin further left.
    shifted: ShiftedRows = "none"
    if header.hexagonal:
        shifted = "even" if odd > even else "odd"
    right = (row % 2 == (shifted == "odd")) & header.hexagonal
    dx, dy = header.step
    return ScanGrid(
        shape=(header.rows, max(even, odd)),
        row=row.astype(np.int32),
        col=col.astype(np.int32),
        x=(col + 0.5 * right) * dx,
        y=row * dy,
        step=header.step,
        unit=header.unit,
        shifted_rows=shifted,
    )


def asked_shape(options: Mapping[str, object], n: int, name: str) -> tuple[int, int] | None:
    """Return the (rows, columns) that the option ``shape`` asks for; None without it.

    Raises
    ------
    RequestError, ShapeError
        If it is no grid, or not one of n cells.
    """
    asked = options.get("shape")
    if asked is None:
        return None
    found = _SHAPE.fullmatch(str(asked).strip())
    if found is None:
        message = f"shape={asked} is no grid. Write ROWSxCOLUMNS, for example shape=10x12."
        raise RequestError(message)
    shape = int(found[1]), int(found[2])
    if math.prod(shape) != n:
        message = (
            f"shape={asked} has {math.prod(shape):,} cells, but {name!r} holds {n:,} patterns. "
            "Give a shape of as many."
        )
        raise ShapeError(message)
    return shape


def says_hexagonal(file: h5py.File, header: str) -> bool:
    """Tell whether a header calls its grid hexagonal."""
    return "hex" in text(file, f"{header}/Grid Type").lower()
