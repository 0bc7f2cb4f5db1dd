"""The straight line through a scatter of two quantities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Line:
    """Least-squares line of y on x.

    Attributes
    ----------
    slope, intercept : float
        NaN where x is constant or fewer than two points are finite.
    r_squared : float
        Share of the variance of y that the line explains.
    n : int
        Finite pairs.
    x : tuple of float
        Smallest and largest x: how far the line goes.
    """

    slope: float
    intercept: float
    r_squared: float
    n: int
    x: tuple[float, float]

    def at(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the line's y."""
        return np.asarray(self.intercept + self.slope * np.asarray(x, np.float64))


def least_squares(x: ArrayLike, y: ArrayLike) -> Line:
    """Fit a line by least squares to the finite pairs.

    Parameters
    ----------
    x, y : array_like, shape (n,)
    """
    x, y = np.asarray(x, np.float64).ravel(), np.asarray(y, np.float64).ravel()
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    n = len(x)
    nothing = Line(np.nan, np.nan, np.nan, n, (np.nan, np.nan))
    if n < 2 or x.min() == x.max():
        return nothing
    # About the means: latents of s.d. 1e-4 about an offset would lose their digits otherwise.
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    spread = float(dy @ dy)
    explained = slope**2 * float(dx @ dx) / spread if spread > 0 else np.nan
    intercept = float(y.mean() - slope * x.mean())
    return Line(slope, intercept, explained, n, (float(x.min()), float(x.max())))
