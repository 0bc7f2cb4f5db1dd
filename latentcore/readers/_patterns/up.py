"""EDAX ``.up1`` (8 bits) and ``.up2`` (16 bits): a header, then the patterns.

Facts, from the source of PyEBSDIndex (``ebsd_pattern.py``, US Naval Research Laboratory) and from
real files: unsigned 32-bit version, width, height and offset of the first pattern; from version 3
on a byte, columns, rows, a byte that is 1 for a hexagonal grid, and the steps as two doubles.
Rows of a hexagonal grid hold as many patterns as there are columns, and one more, in turn.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import MalformedFileError
from latentcore.readers._patterns.records import PatternFile, check_points, check_size

PIXELS: dict[str, np.dtype[np.generic]] = {".up1": np.dtype("u1"), ".up2": np.dtype("<u2")}
_START = struct.Struct("<4I")
_GRID = struct.Struct("<BIIBdd")
_NEWEST = 99
_UNIT = "µm"
# Rows of a hexagonal grid lie this share of a step apart; headers have few digits.
_ROW_DISTANCE = math.sqrt(3) / 2
_CLOSE = 0.03
# A step in µm; 0 for none.
_STEPS = (1e-6, 1e6)
# More cells than this is a broken header, unless there are about as many patterns.
_MOST_CELLS = 64_000_000
_MOST_CELLS_PER_PATTERN = 1_000


@dataclass(frozen=True)
class HeaderGrid:
    """What a header says of the grid."""

    columns: int
    rows: int
    hexagonal: bool
    step: tuple[float, float]


def read_up(path: Path) -> PatternFile:
    """Read the header of a file of patterns, and find the patterns.

    Raises
    ------
    MalformedFileError
        If the header makes no sense, or the file doesn't hold a whole pattern.
    """
    held = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_START.size + _GRID.size)
    if len(head) < _START.size:
        message = f"{path.name!r} has {held:,} bytes, less than a header. Copy the file again."
        raise MalformedFileError(message)
    version, width, height, offset = _START.unpack_from(head)
    needed = _START.size + (_GRID.size if version >= 3 else 0)
    if not 1 <= version <= _NEWEST or offset < needed or len(head) < needed:
        message = (
            f"The header of {path.name!r} is none of an .up1 or .up2: version {version:,}, first "
            f"pattern at byte {offset:,} of {held:,}. Copy the file again from OIM or APEX."
        )
        raise MalformedFileError(message)
    size = (height, width)
    check_size(path, size)
    dtype = PIXELS[path.suffix.lower()]
    each = height * width * dtype.itemsize
    n, rest = divmod(max(0, held - offset), each)
    if n == 0:
        message = (
            f"{path.name!r} has {held:,} bytes, which is less than its header and one pattern of "
            f"{width:,} × {height:,} pixels. Copy the file again."
        )
        raise MalformedFileError(message)
    check_points(path, n)
    grid: ScanGrid | None = None
    points, notes = n, tuple[str, ...]()
    if version >= 3:
        grid, points, notes = placed_by_header(HeaderGrid(*_grid_fields(head)), n, path.name)
    return PatternFile(
        path=path,
        starts=offset + each * np.arange(n, dtype=np.int64),
        size=size,
        dtype=dtype,
        point=np.arange(n, dtype=np.int64),
        points=points,
        grid=grid,
        notes=_cut(rest, each),
        grid_notes=notes,
    )


def _grid_fields(head: bytes) -> tuple[int, int, bool, tuple[float, float]]:
    _, columns, rows, hexagonal, dx, dy = _GRID.unpack_from(head, _START.size)
    return columns, rows, bool(hexagonal), (dx, dy)


def _cut(rest: int, each: int) -> tuple[str, ...]:
    if not rest:
        return ()
    return (f"The file ends within a pattern, after {rest:,} of {each:,} bytes: it was cut.",)


def placed_by_header(
    header: HeaderGrid, n: int, name: str
) -> tuple[ScanGrid, int, tuple[str, ...]]:
    """Place n patterns row by row; return how many the scan has, too, and notes."""
    _check(header, n, name)
    lengths, shifted = _row_lengths(header, n)
    cells = int(_cells(lengths, header.rows))
    row, col = _row_by_row(lengths, n)
    step, notes = _steps(header)
    if n != cells:
        notes += (_other_count(header, n, cells),)
    columns = max(lengths[: max(1, min(header.rows, 2))])
    grid = ScanGrid(
        shape=(max(header.rows, int(row[-1]) + 1), columns),
        row=row.astype(np.int32),
        col=col.astype(np.int32),
        x=(col + 0.5 * (shifted != "none") * (row % 2 == (shifted == "odd"))) * step[0],
        y=row.astype(np.float64) * step[1],
        step=step,
        unit=_UNIT,
        shifted_rows=shifted,
    )
    return grid, max(n, cells), notes


def _check(header: HeaderGrid, n: int, name: str) -> None:
    steps_fit = all(one == 0 or _STEPS[0] <= one <= _STEPS[1] for one in header.step)
    cells = (header.columns + 1) * header.rows
    fits = cells <= _MOST_CELLS or cells <= _MOST_CELLS_PER_PATTERN * n
    if not (header.columns and header.rows and fits and steps_fit):
        message = (
            f"The header of {name!r} declares {header.columns:,} × {header.rows:,} patterns with "
            f"steps {header.step[0]:g} and {header.step[1]:g}, which no scan has. Copy the file "
            "again from where it was recorded."
        )
        raise MalformedFileError(message)


def _row_lengths(
    header: HeaderGrid, n: int
) -> tuple[tuple[int, int], Literal["none", "odd", "even"]]:
    """Return how long even and odd rows are, and which of them are shifted to the right.

    The count decides where it fits only one way; else rows hold columns and columns + 1 in turn.
    """
    columns = header.columns
    if not header.hexagonal:
        return (columns, columns), "none"
    ways: tuple[tuple[tuple[int, int], Literal["odd", "even"]], ...] = (
        ((columns, columns + 1), "even"),
        ((columns, columns - 1), "odd"),
        ((columns, columns), "odd"),
    )
    fitting = (way for way in ways if way[0][1] > 0 and _cells(way[0], header.rows) == n)
    return next(fitting, ways[0])


def _cells(lengths: tuple[int, int], rows: int) -> int:
    return lengths[0] * ((rows + 1) // 2) + lengths[1] * (rows // 2)


def _row_by_row(lengths: tuple[int, int], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of n points, in rows of two lengths in turn."""
    pair, within = np.divmod(np.arange(n, dtype=np.int64), sum(lengths))
    odd = within >= lengths[0]
    return 2 * pair + odd, within - odd * lengths[0]


def _steps(header: HeaderGrid) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Return usable steps: a 0 stands for the other one, and hexagons have six equal sides."""
    dx, dy = header.step
    dx, dy = dx or dy or 1.0, dy or dx or 1.0
    if not header.hexagonal or abs(dy / dx / _ROW_DISTANCE - 1) <= _CLOSE:
        return (dx, dy), ()
    right = dx * _ROW_DISTANCE
    note = (
        f"The header says that the rows of this hexagonal grid are {dy:g} {_UNIT} apart; with "
        f"points {dx:g} {_UNIT} apart it must be {right:g} {_UNIT}, and is taken so."
    )
    return (dx, right), (note,)


def _other_count(header: HeaderGrid, n: int, cells: int) -> str:
    kind = "hexagonal" if header.hexagonal else "square"
    declared = f"a {kind} grid of {header.columns:,} × {header.rows:,}, {cells:,} patterns"
    if n < cells:
        return (
            f"The header declares {declared}, but the file holds {n:,}: the scan was stopped, or "
            "the file was cut. They fill the grid row by row."
        )
    return (
        f"The header declares {declared}, but the file holds {n:,}: the {n - cells:,} more are "
        "placed in further rows."
    )
