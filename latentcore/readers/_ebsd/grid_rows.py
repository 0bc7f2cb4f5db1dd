"""Patterns of a dataset that is folded to the scan's shape: (R, S, H, W)."""

from __future__ import annotations

import math
import threading

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.readers._hdf5_rows import Hdf5Rows, block_rows, checked, open_with_cache

__all__ = ["Hdf5GridRows"]


class Hdf5GridRows(Hdf5Rows):
    """Images of a dataset (R, S, H, W), numbered row by row.

    Parameters and attributes as `Hdf5Rows`.
    """

    def __init__(self, file: h5py.File, key: str) -> None:
        shape, chunks, self.dtype = checked(file, key)
        self._file = file
        self._across = shape[1]
        self._channel_axis = False
        self._n = shape[0] * shape[1]
        self.sample_shape = (1, shape[2], shape[3])
        self._row_bytes = math.prod(shape[2:]) * self.dtype.itemsize
        together = chunks[0] * shape[1] if chunks else 1
        self.block_rows = block_rows(self._n, self._row_bytes, together)
        self._dataset = open_with_cache(file, key, shape, chunks, self.dtype.itemsize)
        self._lock = threading.Lock()

    def _fill(self, target: NDArray[np.generic], start: int, stop: int) -> None:
        done = start
        while done < stop:
            row, col = divmod(done, self._across)
            end = min(stop, (row + 1) * self._across)
            target[done - start : end - start] = self._dataset[row, col : col + end - done]
            done = end
