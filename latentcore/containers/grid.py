"""Where samples sit on the specimen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from latentcore.containers._grid_of_points import grid_of_points
from latentcore.containers.lattice import Lattice, ShiftedRows, is_shifted
from latentcore.errors import ShapeError


@dataclass(frozen=True, eq=False)
class ScanGrid:
    """A square or hexagonal grid of R rows and up to S columns; some nodes hold a sample.

    Row order in a file is never assumed: `row` and `col` place each sample. In a hexagonal grid
    every second row lies half a step to the right, and rows are √3/2 of a step apart.

    Attributes
    ----------
    shape : tuple of int
        (R, S); S is the length of the longest row.
    row, col : ndarray of int32, shape (n,)
        The node of each sample. Row 0 is at the top, y downwards.
    x, y : ndarray of float64, shape (n,)
        Coordinates as the file gives them; x belongs to columns, y to rows.
    step : tuple of float
        (dx, dy), the distance between the nodes of a row and between rows, in `unit`.
    unit : str
        ``"µm"``, or ``""`` for scan steps of unknown size.
    shifted_rows : str
        ``"odd"`` or ``"even"``: the rows of a hexagonal grid that lie half a step to the right,
        counted from 0; ``"none"`` in a square one.
    """

    shape: tuple[int, int]
    row: NDArray[np.int32]
    col: NDArray[np.int32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    step: tuple[float, float]
    unit: str = ""
    shifted_rows: ShiftedRows = "none"

    def __post_init__(self) -> None:
        if self.shifted_rows not in get_args(ShiftedRows):
            known = ", ".join(get_args(ShiftedRows))
            message = f"Shifted rows are one of {known}, not {str(self.shifted_rows)[:40]!r}."
            raise ShapeError(message)
        sizes = {len(self.row), len(self.col), len(self.x), len(self.y)}
        if len(sizes) != 1:
            message = f"A scan grid needs row, col, x and y of one length, but got {sorted(sizes)}."
            raise ShapeError(message)

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def from_coordinates(
        cls,
        x: NDArray[np.generic],
        y: NDArray[np.generic],
        *,
        unit: str = "",
        step: tuple[float, float] | None = None,
    ) -> ScanGrid:
        """Find the grid on which the points (x, y) lie, square or hexagonal.

        It is hexagonal where rows lie √3/2 of a step apart (within 3 %) and every second one is
        shifted by half a step: the coordinates decide, not a file's header.

        Parameters
        ----------
        x, y : ndarray, shape (n,)
            Coordinates in any order; gaps and an offset are fine.
        unit : str
            Unit of the coordinates.
        step : tuple of float, optional
            (dx, dy) where the file has it; else it is the largest step of which all
            differences are multiples.

        Raises
        ------
        MalformedFileError
            If coordinates are missing, not finite, twice the same, or on no regular grid.
        """
        x = np.asarray(x, np.float64).ravel()
        y = np.asarray(y, np.float64).ravel()
        place, shifted_rows = grid_of_points(x, y, step)
        return cls(place.shape, place.row, place.col, x, y, place.step, unit, shifted_rows)

    @cached_property
    def node(self) -> NDArray[np.int64]:
        """Index of each sample's node in the flattened map, shape (n,)."""
        return self.row.astype(np.int64) * self.shape[1] + self.col

    @property
    def hexagonal(self) -> bool:
        """Whether each node has six neighbors, not four."""
        return self.shifted_rows != "none"

    @property
    def kind(self) -> str:
        """``"square"`` or ``"hexagonal"``."""
        return "hexagonal" if self.hexagonal else "square"

    @property
    def cell_area(self) -> float:
        """Area of the specimen that each sample stands for, in the unit's square."""
        return self.step[0] * self.step[1]

    @property
    def spacing(self) -> float:
        """Distance of the nearest nodes, in `unit`."""
        return self.step[0] if self.hexagonal else min(self.step)

    def is_shifted(self, row: NDArray[np.number]) -> NDArray[np.bool_]:
        """Tell which rows lie half a step to the right; those outside of the grid, too."""
        return is_shifted(row, self.shifted_rows)

    def coordinates(
        self, row: NDArray[np.integer], col: NDArray[np.integer]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x and y of nodes, whether or not samples sit there."""
        x0, y0 = self.origin
        right = np.asarray(col) + 0.5 * self.is_shifted(row)
        return x0 + right * self.step[0], y0 + np.asarray(row) * self.step[1]

    @cached_property
    def origin(self) -> tuple[float, float]:
        """(x, y) of the top left node, or where it were in a row that is not shifted."""
        if len(self) == 0:
            return 0.0, 0.0
        right = self.col[0] + 0.5 * self.is_shifted(self.row[:1])[0]
        return (
            float(self.x[0] - right * self.step[0]),
            float(self.y[0] - self.row[0] * self.step[1]),
        )

    @cached_property
    def lattice(self) -> Lattice:
        """The grid as a rectangular lattice.

        A square grid is one by itself. A hexagonal one lies on every second node of a lattice of
        2 S columns that are half a step apart: those whose row and column are both even or odd,
        or just one of them where even rows are shifted.
        """
        if not self.hexagonal:
            return Lattice(self.shape, self.row, self.col, self.step)
        col = (2 * self.col + self.is_shifted(self.row)).astype(np.int32)
        rows, columns = self.shape
        return Lattice((rows, 2 * columns), self.row, col, (self.step[0] / 2, self.step[1]))

    @property
    def x_range(self) -> tuple[float, float]:
        """Half-open range [x0, x1) that holds every point."""
        x0 = self.origin[0]
        width = (self.shape[1] + 0.5 * self.hexagonal) * self.step[0]
        # Where coordinates are rounded, the first may lie to the left of its node.
        return min(x0, float(self.x.min(initial=x0))), x0 + width

    @property
    def y_range(self) -> tuple[float, float]:
        """Half-open range [y0, y1) that holds every point."""
        y0 = self.origin[1]
        return min(y0, float(self.y.min(initial=y0))), y0 + self.shape[0] * self.step[1]

    @property
    def picture_extent(self) -> tuple[float, float, float, float]:
        """(x0, x1, y0, y1): the edges of `picture`, half a cell beyond the outermost nodes."""
        (x0, y0), (dx, dy), (rows, columns) = self.origin, self.step, self.shape
        width = (columns + 0.5 * self.hexagonal) * dx
        return x0 - dx / 2, x0 - dx / 2 + width, y0 - dy / 2, y0 + (rows - 0.5) * dy

    def picture(self, values: NDArray[np.generic]) -> NDArray[np.floating]:
        """Return a raster of the scan, whose pixels are the cells or halves of them.

        Parameters
        ----------
        values : ndarray, shape (n, …)

        Returns
        -------
        ndarray, shape (R, S, …), or (R, 2 S + 1, …) of a hexagonal grid
            That of a square grid is its map. In that of a hexagonal one every cell is two pixels
            wide, each dx/2 × dy, and shifted rows begin one pixel later: each cell touches its
            six neighbors, and its area is right. NaN where nothing was scanned.
        """
        if not self.hexagonal:
            return self.to_map(values)
        (rows, columns), row, col, _ = self.lattice
        values = self._one_each(values)
        picture = np.full((rows, columns + 1, *values.shape[1:]), np.nan, values.dtype)
        picture[row, col] = picture[row, col + 1] = values
        return picture

    def plain_coordinates(self) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
        """Return x and y as tables hold them: whole numbers without a decimal point."""
        return _plain(self.x), _plain(self.y)

    def to_map(self, values: NDArray[np.generic]) -> NDArray[np.floating]:
        """Place one value (or vector) per sample on the grid.

        Parameters
        ----------
        values : ndarray, shape (n, …)
            Integers become float32, so that empty nodes can be NaN.

        Returns
        -------
        ndarray, shape (R, S, …)
            NaN where nothing was scanned.

        See Also
        --------
        picture : what a picture of a hexagonal grid shows.
        """
        values = self._one_each(values)
        flat = np.full((self.shape[0] * self.shape[1], *values.shape[1:]), np.nan, values.dtype)
        flat[self.node] = values
        return flat.reshape(*self.shape, *values.shape[1:])

    def _one_each(self, values: NDArray[np.generic]) -> NDArray[np.floating]:
        values = np.asarray(values)
        if len(values) != len(self):
            message = f"The scan grid has {len(self)} points, but got {len(values)} values."
            raise ShapeError(message)
        return np.asarray(values, values.dtype if values.dtype.kind == "f" else np.float32)

    def from_map(self, field: NDArray[np.generic]) -> NDArray[np.generic]:
        """Take each sample's value from a map of shape (R, S, …); the inverse of `to_map`."""
        field = np.asarray(field)
        if field.shape[:2] != self.shape:
            message = f"The scan grid is {self.shape}, but the map is {field.shape[:2]}."
            raise ShapeError(message)
        return field.reshape(-1, *field.shape[2:])[self.node]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> ScanGrid:
        """Return the same grid, shape included, with only some of its samples."""
        return replace(self, row=self.row[rows], col=self.col[rows], x=self.x[rows], y=self.y[rows])

    def cut(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> ScanGrid:
        """Return some of the samples on a grid of the same kind that ends where they do."""
        part = self.take(rows)
        if len(part) == 0:
            return replace(part, shape=(0, 0))
        top, left = int(part.row.min()), int(part.col.min())
        row, col = part.row - np.int32(top), part.col - np.int32(left)
        turned: dict[str, ShiftedRows] = {"odd": "even", "even": "odd"}
        kind = turned.get(self.shifted_rows, self.shifted_rows) if top % 2 else self.shifted_rows
        shape = (int(row.max()) + 1, int(col.max()) + 1)
        return replace(part, shape=shape, row=row, col=col, shifted_rows=kind)


def _plain(values: NDArray[np.float64]) -> NDArray[np.generic]:
    whole = np.rint(values)
    return whole.astype(np.int64) if np.array_equal(whole, values) else values
