"""Points of hexagonal scans."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hexagonal_points(
    rows: int, columns: int, step: float = 1.0, shifted: str = "odd", *, shorter: bool = False
) -> NDArray[np.float64]:
    """Return (x, y) row by row, (n, 2); `shorter`: shifted rows hold one point less."""
    row, col = (axis.ravel() for axis in np.mgrid[0:rows, 0:columns])
    moved = row % 2 == (shifted == "odd")
    kept = ~(moved & (col == columns - 1)) if shorter else np.ones(len(row), bool)
    points = np.column_stack([col + 0.5 * moved, row * np.sqrt(3) / 2])[kept]
    return points * step
