"""Blurring and resizing, as products with two small matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Linear = Callable[[NDArray[np.float32]], NDArray[np.float32]]

# Where SciPy cuts its Gaussian, in σ.
_TRUNCATE = 4.0


def gaussian_matrix(n: int, sigma: float) -> NDArray[np.float32]:
    """Return the (n, n) matrix that blurs a vector as `scipy.ndimage.gaussian_filter1d` does.

    Borders are reflected about the edge of the last pixel (SciPy's mode ``"reflect"``), and the
    Gaussian is cut at four σ.
    """
    radius = int(_TRUNCATE * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    places = (np.arange(n)[:, None] + offsets) % (2 * n)
    places = np.where(places < n, places, 2 * n - 1 - places)
    matrix = np.zeros((n, n))
    np.add.at(matrix, (np.arange(n)[:, None], places), weights)
    return matrix.astype(np.float32)


def resize_matrix(n_in: int, n_out: int) -> NDArray[np.float32]:
    """Return the (n_out, n_in) matrix of bilinear resizing with antialiasing.

    The same weights as ``torch.nn.functional.interpolate(mode="bilinear", antialias=True)``: a
    triangle as wide as the coarser of both pixel sizes, normalized at the borders.
    """
    ratio = n_in / n_out
    width = max(ratio, 1.0)
    centers = (np.arange(n_out) + 0.5) * ratio
    distances = np.abs(np.arange(n_in) + 0.5 - centers[:, None]) / width
    matrix = np.maximum(0.0, 1.0 - distances)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix.astype(np.float32)


def sandwich(rows: NDArray[np.float32], columns: NDArray[np.float32]) -> Linear:
    """Return x ↦ rows · x · columnsᵀ over the last two axes, one product per sample.

    NumPy multiplies a stack matrix by matrix, so the size of the stack can't change the bits.
    """
    turned = np.ascontiguousarray(columns.T)
    return lambda x: np.matmul(rows, np.matmul(x, turned))


def resampling(
    shape: tuple[int, int], size: tuple[int, int] | None, smooth: float
) -> Linear | None:
    """Return smoothing and resizing as one product, or None where nothing is to be done.

    Parameters
    ----------
    shape, size : tuple of int
        (H, W) before and after.
    smooth : float
        σ of the Gaussian before resizing, in pixels.
    """
    smooths, resizes = smooth > 0, size not in (None, shape)
    if not (smooths or resizes):
        return None
    matrices = []
    for n_in, n_out in zip(shape, size or shape, strict=True):
        matrix = np.eye(n_in, dtype=np.float32)
        if smooths:
            matrix = gaussian_matrix(n_in, smooth)
        if resizes:
            matrix = resize_matrix(n_in, n_out) @ matrix
        matrices.append(matrix)
    return sandwich(*matrices)
