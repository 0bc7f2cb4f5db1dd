"""Images that follow each other in a file without any header."""

from __future__ import annotations

import math
import threading
import weakref
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError
from latentcore.readers._row_numbers import row_numbers

__all__ = ["RawRows"]

_BLOCK_BYTES = 2 << 20


class RawRows:
    """Images of unsigned bytes, which several threads may read.

    Parameters
    ----------
    size : tuple of int
        (H, W).
    n : int, optional
        How many are read; all that the file holds whole, if not given.

    Raises
    ------
    MalformedFileError
        If the file doesn't hold a single one.
    """

    def __init__(self, path: Path, size: tuple[int, int], n: int | None = None) -> None:
        self.sample_shape = (1, *size)
        self.dtype: np.dtype[np.generic] = np.dtype(np.uint8)
        self._row_bytes = math.prod(size)
        self._path = path
        there = path.stat().st_size // self._row_bytes
        self._n = there if n is None else min(n, there)
        if self._n == 0:
            message = (
                f"{path.name!r} has {path.stat().st_size:,} bytes, less than one pattern of "
                f"{size[0]} × {size[1]} pixels. Copy it again."
            )
            raise MalformedFileError(message)
        self.block_rows = max(1, min(self._n, _BLOCK_BYTES // self._row_bytes))
        self._file = path.open("rb", buffering=0)
        self._lock = threading.Lock()
        # Whoever lets go of it last closes it, as h5py does.
        self._close = weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._n

    @property
    def closed(self) -> bool:
        """Whether the file was let go."""
        return not self._close.alive

    def close(self) -> None:
        """Let go of the file."""
        self._close()

    def first(self, n: int) -> Self:
        """Return the first n images only, and let go of this one's file."""
        self.close()
        return type(self)(self._path, (self.sample_shape[1], self.sample_shape[2]), n)

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked, shape (b, 1, H, W).

        Raises
        ------
        RequestError
            If a row doesn't exist.
        MalformedFileError
            If the file has become shorter.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self._n)
            if step == 1:
                return self._run(start, max(0, stop - start))
            rows = np.arange(start, stop, step)
        numbers = row_numbers(rows, self._n, self._path.name)
        images = np.empty((len(numbers), *self.sample_shape), np.uint8)
        for place, number in enumerate(numbers.tolist()):
            images[place] = self._run(number, 1)[0]
        return images

    def _run(self, start: int, count: int) -> NDArray[np.uint8]:
        images = np.empty((count, *self.sample_shape), np.uint8)
        left = images.reshape(-1).data
        with self._lock:
            self._file.seek(start * self._row_bytes)
            while left:
                got = self._file.readinto(left)
                if not got:
                    message = (
                        f"{self._path.name!r} ends before its pattern {start + count - 1}: it "
                        "became shorter while it was open. Open it again."
                    )
                    raise MalformedFileError(message)
                left = left[got:]
        return images
