"""Several scans on one grid: tile beside tile, with gaps in which no point lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import ShapeError

# Rows and columns without a point between tiles: more than any look at neighbors reaches.
_NARROWEST_GAP = 4
_GAP_SHARE = 0.04
_WIDE = 1.6
_SAME_STEP = 1e-6
_HEXAGONAL_STEP = (1.0, 3**0.5 / 2)


@dataclass(frozen=True)
class Tile:
    """Where a scan lies in a mosaic.

    Attributes
    ----------
    row, col : int
        The node of the mosaic on which the scan's first row and column lie.
    """

    row: int
    col: int


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Several scans on one grid.

    Attributes
    ----------
    grid : ScanGrid
        The points of all scans, one scan after the other.
    tiles : tuple of Tile
        One of each scan.
    in_steps : bool
        Whether coordinates count steps, as the scans' steps or units differ.
    """

    grid: ScanGrid
    tiles: tuple[Tile, ...]
    in_steps: bool


def mosaic(grids: Sequence[ScanGrid]) -> Mosaic:
    """Lay the grids of several scans side by side, in their order, on one grid.

    Parameters
    ----------
    grids : sequence of ScanGrid
        All square or all hexagonal.

    Raises
    ------
    ShapeError
        If some are square and others hexagonal.
    """
    kinds = [grid.kind for grid in grids]
    if len(set(kinds)) > 1:
        message = (
            f"{kinds.count('square')} scans have a square grid and {kinds.count('hexagonal')} a "
            "hexagonal one, which can't lie on one grid. Resample one kind to the other's."
        )
        raise ShapeError(message)
    step, unit, in_steps = _common_step(grids)
    tiles = _placed(grids)
    row = np.concatenate([grid.row + tile.row for grid, tile in zip(grids, tiles, strict=True)])
    col = np.concatenate([grid.col + tile.col for grid, tile in zip(grids, tiles, strict=True)])
    hexagonal = grids[0].hexagonal
    half = 0.5 * (row % 2) if hexagonal else 0.0
    grid = ScanGrid(
        shape=(int(row.max()) + 1, int(col.max()) + 1),
        row=row.astype(np.int32),
        col=col.astype(np.int32),
        x=_coordinates(col + half, step[0]),
        y=_coordinates(row, step[1]),
        step=step,
        unit=unit,
        shifted_rows="odd" if hexagonal else "none",
    )
    return Mosaic(grid, tuple(tiles), in_steps)


def _coordinates(nodes: NDArray[np.generic], step: float) -> NDArray[np.float64]:
    return np.asarray(nodes, np.float64) * step


def _common_step(grids: Sequence[ScanGrid]) -> tuple[tuple[float, float], str, bool]:
    """Return the step and unit of all grids, and whether it is a mere count as they differ."""
    first = grids[0]
    alike = all(
        grid.unit == first.unit and np.allclose(grid.step, first.step, rtol=_SAME_STEP, atol=0)
        for grid in grids
    )
    if alike:
        return first.step, first.unit, False
    return (_HEXAGONAL_STEP if first.hexagonal else (1.0, 1.0)), "", True


def _placed(grids: Sequence[ScanGrid]) -> list[Tile]:
    """Return where each grid lies: on shelves, of the width that makes the best picture."""
    sides = [side for grid in grids for side in grid.shape]
    gap = max(_NARROWEST_GAP, math.ceil(_GAP_SHARE * max(sides)))
    gap += gap % 2
    widths = np.cumsum([grid.shape[1] + gap for grid in grids])
    widest = max(grid.shape[1] + gap for grid in grids)
    tries = [_on_shelves(grids, gap, max(widest, int(width))) for width in widths]
    return min(tries, key=lambda tiles: _cost(grids, tiles))


def _on_shelves(grids: Sequence[ScanGrid], gap: int, width: int) -> list[Tile]:
    tiles: list[Tile] = []
    top = left = height = 0
    for grid in grids:
        rows, columns = grid.shape
        if left and left + columns + gap > width:
            top, left, height = top + height, 0, 0
        # In a hexagonal mosaic odd rows are shifted: a scan whose even ones are begins on one.
        tiles.append(Tile(top + (grid.shifted_rows == "even"), left))
        left += columns + gap
        # Shelves begin on even rows.
        height = max(height, rows + gap + 1 + (rows + 1) % 2)
    return tiles


def _cost(grids: Sequence[ScanGrid], tiles: Sequence[Tile]) -> float:
    """Return the area of a mosaic, more where it is far taller or wider than a picture."""
    rows = max(tile.row + grid.shape[0] for grid, tile in zip(grids, tiles, strict=True))
    columns = max(tile.col + grid.shape[1] for grid, tile in zip(grids, tiles, strict=True))
    aspect = columns / rows / _WIDE
    return rows * columns * max(aspect, 1 / aspect)
