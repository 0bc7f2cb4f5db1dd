"""The square or hexagonal grid on which points lie, found from their coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.containers._axis import BLOCK, NODE_TOLERANCE, blocks, nodes_along, step_of
from latentcore.containers.lattice import Lattice, ShiftedRows
from latentcore.errors import MalformedFileError

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
_MOST_CELLS_PER_POINT = 1_000
_FARTHEST = 1e15

# The nodes of points, and which of their rows are shifted.
_Found = tuple[Lattice, ShiftedRows]


def grid_of_points(
    x: NDArray[np.float64], y: NDArray[np.float64], step: tuple[float, float] | None
) -> _Found:
    """Return the nodes of points, shape (n,), and which rows are shifted.

    See `ScanGrid.from_coordinates`.
    """
    if len(x) != len(y) or len(x) == 0:
        message = f"A scan grid needs as many x as y, at least one; got {len(x)} and {len(y)}."
        raise MalformedFileError(message)
    columns = _columns_of_rows(x, y)
    found = _row_by_row(x, y, columns, step) if columns else None
    return found or _of_points(x, y, step)


def _row_by_row(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    columns: int,
    step: tuple[float, float] | None,
) -> _Found | None:
    """Return the grid of rows that all have the same x, from its first row and column alone.

    None where `_of_points` is to say what is wrong, or nodes are without a point.
    """
    border = np.append(np.arange(columns), np.arange(columns, len(x), columns))
    try:
        part, shifted_rows = _of_points(x[border], y[border], step)
    except MalformedFileError:
        return None
    if part.shape != (len(x) // columns, columns) or shifted_rows != "none":
        return None
    row, col = (np.arange(size, dtype=np.int32) for size in part.shape)
    in_order = (part.col[:columns] == col).all() and (part.row[columns:] == row[1:]).all()
    if not in_order:
        return None
    return part._replace(row=np.repeat(row, columns), col=np.tile(col, len(row))), "none"


def _of_points(
    x: NDArray[np.float64], y: NDArray[np.float64], step: tuple[float, float] | None
) -> _Found:
    """Find the grid of points in any order: not far larger than they, and none of them twice."""
    _check_points(x, y, step)
    found = _nodes(x, y, step)
    _refuse_sparse(found[0])
    _refuse_duplicates(found[0], x, y)
    return found


def _check_points(
    x: NDArray[np.float64], y: NDArray[np.float64], step: tuple[float, float] | None
) -> None:
    bad = int((~(np.isfinite(x) & np.isfinite(y))).sum())
    if bad:
        message = f"{bad} of {len(x)} points have no finite coordinates. Remove those rows."
        raise MalformedFileError(message)
    farthest = max(float(max(-axis.min(), axis.max())) for axis in (x, y))
    if farthest > _FARTHEST:
        message = f"A coordinate is {farthest:g} from 0: more than a scan can have. Check it."
        raise MalformedFileError(message)
    if step is not None and not all(np.isfinite(d) and d > 0 for d in step):
        message = f"The steps of a scan grid must be positive, but are {step[0]:g}, {step[1]:g}."
        raise MalformedFileError(message)


def _nodes(
    x: NDArray[np.float64], y: NDArray[np.float64], step: tuple[float, float] | None
) -> _Found:
    dy = step[1] if step is not None else step_of(y, "y")
    hexagonal = _hexagonal(x, y, dy, None if step is None else step[0])
    if hexagonal is not None:
        return hexagonal
    dx = step[0] if step is not None else step_of(x, "x")
    # A single row or column has no step of its own: take the other axis's, so that cells
    # are square.
    dx, dy = dx or dy or 1.0, dy or dx or 1.0
    col, n_cols = nodes_along(x, dx, "x")
    row, n_rows = nodes_along(y, dy, "y")
    place = Lattice((n_rows, n_cols), row, col, (dx, dy))
    _refuse_chessboard(place)
    return place, "none"


def _refuse_sparse(place: Lattice) -> None:
    (n_rows, n_cols), row, _, (dx, dy) = place
    if n_rows * n_cols > _MOST_CELLS and n_rows * n_cols > _MOST_CELLS_PER_POINT * len(row):
        message = (
            f"{len(row)} points would lie on a grid of {n_rows} × {n_cols} cells with steps "
            f"{dx:g} and {dy:g}. Check the coordinates for outliers."
        )
        raise MalformedFileError(message)


def _refuse_duplicates(place: Lattice, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    (_, n_cols), row, col, _ = place
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


def _ascend(row: NDArray[np.int32], col: NDArray[np.int32]) -> bool:
    """Tell whether each node comes after the one before: in a later row, or further on in it."""
    last = len(row) - 1
    for block in blocks(last):
        here = slice(block.start, min(block.stop, last))
        after = slice(here.start + 1, here.stop + 1)
        further = (row[after] == row[here]) & (col[after] > col[here])
        if not (further | (row[after] > row[here])).all():
            return False
    return True


def _columns_of_rows(x: NDArray[np.float64], y: NDArray[np.float64]) -> int:
    """Return the length of the rows of points given row by row with the same x in each, else 0."""
    n = len(x)
    changes = (block.start + np.flatnonzero(y[block] != y[0])[:1] for block in blocks(n))
    columns = int(next((change[0] for change in changes if len(change)), n))
    if not 0 < columns < n or n % columns:
        return 0
    across, down = x.reshape(-1, columns), y.reshape(-1, columns)
    together = max(1, BLOCK // columns)
    for start in range(0, len(across), together):
        rows = slice(start, start + together)
        if (across[rows] != across[0]).any() or (down[rows] != down[rows, :1]).any():
            return 0
    return columns


def _hexagonal(
    x: NDArray[np.float64], y: NDArray[np.float64], dy: float, dx: float | None
) -> _Found | None:
    """Return the nodes of points that form a hexagonal grid, and which of its rows are shifted.

    Rows are found by y; then x of the even rows and of the odd rows must have the same step, half
    of which lies between them. So the rounding of coordinates counts against a whole step.
    """
    if dy == 0 or (dx is None and len(x) < _FEWEST_FOR_HEXAGONS):
        return None
    row, n_rows = nodes_along(y, dy, "y")
    # Both kinds of rows begin alike in a square grid: no need to look closer.
    even_begins, odd_begins = _beginnings(x, row)
    if odd_begins == np.inf or abs(even_begins - odd_begins) < NODE_TOLERANCE * dy:
        return None
    odd = row % 2 == 1
    dx = dx or _step_within_rows(x[~odd], x[odd])
    if not dx or abs(dy / dx - _HEXAGONAL_RATIO) > _RATIO_TOLERANCE * _HEXAGONAL_RATIO:
        return None
    halves = (x - x.min()) / (dx / 2)
    half = np.rint(halves)
    # Rounding to few digits may miss each of the two ends by the tolerance.
    if np.abs(halves - half).max() > 4 * NODE_TOLERANCE:
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
    for block in blocks(len(x)):
        odd = row[block] % 2 == 1
        even_begins = min(even_begins, x[block].min(where=~odd, initial=np.inf))
        odd_begins = min(odd_begins, x[block].min(where=odd, initial=np.inf))
    return float(even_begins), float(odd_begins)


def _step_within_rows(even: NDArray[np.float64], odd: NDArray[np.float64]) -> float:
    """Return the step of x within rows, or 0 where neither even nor odd rows have one."""
    try:
        steps = [step_of(side, "x") for side in (even, odd)]
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
        ((row[block] + col[block] - row[0] - col[0]) % 2).any() for block in blocks(len(row))
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
