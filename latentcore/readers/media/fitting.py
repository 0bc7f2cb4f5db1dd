"""Bring a picture to a size: crop, pad or stretch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["fitted"]


def fitted(pixels: NDArray[np.generic], size: tuple[int, int], fit: str) -> NDArray[np.generic]:
    """Return a picture of another size, in the same dtype.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16, shape (h, w, C)
    size : tuple of int
        (H, W).
    fit : str
        See `latentcore.readers.media.reading.Reading`. A picture of that size already is
        returned as it is.

    Returns
    -------
    ndarray, shape (H, W, C)
    """
    h, w = pixels.shape[:2]
    if (h, w) == size:
        return pixels
    height, width = size
    if fit == "pad":
        scale = min(height / h, width / w)
        inner = max(1, round(h * scale)), max(1, round(w * scale))
        padded = np.zeros((height, width, pixels.shape[2]), pixels.dtype)
        top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
        padded[top : top + inner[0], left : left + inner[1]] = _resized(pixels, inner, (0, 0, w, h))
        return padded
    box = (0.0, 0.0, float(w), float(h))
    if fit == "crop":
        scale = min(h / height, w / width)
        used_h, used_w = height * scale, width * scale
        x0, y0 = (w - used_w) / 2, (h - used_h) / 2
        box = (x0, y0, x0 + used_w, y0 + used_h)
    return _resized(pixels, size, box)


def _resized(
    pixels: NDArray[np.generic], size: tuple[int, int], box: tuple[float, float, float, float]
) -> NDArray[np.generic]:
    """Resize a window (x0, y0, x1, y1); of 16 bits each channel by itself, as Pillow can."""
    if pixels.dtype == np.uint8:
        image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
        resized = np.asarray(_with_pillow(image, size, box))
        return resized.reshape(*size, pixels.shape[2])
    out = np.empty((*size, pixels.shape[2]), pixels.dtype)
    for channel in range(pixels.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(pixels[:, :, channel], np.float32))
        out[:, :, channel] = np.rint(np.asarray(_with_pillow(plane, size, box)))
    return out


def _with_pillow(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Image.Image:
    return image.resize(size[::-1], Image.Resampling.BILINEAR, box=box)
