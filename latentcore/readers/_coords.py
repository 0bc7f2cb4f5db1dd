"""The grid of a file's points, by its own coordinates or by a table of coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import Roi, ScanGrid, SourceRef
from latentcore.errors import MalformedFileError, ShapeError
from latentcore.readers._columns import read_coordinates
from latentcore.readers._tables import read_table
from latentcore.storage import content_fingerprint, local_path


def grid_of(
    x: NDArray[np.generic],
    y: NDArray[np.generic],
    name: str,
    *,
    unit: str = "",
    step: tuple[float, float] | None = None,
) -> ScanGrid:
    """Find the grid of a file's points.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    name : str
        The file's name, for messages.
    step : tuple of float, optional
        (dx, dy) where the file has it.

    Raises
    ------
    MalformedFileError
        If the coordinates are missing, not finite, twice the same, or on no regular grid.
    """
    try:
        return ScanGrid.from_coordinates(x, y, unit=unit, step=step)
    except MalformedFileError as error:
        message = f"The coordinates of {name!r} make no scan grid. {error}"
        raise MalformedFileError(message) from error


def grid_from_coords(n: int, ref: SourceRef) -> ScanGrid | None:
    """Return where n rows are; None where no table was given.

    Parameters
    ----------
    ref : SourceRef
        Options: ``coords``, path of a table; ``roi``, (x0, x1, y0, y1), for rows that are only
        those of the table that lie inside.

    Raises
    ------
    MalformedFileError
        If the table holds no coordinates, or no scan grid.
    ShapeError
        If the n rows are neither those of the table nor those inside the ROI.
    """
    table = _table(ref)
    if table is None:
        return None
    name = Path(ref.location).name
    places = read_coordinates(read_table(table), table.name)
    whole = grid_of(places.x, places.y, table.name, unit=places.unit)
    if n == len(whole):
        return whole
    roi = roi_of(ref)
    if roi is None:
        message = (
            f"{name!r} has {n} rows, but {table.name!r} gives {len(whole)} coordinates. "
            "Give the coordinates of just these rows, or name the ROI they fill (⟨roi⟩)."
        )
        raise ShapeError(message)
    inside = roi.mask(whole)
    if int(inside.sum()) != n:
        message = (
            f"{name!r} has {n} rows, but {table.name!r} gives {len(whole)} coordinates, of which "
            f"{int(inside.sum())} lie in the ROI {roi_text(roi)}. One of the two must match."
        )
        raise ShapeError(message)
    return whole.take(inside)


def fingerprint_with_coords(path: Path, ref: SourceRef) -> str:
    """Return the fingerprint of a file and of the table that goes with it."""
    table = _table(ref)
    return content_fingerprint(path, *([] if table is None else [table]))


def roi_of(ref: SourceRef) -> Roi | None:
    """Return the ROI among a reader's options."""
    bounds = ref.options.get("roi")
    return None if bounds is None else Roi.from_bounds(cast("Sequence[float]", bounds))


def roi_text(roi: Roi) -> str:
    """Write a ROI for messages."""
    x0, x1, y0, y1 = roi.bounds
    return f"x [{x0:g}, {x1:g}), y [{y0:g}, {y1:g})"


def _table(ref: SourceRef) -> Path | None:
    coords = ref.options.get("coords")
    return None if coords is None else local_path(str(coords))
