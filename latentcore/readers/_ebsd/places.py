"""Where the points of a vendor's scan are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import MalformedFileError, RequestError, ShapeError
from latentcore.readers._hdf5 import text

# More cells than this is a broken header, unless there are about as many points.
_MOST_CELLS = 64_000_000
_MOST_CELLS_PER_POINT = 1_000
_SHAPE = re.compile(r"(\d{1,6})\s*[x×,]\s*(\d{1,6})", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """What a scan's header says of its grid.

    Attributes
    ----------
    step : tuple of float
        (dx, dy); a line scan's 0 stands for the other one.
    """

    columns: int
    rows: int
    step: tuple[float, float]
    unit: str = "µm"

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
        if n > cells:
            message = (
                f"{name!r} holds {n:,} points, but its header declares only {self.columns} × "
                f"{self.rows} = {cells:,}. Export the scan again."
            )
            raise MalformedFileError(message)
        return Header(self.columns, self.rows, steps, self.unit)


def scan_grid(
    header: Header,
    n: int,
    name: str,
    places: tuple[NDArray[np.generic], NDArray[np.generic]] | None,
) -> tuple[ScanGrid, str]:
    """Place n points by their coordinates or, where those make no grid, by their order.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    places : tuple of ndarray, shape (n,), or None
        x and y of each point as the file gives them.

    Returns
    -------
    grid : ScanGrid
        Of the header's shape, so that what was not yet scanned is a gap.
    note : str
        For the user, ``""`` if there is nothing to say.
    """
    header = header.checked(n, name)
    if places is None:
        return row_major(header, n), ""
    x, y = (np.asarray(values, np.float64) for values in places)
    try:
        found = ScanGrid.from_coordinates(x, y, unit=header.unit, step=header.step)
    except MalformedFileError:
        note = (
            "The coordinates in the file make no scan grid, so the points are placed by the "
            "header, row by row."
        )
        return row_major(header, n), note
    rows, columns = found.shape
    if rows > header.rows or columns > header.columns:
        return found, f"The points cover {columns} × {rows} cells, more than the header declares."
    return (
        ScanGrid(
            (header.rows, header.columns), found.row, found.col, x, y, header.step, header.unit
        ),
        "",
    )


def row_major(header: Header, n: int) -> ScanGrid:
    """Place n points row by row, x fastest, from (0, 0)."""
    row, col = np.divmod(np.arange(n, dtype=np.int64), header.columns)
    dx, dy = header.step
    return ScanGrid(
        shape=(header.rows, header.columns),
        row=row.astype(np.int32),
        col=col.astype(np.int32),
        x=col * dx,
        y=row * dy,
        step=header.step,
        unit=header.unit,
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


def refuse_hexagonal(file: h5py.File, header: str) -> None:
    """Refuse a scan whose rows are shifted against each other."""
    grid_type = text(file, f"{header}/Grid Type")
    if "hex" in grid_type.lower():
        message = (
            f"{Path(file.filename).name!r} is a hexagonal scan (Grid Type {grid_type!r}): "
            "every second row is shifted by half a step, and maps here have square cells. "
            "Convert it to a square grid in the vendor's program, and export it again."
        )
        raise MalformedFileError(message)
