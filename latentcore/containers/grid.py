"""Where samples sit on the specimen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, ShapeError

# A coordinate may miss its grid node by this share of the step: vendors print micrometers with
# few decimals, and 0.125 written as 0.13 must still find its column.
_NODE_TOLERANCE = 0.1
# The true step may be a whole fraction of the smallest difference seen (x = 0, 2, 5 has step 1).
_LARGEST_STEP_DIVISOR = 12
ShiftedRows = Literal["none", "odd", "even"]
# Six neighbors are equally far where rows are this share of the columns' step apart. A scan is
# hexagonal if its own share differs by less than the tolerance: steps are written with few digits.
_HEXAGONAL_RATIO = 3**0.5 / 2
_RATIO_TOLERANCE = 0.03
# A node and its neighbors: fewer points may lie so on a square grid by chance.
_FEWEST_FOR_HEXAGONS = 7
# Fewer points may lie on one color of a chessboard by chance.
_FEWEST_FOR_CHESSBOARD = 32
# A grid with more cells than this, and far more than points, is a broken or hostile file:
# two points at (0, 0) and (2^31, 2^31) would ask for an array of 2^62 cells.
_MOST_CELLS = 64_000_000
_FARTHEST = 1e15
_MOST_STEPS = 1e18
_MOST_CELLS_PER_POINT = 1_000
# Pieces of this size stay in the processor's cache.
_BLOCK = 65_536


def is_shifted(row: NDArray[np.number], shifted_rows: ShiftedRows) -> NDArray[np.bool_]:
    """Tell which rows lie half a step to the right; those outside of a grid, too."""
    if shifted_rows == "none":
        return np.zeros(np.shape(row), np.bool_)
    shifted: NDArray[np.bool_] = np.asarray(row) % 2 == (shifted_rows == "odd")
    return shifted


class Lattice(NamedTuple):
    """The rectangular lattice of a scan's nodes: for whatever goes by rows and columns.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    row, col : ndarray of int32, shape (n,)
        The node of each sample.
    step : tuple of float
        (dx, dy).
    """

    shape: tuple[int, int]
    row: NDArray[np.int32]
    col: NDArray[np.int32]
    step: tuple[float, float]


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
        if len(x) != len(y) or len(x) == 0:
            message = f"A scan grid needs as many x as y, at least one; got {len(x)} and {len(y)}."
            raise MalformedFileError(message)
        columns = _columns_of_rows(x, y)
        found = cls._row_by_row(x, y, columns, unit, step) if columns else None
        return found or cls._of_points(x, y, unit, step)

    @classmethod
    def _row_by_row(
        cls,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        columns: int,
        unit: str,
        step: tuple[float, float] | None,
    ) -> ScanGrid | None:
        """Return the grid of rows that all have the same x, from its first row and column alone.

        None where `_of_points` is to say what is wrong, or nodes are without a point.
        """
        border = np.append(np.arange(columns), np.arange(columns, len(x), columns))
        try:
            part = cls._of_points(x[border], y[border], unit, step)
        except MalformedFileError:
            return None
        if part.shape != (len(x) // columns, columns) or part.hexagonal:
            return None
        row, col = (np.arange(size, dtype=np.int32) for size in part.shape)
        in_order = (part.col[:columns] == col).all() and (part.row[columns:] == row[1:]).all()
        if not in_order:
            return None
        return replace(part, row=np.repeat(row, columns), col=np.tile(col, len(row)), x=x, y=y)

    @classmethod
    def _of_points(
        cls,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        unit: str,
        step: tuple[float, float] | None,
    ) -> ScanGrid:
        """Find the grid of points in any order."""
        bad = int((~(np.isfinite(x) & np.isfinite(y))).sum())
        if bad:
            message = f"{bad} of {len(x)} points have no finite coordinates. Remove those rows."
            raise MalformedFileError(message)
        farthest = max(float(max(-axis.min(), axis.max())) for axis in (x, y))
        if farthest > _FARTHEST:
            message = f"A coordinate is {farthest:g} from 0: more than a scan can have. Check it."
            raise MalformedFileError(message)
        if step is not None and not all(np.isfinite(d) and d > 0 for d in step):
            message = (
                f"The steps of a scan grid must be positive, but are {step[0]:g}, {step[1]:g}."
            )
            raise MalformedFileError(message)
        dy = step[1] if step is not None else _step_of(y, "y")
        hexagonal = _hexagonal(x, y, dy, None if step is None else step[0])
        if hexagonal is not None:
            return cls._checked(*hexagonal, x, y, unit)
        dx = step[0] if step is not None else _step_of(x, "x")
        # A single row or column has no step of its own: take the other axis's, so that cells
        # are square.
        dx, dy = dx or dy or 1.0, dy or dx or 1.0
        col, n_cols = _nodes(x, dx, "x")
        row, n_rows = _nodes(y, dy, "y")
        place = Lattice((n_rows, n_cols), row, col, (dx, dy))
        _refuse_chessboard(place)
        return cls._checked(place, "none", x, y, unit)

    @classmethod
    def _checked(
        cls,
        place: Lattice,
        shifted_rows: ShiftedRows,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        unit: str,
    ) -> ScanGrid:
        """Make a grid that is not far larger than its points, and holds none of them twice."""
        (n_rows, n_cols), row, col, (dx, dy) = place
        if n_rows * n_cols > _MOST_CELLS and n_rows * n_cols > _MOST_CELLS_PER_POINT * len(x):
            message = (
                f"{len(x)} points would lie on a grid of {n_rows} × {n_cols} cells with steps "
                f"{dx:g} and {dy:g}. Check the coordinates for outliers."
            )
            raise MalformedFileError(message)
        cls._refuse_duplicates(row, col, n_cols, x, y)
        return cls((n_rows, n_cols), row, col, x, y, (dx, dy), unit, shifted_rows)

    @staticmethod
    def _refuse_duplicates(
        row: NDArray[np.int32],
        col: NDArray[np.int32],
        n_cols: int,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
    ) -> None:
        if _ascend(row, col):
            return  # in the scan's own order, as most files are
        node = row.astype(np.int64) * n_cols + col
        order = np.argsort(node, kind="stable")
        again = np.flatnonzero(np.diff(node[order]) == 0)
        if len(again):
            first = order[again[0] + 1]
            share = "point shares its" if len(again) == 1 else "points share their"
            message = (
                f"{len(again)} {share} coordinates with another point, the first at "
                f"x = {x[first]:g}, y = {y[first]:g} (row {first}). Every point of a scan needs a "
                "place of its own: remove the duplicates."
            )
            raise MalformedFileError(message)

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


def _columns_of_rows(x: NDArray[np.float64], y: NDArray[np.float64]) -> int:
    """Return the length of the rows of points given row by row with the same x in each, else 0."""
    n = len(x)
    changes = (block.start + np.flatnonzero(y[block] != y[0])[:1] for block in _blocks(n))
    columns = int(next((change[0] for change in changes if len(change)), n))
    if not 0 < columns < n or n % columns:
        return 0
    across, down = x.reshape(-1, columns), y.reshape(-1, columns)
    together = max(1, _BLOCK // columns)
    for start in range(0, len(across), together):
        rows = slice(start, start + together)
        if (across[rows] != across[0]).any() or (down[rows] != down[rows, :1]).any():
            return 0
    return columns


def _plain(values: NDArray[np.float64]) -> NDArray[np.generic]:
    whole = np.rint(values)
    return whole.astype(np.int64) if np.array_equal(whole, values) else values


def _hexagonal(
    x: NDArray[np.float64], y: NDArray[np.float64], dy: float, dx: float | None
) -> tuple[Lattice, ShiftedRows] | None:
    """Return the nodes of points that form a hexagonal grid, and which of its rows are shifted.

    Rows are found by y; then x of the even rows and of the odd rows must have the same step, half
    of which lies between them. So the rounding of coordinates counts against a whole step.
    """
    if dy == 0 or (dx is None and len(x) < _FEWEST_FOR_HEXAGONS):
        return None
    row, n_rows = _nodes(y, dy, "y")
    # Both kinds of rows begin alike in a square grid: no need to look closer.
    even_begins, odd_begins = _beginnings(x, row)
    if odd_begins == np.inf or abs(even_begins - odd_begins) < _NODE_TOLERANCE * dy:
        return None
    odd = row % 2 == 1
    dx = dx or _step_within_rows(x[~odd], x[odd])
    if not dx or abs(dy / dx - _HEXAGONAL_RATIO) > _RATIO_TOLERANCE * _HEXAGONAL_RATIO:
        return None
    halves = (x - x.min()) / (dx / 2)
    half = np.rint(halves)
    # Rounding to few digits may miss each of the two ends by the tolerance.
    if np.abs(halves - half).max() > 4 * _NODE_TOLERANCE:
        return None
    if halves.max() >= np.iinfo(np.int32).max:
        return None
    shifted = half.astype(np.int64) % 2 == 1
    if not ((shifted == odd).all() or (shifted != odd).all()):
        return None
    col = (half.astype(np.int64) // 2).astype(np.int32)
    kind: ShiftedRows = "odd" if shifted[0] == odd[0] else "even"
    return Lattice((n_rows, int(col.max()) + 1), row, col, (dx, dy)), kind


def _beginnings(x: NDArray[np.float64], row: NDArray[np.int32]) -> tuple[float, float]:
    """Return the smallest x of the even rows and of the odd ones, infinite where there are none."""
    even_begins = odd_begins = np.inf
    for block in _blocks(len(x)):
        odd = row[block] % 2 == 1
        even_begins = min(even_begins, x[block].min(where=~odd, initial=np.inf))
        odd_begins = min(odd_begins, x[block].min(where=odd, initial=np.inf))
    return float(even_begins), float(odd_begins)


def _step_within_rows(even: NDArray[np.float64], odd: NDArray[np.float64]) -> float:
    """Return the step of x within rows, or 0 where neither even nor odd rows have one."""
    try:
        steps = [_step_of(side, "x") for side in (even, odd)]
    except MalformedFileError:
        return 0.0
    known = [step for step in steps if step > 0]
    return min(known, default=0.0)


def _refuse_chessboard(place: Lattice) -> None:
    """Refuse rows that are shifted by half a step, but not as far apart as in a hexagonal scan.

    On the rectangular grid of half steps they fill the nodes of a chessboard's one color, half of
    them; maps, areas and neighbors would all be wrong by a factor of two.
    """
    (rows, columns), row, col, (dx, dy) = place
    few = len(row) < _FEWEST_FOR_CHESSBOARD or 3 * len(row) < rows * columns
    if few or any(
        ((row[block] + col[block] - row[0] - col[0]) % 2).any() for block in _blocks(len(row))
    ):
        return
    if abs(dx / (2 * dy) - _HEXAGONAL_RATIO) < _RATIO_TOLERANCE:
        advice = "Its columns form a hexagonal grid: exchange x and y."
    else:
        advice = "Check the coordinates and their unit."
    message = (
        f"Every second row of the {len(row)} points is shifted by half a step, but rows are "
        f"{dy:g} apart and columns {2 * dx:g}: neither a square grid nor a hexagonal one, whose "
        f"rows are √3/2 of a step apart ({_HEXAGONAL_RATIO * 2 * dx:.4g}). {advice}"
    )
    raise MalformedFileError(message)


def _step_of(values: NDArray[np.float64], axis: str) -> float:
    """Return the largest step of which all differences are multiples; 0 for a single value."""
    unique = _unique(values)
    if len(unique) == 1:
        return 0.0
    offsets = unique - unique[0]
    smallest = _smallest_differences(unique)
    for divisor in range(1, _LARGEST_STEP_DIVISOR + 1):
        for guess in smallest:
            # Refine over the whole span, else a rounded step drifts off by a column per thousand.
            count = float(offsets[-1]) * divisor / float(guess)
            if count > _MOST_STEPS:
                continue
            step: float = float(offsets[-1]) / max(1, round(count))
            if _misses(offsets, step) <= _NODE_TOLERANCE:
                return step
            # The last coordinate may be the one that was rounded most: fit the step to all.
            nodes = np.rint(offsets / step)
            step = float(nodes @ offsets / (nodes @ nodes))
            if _misses(offsets, step) <= _NODE_TOLERANCE:
                return step
    message = (
        f"The {axis} coordinates lie on no regular grid: the smallest difference is "
        f"{smallest[-1]:g}, but others are no multiples of it. Free-form scans have no grid: "
        "resample them to a square or hexagonal one."
    )
    raise MalformedFileError(message)


def _unique(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sorted different values; those of a scan are few, and sorted fast by blocks."""
    return np.unique(np.concatenate([np.unique(values[block]) for block in _blocks(len(values))]))


