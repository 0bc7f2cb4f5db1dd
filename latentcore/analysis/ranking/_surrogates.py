"""Maps that have nothing to do with the latents, but are as smooth as the reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.autocorrelation import autocorrelation
from latentcore.containers import ScanGrid

Draw = Callable[[np.random.Generator], NDArray[np.float64]]
"""Returns one surrogate map, shape (n,), finite where the reference is."""


def is_rectangle(reference: NDArray[np.float64], grid: ScanGrid) -> bool:
    """Return whether the reference is finite at every node of its grid, at least 2 × 2.

    The rows of a hexagonal one must be even in number: else it is shifted onto nothing.
    """
    complete = len(grid) == grid.shape[0] * grid.shape[1] and min(grid.shape) > 1
    closed = not grid.hexagonal or grid.shape[0] % 2 == 0
    return complete and closed and bool(np.isfinite(reference).all())


def shifts(reference: NDArray[np.float64], grid: ScanGrid) -> Draw:
    """Shift the map by a random number of rows and columns; what leaves it enters again."""
    (rows, columns), row, col, _ = grid.lattice
    field = np.empty((rows, columns))
    field[row, col] = reference

    def draw(random: np.random.Generator) -> NDArray[np.float64]:
        down, right = divmod(int(random.integers(1, len(grid))), grid.shape[1])
        if grid.hexagonal:  # from a row to the next it is half a step
            right = 2 * right + down % 2
        return field[(row - down) % rows, (col - right) % columns]

    return draw


def variogram_maps(reference: NDArray[np.float64], grid: ScanGrid) -> Draw:
    """Draw Gaussian fields with the autocorrelation of the reference's normal scores.

    By embedding in a torus of twice the size: Dietrich and Newsam, *SIAM J. Sci. Comput.* 18
    (1997) 1088. Far lags are faded out, because few pairs of points have them; what power
    turns out negative then is left out.
    """
    from scipy import fft

    correlation = autocorrelation(_normal_scores(reference), grid)
    for axis, size in enumerate(correlation.shape):
        lag = np.minimum(np.arange(size), size - np.arange(size))
        fade = np.cos(np.pi / 2 * np.minimum(lag / (size / 2), 1)) ** 2
        correlation = correlation * (fade[:, None] if axis == 0 else fade)
    amplitude = np.sqrt(np.maximum(fft.rfft2(correlation).real, 0))

    def draw(random: np.random.Generator) -> NDArray[np.float64]:
        white = fft.rfft2(random.standard_normal(correlation.shape))
        field: NDArray[np.float64] = fft.irfft2(amplitude * white, correlation.shape)
        return field[grid.lattice.row, grid.lattice.col]

    return draw


def matched(surrogate: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the reference's values in the order of the surrogate's: same histogram."""
    values = np.empty(len(reference))
    values[np.argsort(surrogate, kind="stable")] = np.sort(reference)
    return values


def _normal_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    finite = np.isfinite(values)
    scores = np.full(len(values), np.nan)
    scores[finite] = ndtri((rankdata(values[finite]) - 0.5) / finite.sum())
    return scores
