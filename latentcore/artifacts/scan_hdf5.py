"""Write a scan of patterns in the seed's HDF5 layout, which `kikuchi-hdf5` reads."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

_CHUNK_ROWS = 64


def write_scan(path: Path, images: NDArray[np.generic], coords: NDArray[np.int32]) -> None:
    """Write ``images`` and ``coords``.

    Parameters
    ----------
    images : ndarray, shape (n, C, H, W)
        Written in chunks of whole rows. Noisy patterns hardly shrink, so they are not zipped.
    coords : ndarray of int32, shape (n, 2)
        [x, y].
    """
    chunk = (min(_CHUNK_ROWS, len(images)), *images.shape[1:])
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, chunks=chunk)
        file.create_dataset("coords", data=coords)
