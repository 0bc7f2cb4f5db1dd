"""Where samples sit on the specimen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, ShapeError

# A coordinate may miss its grid node by this share of the step: vendors print micrometers with
# few decimals, and 0.125 written as 0.13 must still find its column.
_NODE_TOLERANCE = 0.1
# The true step may be a whole fraction of the smallest difference seen (x = 0, 2, 5 has step 1).
_LARGEST_STEP_DIVISOR = 12
# Fewer points may lie on one color of a chessboard by chance.
_FEWEST_FOR_HEXAGONS = 32
# A grid with more cells than this, and far more than points, is a broken or hostile file:
# two points at (0, 0) and (2^31, 2^31) would ask for an array of 2^62 cells.
_MOST_CELLS = 64_000_000
_MOST_CELLS_PER_POINT = 1_000


@dataclass(frozen=True, eq=False)
class ScanGrid:
    """A regular grid of R rows and S columns, some of whose nodes hold a sample.

    Row order in a file is never assumed: `row` and `col` place each sample.

    Attributes
    ----------
    shape : tuple of int
        (R, S).
    row, col : ndarray of int32, shape (n,)
        The node of each sample. Row 0 is at the top, y downwards.
    x, y : ndarray of float64, shape (n,)
        Coordinates as the file gives them; x belongs to columns, y to rows.
    step : tuple of float
        (dx, dy), the distance between neighboring nodes, in `unit`.
    unit : str
        ``"µm"``, or ``""`` for scan steps of unknown size.
    """

    shape: tuple[int, int]
    row: NDArray[np.int32]
    col: NDArray[np.int32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    step: tuple[float, float]
    unit: str = ""

    def __post_init__(self) -> None:
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
        """Find the grid on which the points (x, y) lie.

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
        bad = int((~(np.isfinite(x) & np.isfinite(y))).sum())
        if bad:
            message = f"{bad} of {len(x)} points have no finite coordinates. Remove those rows."
            raise MalformedFileError(message)
        if step is not None and not all(np.isfinite(d) and d > 0 for d in step):
            message = (
                f"The steps of a scan grid must be positive, but are {step[0]:g}, {step[1]:g}."
            )
            raise MalformedFileError(message)
        dx, dy = step if step is not None else (_step_of(x, "x"), _step_of(y, "y"))
        # A single row or column has no step of its own: take the other axis's, so that cells
        # are square.
        dx, dy = dx or dy or 1.0, dy or dx or 1.0
        col, n_cols = _nodes(x, dx, "x")
        row, n_rows = _nodes(y, dy, "y")
        if n_rows * n_cols > _MOST_CELLS and n_rows * n_cols > _MOST_CELLS_PER_POINT * len(x):
            message = (
                f"{len(x)} points would lie on a grid of {n_rows} × {n_cols} cells with steps "
                f"{dx:g} and {dy:g}. Check the coordinates for outliers."
            )
            raise MalformedFileError(message)
        cls._refuse_duplicates(row, col, n_cols, x, y)
        _refuse_hexagonal(row, col, (n_rows, n_cols))
        return cls((n_rows, n_cols), row, col, x, y, (dx, dy), unit)

    @staticmethod
    def _refuse_duplicates(
        row: NDArray[np.int32],
        col: NDArray[np.int32],
        n_cols: int,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
    ) -> None:
        node = row.astype(np.int64) * n_cols + col
        order = np.argsort(node, kind="stable")
        again = np.flatnonzero(np.diff(node[order]) == 0)
        if len(again):
            first = order[again[0] + 1]
            message = (
                f"{len(again)} points share their coordinates with another point, the first at "
                f"x = {x[first]:g}, y = {y[first]:g} (row {first}). Every point of a scan needs a "
                "place of its own: remove the duplicates."
            )
            raise MalformedFileError(message)

    @cached_property
    def node(self) -> NDArray[np.int64]:
        """Index of each sample's node in the flattened map, shape (n,)."""
        return self.row.astype(np.int64) * self.shape[1] + self.col

    @cached_property
    def origin(self) -> tuple[float, float]:
        """(x, y) of the top left node, whether or not a sample sits there."""
        if len(self) == 0:
            return 0.0, 0.0
        return (
            float(self.x[0] - self.col[0] * self.step[0]),
            float(self.y[0] - self.row[0] * self.step[1]),
        )

    @property
    def x_range(self) -> tuple[float, float]:
        """Half-open range [x0, x1) that holds every point."""
        return self.origin[0], self.origin[0] + self.shape[1] * self.step[0]

    @property
    def y_range(self) -> tuple[float, float]:
        """Half-open range [y0, y1) that holds every point."""
        return self.origin[1], self.origin[1] + self.shape[0] * self.step[1]

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
        """
        values = np.asarray(values)
        if len(values) != len(self):
            message = f"The scan grid has {len(self)} points, but got {len(values)} values."
            raise ShapeError(message)
        dtype = values.dtype if values.dtype.kind == "f" else np.float32
        flat = np.full((self.shape[0] * self.shape[1], *values.shape[1:]), np.nan, dtype)
        flat[self.node] = values
        return flat.reshape(*self.shape, *values.shape[1:])

    def from_map(self, field: NDArray[np.generic]) -> NDArray[np.generic]:
        """Take each sample's value from a map of shape (R, S, …); the inverse of `to_map`."""
        field = np.asarray(field)
        if field.shape[:2] != self.shape:
            message = f"The scan grid is {self.shape}, but the map is {field.shape[:2]}."
            raise ShapeError(message)
        return field.reshape(-1, *field.shape[2:])[self.node]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> ScanGrid:
        """Return the same grid, shape included, with only some of its samples."""
        return ScanGrid(
            self.shape,
            self.row[rows],
            self.col[rows],
            self.x[rows],
            self.y[rows],
            self.step,
            self.unit,
        )


