"""Seed Kikuchi HDF5: ``images`` (N, 1, H, W) or (N, H, W), ``coords`` (N, 2)."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

__all__ = ["full_grid", "patterns", "write_kikuchi"]


def full_grid(
    columns: int, rows: int, *, x0: int = 0, y0: int = 0, step: int = 1
) -> NDArray[np.int32]:
    """Return [x, y] of a full grid, row-major, x fastest: (columns·rows, 2)."""
    y, x = np.mgrid[0:rows, 0:columns]
    return (np.column_stack([x.ravel(), y.ravel()]) * step + [x0, y0]).astype(np.int32)


def patterns(
    n: int, size: tuple[int, int] = (8, 8), *, dtype: str = "uint8", seed: int = 0
) -> NDArray[np.generic]:
    """Return n distinct patterns (n, 1, H, W): noise on two alternating families of bands."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[0 : size[0], 0 : size[1]]
    family = np.arange(n) % 2
    bands = np.where(family[:, None, None] == 0, np.sin(row), np.sin(column))
    values = 120 + 60 * bands + rng.normal(0, 8, (n, *size))
    return np.clip(values, 0, 255)[:, None].astype(dtype)


def write_kikuchi(
    path: Path,
    coords: NDArray[np.integer] | None = None,
    images: NDArray[np.generic] | None = None,
    *,
    chunk_rows: int | None = None,
    compression: str | None = None,
) -> Path:
    """Write a scan and return its path.

    Parameters
    ----------
    path : Path
    coords : ndarray of int, shape (n, 2), optional
        [x, y] per pattern, in any order; by default a full grid of 6 × 5 points.
    images : ndarray, shape (n, 1, H, W) or (n, H, W), optional
        By default `patterns` of 8 × 8 pixels.
    chunk_rows : int, optional
        Patterns per chunk; contiguous without it.
    compression : str, optional
        ``"gzip"`` needs chunks.
    """
    coords = full_grid(6, 5) if coords is None else coords
    images = patterns(len(coords)) if images is None else images
    chunks = None if chunk_rows is None else (min(chunk_rows, len(images)), *images.shape[1:])
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, chunks=chunks, compression=compression)
        file.create_dataset("coords", data=coords)
    return path