def _ascend(row: NDArray[np.int32], col: NDArray[np.int32]) -> bool:
    """Tell whether each node comes after the one before: in a later row, or further on in it."""
    last = len(row) - 1
    for block in _blocks(last):
        here = slice(block.start, min(block.stop, last))
        after = slice(here.start + 1, here.stop + 1)
        further = (row[after] == row[here]) & (col[after] > col[here])
        if not (further | (row[after] > row[here])).all():
            return False
    return True


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, n, _BLOCK))


def _misses(offsets: NDArray[np.float64], step: float) -> float:
    """Return how far the offsets lie from multiples of a step at most, as a share of it."""
    nodes = offsets / step
    return float(np.abs(nodes - np.rint(nodes)).max())


def _smallest_differences(unique: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of the differences near the smallest one, and the smallest.

    The mean is the step where coordinates were rounded (0.12 and 0.13 for 0.125); the smallest
    leads to it where steps are missing (2 and 3 for 1).
    """
    differences = np.diff(unique)
    # One column's coordinates may differ in the last digits of a float32. Where points lie
    # dense, their distance shows how small a difference must be to mean nothing.
    noise = min(
        8 * float(np.finfo(np.float32).eps) * float(np.median(np.abs(unique))),
        _NODE_TOLERANCE * float(differences.mean()),
    )
    differences = differences[differences > noise]
    smallest = float(differences.min())
    return float(differences[differences < 1.5 * smallest].mean()), smallest


def _nodes(values: NDArray[np.float64], step: float, axis: str) -> tuple[NDArray[np.int32], int]:
    low = values.min()
    span = (values.max() - low) / step
    if span >= np.iinfo(np.int32).max:
        message = f"The {axis} coordinates span {span:g} steps: more than a scan can have."
        raise MalformedFileError(message)
    nodes, worst = np.empty(len(values), np.int32), 0.0
    for block in _blocks(len(values)):
        offsets = (values[block] - low) / step
        nearest = np.rint(offsets)
        worst = max(worst, float(np.abs(offsets - nearest).max()))
        nodes[block] = nearest
    if worst > _NODE_TOLERANCE * 2:
        message = (
            f"The {axis} coordinates miss the grid of step {step:g} by up to {worst:.2f} steps. "
            "Check the step."
        )
        raise MalformedFileError(message)
    return nodes, int(nodes.max()) + 1