def _plain(values: NDArray[np.float64]) -> NDArray[np.generic]:
    whole = np.rint(values)
    return whole.astype(np.int64) if np.array_equal(whole, values) else values


def _refuse_hexagonal(
    row: NDArray[np.int32], col: NDArray[np.int32], shape: tuple[int, int]
) -> None:
    """Refuse a hexagonal scan: every second row is shifted by half a step.

    On the square grid of half steps it fills the nodes of a chessboard's one color, half of
    them; maps, areas and neighbors would all be wrong by a factor of two.
    """
    parity = (row + col) % 2
    cells = shape[0] * shape[1]
    if len(row) < _FEWEST_FOR_HEXAGONS or (parity != parity[0]).any() or 3 * len(row) < cells:
        return
    message = (
        f"The {len(row)} points form a hexagonal scan: every second row is shifted by half a "
        "step. Resample it to a square grid first."
    )
    raise MalformedFileError(message)


def _step_of(values: NDArray[np.float64], axis: str) -> float:
    """Return the largest step of which all differences are multiples; 0 for a single value."""
    unique = np.unique(values)
    if len(unique) == 1:
        return 0.0
    offsets = unique - unique[0]
    smallest = _smallest_differences(unique)
    for divisor in range(1, _LARGEST_STEP_DIVISOR + 1):
        for guess in smallest:
            # Refine over the whole span, else a rounded step drifts off by a column per thousand.
            step = float(offsets[-1]) / max(1, round(offsets[-1] * divisor / guess))
            nodes = offsets / step
            if np.abs(nodes - np.rint(nodes)).max() <= _NODE_TOLERANCE:
                return float(step)
    message = (
        f"The {axis} coordinates lie on no regular grid: the smallest difference is "
        f"{smallest[-1]:g}, but others are no multiples of it. Hexagonal and free-form scans must "
        "be resampled to a square grid first."
    )
    raise MalformedFileError(message)


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
    offsets = (values - values.min()) / step
    if offsets.max() >= np.iinfo(np.int32).max:
        message = f"The {axis} coordinates span {offsets.max():g} steps: more than a scan can have."
        raise MalformedFileError(message)
    nodes = np.rint(offsets)
    worst = float(np.abs(offsets - nodes).max())
    if worst > _NODE_TOLERANCE * 2:
        message = (
            f"The {axis} coordinates miss the grid of step {step:g} by up to {worst:.2f} steps. "
            "Check the step, or resample to a square grid."
        )
        raise MalformedFileError(message)
    return nodes.astype(np.int32), int(nodes.max()) + 1
