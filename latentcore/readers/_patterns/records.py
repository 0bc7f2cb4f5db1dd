"""Patterns that lie somewhere in one file, mapped into memory."""

from __future__ import annotations

import math
import os
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import MalformedFileError
from latentcore.readers._rows import row_numbers

# More than any detector has, and more points than any scan.
_MOST_PIXELS = 1 << 28
_MOST_POINTS = 1 << 25
_BLOCK_BYTES = 2 << 20


class MappedRows:
    """Images at n places of a file, which several threads may read.

    Parameters
    ----------
    path : Path
    starts : ndarray of int64, shape (n,)
        Where each image begins; all lie within the file as it is now.
    size : tuple of int
        (H, W).
    dtype : numpy.dtype
        Of the pixels.
    """

    def __init__(
        self,
        path: Path,
        starts: NDArray[np.int64],
        size: tuple[int, int],
        dtype: np.dtype[np.generic],
    ) -> None:
        self.sample_shape = (1, *size)
        self.dtype = dtype
        self._path = path
        self._starts = starts
        self._row_bytes = math.prod(size) * dtype.itemsize
        self._end = int(starts.max()) + self._row_bytes
        self.block_rows = max(1, min(len(starts), _BLOCK_BYTES // self._row_bytes))
        self._file = path.open("rb", buffering=0)
        self._bytes: NDArray[np.uint8] = np.memmap(self._file, np.uint8, mode="r")
        # Closed with its last reference, as h5py does.
        self._close = weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return not self._close.alive

    def close(self) -> None:
        """Close the file; a read in another thread ends as it began."""
        self._close()
        self._bytes = np.empty(0, np.uint8)

    def first(self, n: int) -> Self:
        """Return the first n images only, and close this one's file."""
        self.close()
        size = (self.sample_shape[1], self.sample_shape[2])
        return type(self)(self._path, self._starts[:n], size, self.dtype)

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked, shape (b, 1, H, W)."""
        if not isinstance(rows, slice):
            rows = row_numbers(rows, len(self), self._path.name)
        starts = self._starts[rows]
        mapped = self._whole()
        images = np.empty((len(starts), self._row_bytes), np.uint8)
        for place, start in enumerate(starts.tolist()):
            images[place] = mapped[start : start + self._row_bytes]
        return images.view(self.dtype).reshape(len(starts), *self.sample_shape)

    def _whole(self) -> NDArray[np.uint8]:
        """Return the mapped file; reading behind its end would end the program."""
        mapped = self._bytes
        if os.fstat(self._file.fileno()).st_size < self._end:
            message = f"{self._path.name!r} became shorter while it was open. Open it again."
            raise MalformedFileError(message)
        return mapped.view(np.ndarray)


@dataclass(frozen=True, eq=False)
class PatternFile:
    """What a file of patterns says of itself, checked against its size.

    Attributes
    ----------
    path : Path
    starts : ndarray of int64, shape (n,)
        Where each stored pattern begins.
    size : tuple of int
        (H, W).
    dtype : numpy.dtype
    point : ndarray of int64, shape (n,)
        Which point of the scan each pattern is of, counted row by row.
    points : int
        How many points the scan has, stored or not.
    grid : ScanGrid or None
        Where the n patterns are, if the file says so.
    notes, grid_notes : tuple of str
        For the user: on the file, and on its own grid.
    """

    path: Path
    starts: NDArray[np.int64]
    size: tuple[int, int]
    dtype: np.dtype[np.generic]
    point: NDArray[np.int64]
    points: int
    grid: ScanGrid | None = None
    notes: tuple[str, ...] = ()
    grid_notes: tuple[str, ...] = ()

    def rows(self) -> MappedRows:
        """Open the patterns."""
        return MappedRows(self.path, self.starts, self.size, self.dtype)


def check_size(path: Path, size: tuple[int, int]) -> None:
    """Refuse patterns that no detector takes.

    Raises
    ------
    MalformedFileError
    """
    if not 0 < size[0] * size[1] <= _MOST_PIXELS or min(size) < 1:
        message = (
            f"{path.name!r} declares patterns of {size[1]:,} × {size[0]:,} pixels, which no "
            "detector takes. Copy the file again from where it was recorded."
        )
        raise MalformedFileError(message)


def check_points(path: Path, points: int) -> None:
    """Refuse more points than any scan has.

    Raises
    ------
    MalformedFileError
    """
    if points > _MOST_POINTS:
        message = f"{path.name!r} declares {points:,} patterns, more than any scan has; refused."
        raise MalformedFileError(message)
