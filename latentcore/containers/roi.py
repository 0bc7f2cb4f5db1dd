"""A region of interest on the specimen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid
from latentcore.errors import RequestError

# Bounds are meant to lie on grid nodes; 0.1 + 0.2 and 0.3 are one node. A point this share of
# the step below a bound counts as lying on it.
_ON_BOUND = 1e-3


@dataclass(frozen=True)
class Roi:
    """A rectangle, half-open in both axes: x0 ≤ x < x1 and y0 ≤ y < y1.

    Attributes
    ----------
    x_range, y_range : tuple of float
        In the scan's own coordinates and unit.
    name : str
        Shown in reports.
    """

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    name: str = ""

    def __post_init__(self) -> None:
        for axis, (low, high) in (("x", self.x_range), ("y", self.y_range)):
            if not low < high:
                message = (
                    f"The ROI's {axis} range [{low:g}, {high:g}) is empty. "
                    "Give the smaller bound first; the upper bound itself is not inside."
                )
                raise RequestError(message)

    @classmethod
    def from_bounds(cls, bounds: Sequence[float]) -> Roi:
        """Make a ROI from (x0, x1, y0, y1), the order of ``--roi``."""
        x0, x1, y0, y1 = (float(bound) for bound in bounds)
        return cls((x0, x1), (y0, y1))

    @classmethod
    def whole(cls, grid: ScanGrid) -> Roi:
        """Return the ROI that holds every point of a grid."""
        return cls(grid.x_range, grid.y_range)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x0, x1, y0, y1)."""
        return (*self.x_range, *self.y_range)

    def mask(self, grid: ScanGrid) -> NDArray[np.bool_]:
        """Tell which samples of a grid lie inside, shape (n,).

        Raises
        ------
        RequestError
            If none does.
        """
        (x0, x1), (y0, y1) = self.x_range, self.y_range
        x, y = grid.x + _ON_BOUND * grid.step[0], grid.y + _ON_BOUND * grid.step[1]
        inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        if not inside.any():
            (gx0, gx1), (gy0, gy1) = grid.x_range, grid.y_range
            message = (
                f"The ROI x [{x0:g}, {x1:g}), y [{y0:g}, {y1:g}) holds no point. "
                f"The scan covers x [{gx0:g}, {gx1:g}), y [{gy0:g}, {gy1:g})."
            )
            raise RequestError(message)
        return inside
