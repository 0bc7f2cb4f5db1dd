"""Pictures of several patterns at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import ShapeError


def evenly_spaced(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Pick at most `most` of the rows, evenly over their order, the first and last included.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of int64, shape (min(n, most),)
    """
    if len(rows) <= most:
        return rows
    return rows[np.unique(np.linspace(0, len(rows) - 1, most).round().astype(np.int64))]


def gray_levels(pattern: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale one pattern from its smallest to its largest finite value to 0..255.

    Parameters
    ----------
    pattern : ndarray, shape (H, W)
        NaN becomes 0; a constant pattern is mid-gray.
    """
    values = np.asarray(pattern, np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = float(values[finite].min()), float(values[finite].max())
    if high == low:
        return np.full(values.shape, 128, np.uint8)
    scaled = (np.where(finite, values, low) - low) / (high - low)
    return np.rint(scaled * 255).astype(np.uint8)


def sample_picture(sample: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Make a picture of one sample: three channels are its colors, others are averaged.

    Parameters
    ----------
    sample : ndarray, shape (C, H, W) or (C, T, H, W)
        Of a video the frame in the middle is shown.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, 3)
        Scaled from the smallest to the largest finite value of all channels together.
    """
    still = sample if sample.ndim == 3 else sample[:, sample.shape[1] // 2]
    if len(still) != 3:
        return gray_levels(still.mean(axis=0) if len(still) > 1 else still[0])
    _, height, width = still.shape
    return np.moveaxis(gray_levels(still.reshape(3 * height, width)).reshape(still.shape), 0, 2)


def signed_levels(
    residual: NDArray[np.generic], lut: NDArray[np.uint8], limit: float | None = None
) -> NDArray[np.uint8]:
    """Draw a residual through a diverging color table, zero in its middle.

    Parameters
    ----------
    residual : ndarray, shape (H, W)
    lut : ndarray of uint8, shape (256, 3)
    limit : float, optional
        Value at the ends of the table; the largest absolute value if not given.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    values = np.nan_to_num(np.asarray(residual, np.float64))
    limit = float(np.abs(values).max()) if limit is None else limit
    share = 0.5 if limit == 0 else (values / limit + 1) / 2
    index = np.clip(np.floor(np.broadcast_to(share, values.shape) * 256), 0, 255)
    colored: NDArray[np.uint8] = lut[index.astype(np.intp)]
    return colored


def pattern_sheet(
    patterns: NDArray[np.generic], *, columns: int = 8, gap: int = 2
) -> NDArray[np.uint8]:
    """Lay patterns out in rows, each scaled by itself.

    Parameters
    ----------
    patterns : ndarray, shape (b, H, W)
    columns : int
        Patterns per row.
    gap : int
        Pixels between them, transparent.

    Returns
    -------
    ndarray of uint8, shape (height, width, 4)
        Red, green, blue and alpha.

    Raises
    ------
    ShapeError
        If there is no pattern, or they are not 2-D.
    """
    if patterns.ndim != 3 or len(patterns) == 0:
        message = f"A sheet needs patterns of shape (b, H, W), but got {patterns.shape}."
        raise ShapeError(message)
    count, height, width = patterns.shape
    columns = min(columns, count)
    lines = math.ceil(count / columns)
    sheet = np.zeros((lines * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for place, pattern in enumerate(patterns):
        top = place // columns * (height + gap)
        left = place % columns * (width + gap)
        sheet[top : top + height, left : left + width, :3] = gray_levels(pattern)[..., None]
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def placed_sheet(
    patterns: NDArray[np.generic],
    cells: NDArray[np.int64],
    side: int,
    lut: NDArray[np.uint8],
    *,
    limits: tuple[float, float] | None = None,
    gap: int = 2,
) -> NDArray[np.uint8]:
    """Draw each pattern in its cell of a square grid.

    Parameters
    ----------
    patterns : ndarray, shape (m, H, W)
    cells : ndarray of int64, shape (m, 2)
        Line, from the top, and column of each.
    side : int
        Lines and columns of the grid.
    lut : ndarray of uint8, shape (256, 3)
        Color table.
    limits : tuple of float, optional
        Values at its ends; each pattern's own smallest and largest if not given.
    gap : int
        Pixels between them, transparent, as are empty cells.

    Returns
    -------
    ndarray of uint8, shape (height, width, 4)
        Red, green, blue and alpha; NaN is transparent too.

    Raises
    ------
    ShapeError
        If patterns and cells don't go together.
    """
    if patterns.ndim != 3 or cells.shape != (len(patterns), 2):
        message = (
            f"Patterns of shape {patterns.shape} can't be drawn in cells of shape {cells.shape}."
        )
        raise ShapeError(message)
    _, height, width = patterns.shape
    sheet = np.zeros((side * (height + gap) - gap, side * (width + gap) - gap, 4), np.uint8)
    for pattern, (line, column) in zip(patterns, cells, strict=True):
        top, left = line * (height + gap), column * (width + gap)
        drawn = sheet[top : top + height, left : left + width]
        drawn[..., :3] = lut[gray_levels(pattern) if limits is None else _levels(pattern, limits)]
        drawn[..., 3] = np.where(np.isfinite(pattern), 255, 0)
    return sheet


def _levels(pattern: NDArray[np.generic], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Scale a pattern from given limits to 0..255, cut beyond them."""
    low, high = limits
    share = (np.nan_to_num(np.asarray(pattern, np.float64)) - low) / max(high - low, 1e-12)
    levels: NDArray[np.uint8] = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return levels
