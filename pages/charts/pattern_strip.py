"""Several patterns side by side, on gray scales that can be compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WIDTH = 150
_GAP = 8


def gray_range(patterns: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the smallest and the largest finite value of each pattern.

    Parameters
    ----------
    patterns : ndarray, shape (k, H, W)

    Returns
    -------
    ndarray of float64, shape (k, 2)
        Apart from each other, so that they make a scale.
    """
    flat = np.asarray(patterns, np.float64).reshape(len(patterns), -1)
    finite = np.isfinite(flat)
    low = np.where(finite, flat, np.inf).min(axis=1)
    high = np.where(finite, flat, -np.inf).max(axis=1)
    low, high = (np.where(np.isfinite(end), end, 0.0) for end in (low, high))
    return np.column_stack([low, np.maximum(high, low + 1e-9)])


def pattern_strip(
    patterns: NDArray[np.floating],
    ranges: NDArray[np.floating],
    *,
    width: int = _WIDTH,
    table: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Lay patterns out in one row.

    Parameters
    ----------
    patterns : ndarray, shape (k, H, W)
    ranges : ndarray, shape (k, 2) or (2,)
        Values that become black and white: those of `gray_range`, of these patterns or of others
        that they are to be compared with. What lies beyond is cut.
    width : int
        Of one pattern in pixels, about: it is enlarged by a whole number, because browsers blur
        small pictures.
    table : ndarray of uint8, shape (256, 3), optional
        Colors in place of grays.

    Returns
    -------
    ndarray of uint8, shape (height, width, 4)
        Red, green, blue and alpha; transparent between the patterns.
    """
    low, high = np.broadcast_to(ranges, (len(patterns), 2)).T[:, :, None, None]
    scaled = (np.nan_to_num(np.asarray(patterns, np.float64)) - low) / (high - low)
    gray = np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8)
    factor = max(1, round(width / gray.shape[2]))
    large = gray.repeat(factor, axis=1).repeat(factor, axis=2)
    count, tall, wide = large.shape
    sheet = np.zeros((tall, count * (wide + _GAP) - _GAP, 4), np.uint8)
    for number, pattern in enumerate(large):
        place = slice(number * (wide + _GAP), number * (wide + _GAP) + wide)
        sheet[:, place, :3] = pattern[..., None] if table is None else table[pattern]
        sheet[:, place, 3] = 255
    return sheet
