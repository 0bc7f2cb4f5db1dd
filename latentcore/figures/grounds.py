"""Color maps on a dark ground: their dark ends must not drown in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.figures.colors import RGB, Theme, lut

# Lightness L* of the darkest color on a dark ground, whose own is about 7.
_LEAST = 30.0
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
_WHITE = _TO_XYZ.sum(axis=1)


def lut_on(name: str, theme: Theme) -> RGB:
    """Return a color map as a table for a light or a dark ground.

    On a dark ground lightness L* becomes 30 + 0.7 L*, a* and b* stay: what was perceptually
    uniform remains so, and black is a gray that is seen.

    Returns
    -------
    ndarray of uint8, shape (256, 3)

    Notes
    -----
    CIE 1976 L*a*b* with the white of sRGB (IEC 61966-2-1); colors outside of sRGB are clipped.
    """
    table = lut(name)
    if theme != "dark":
        return table
    x, y, z = _lab_axes(table)
    lift = (_LEAST + 16 + (1 - _LEAST / 100) * (116 * y - 16)) / 116 - y
    return _from_lab_axes(np.stack([x + lift, y + lift, z + lift]))


def _lab_axes(table: RGB) -> NDArray[np.float64]:
    """Return f(X), f(Y) and f(Z), from which L*a*b* are differences, shape (3, n)."""
    channels = table / 255
    linear = np.where(channels > 0.04045, ((channels + 0.055) / 1.055) ** 2.4, channels / 12.92)
    ratios = (linear @ _TO_XYZ.T / _WHITE).T
    axes: NDArray[np.float64] = np.where(
        ratios > 216 / 24389, np.cbrt(ratios), (24389 / 27 * ratios + 16) / 116
    )
    return axes


def _from_lab_axes(axes: NDArray[np.float64]) -> RGB:
    ratios = np.where(axes > 6 / 29, axes**3, (116 * axes - 16) * 27 / 24389)
    linear = np.clip((ratios.T * _WHITE) @ np.linalg.inv(_TO_XYZ).T, 0, 1)
    channels = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    table: RGB = np.rint(255 * channels).astype(np.uint8)
    return table
