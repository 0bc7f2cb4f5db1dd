"""Latents that stay in their HDF5 file: plain float32 rows, one after the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import JoinedMatrix, StoredMatrix
from latentcore.errors import MalformedFileError

# Smaller ones are read at once: all later work is then faster.
_LARGE_BYTES = 1 << 29


@dataclass(frozen=True)
class StoredRows:
    """Rows of a contiguous dataset, read by their place in the file.

    Not mapped into memory: where another program cuts off a mapped file, the whole process ends.

    Attributes
    ----------
    offset : int
        Where the first row begins, in bytes.
    version : tuple of int
        Of the file, which is refused when it is another one.
    """

    path: Path
    offset: int
    shape: tuple[int, int]
    version: tuple[int, ...]

    def read(self, rows: slice) -> NDArray[np.float32]:
        """Return neighboring rows, shape (b, d)."""
        n, d = self.shape
        start, stop, _ = rows.indices(n)
        values = np.empty((max(0, stop - start), d), np.float32)
        try:
            with self.path.open("rb", buffering=0) as file:
                same = _version(file.fileno()) == self.version
                file.seek(self.offset + start * d * values.itemsize)
                got = _fill(file.fileno(), values.data.cast("B")) if same else 0
        except OSError as error:
            raise self._gone() from error
        if not same or got != values.nbytes:
            raise self._gone()
        return values

    def load(self) -> NDArray[np.float32]:
        """Return all rows."""
        return self.read(slice(None))

    def _gone(self) -> MalformedFileError:
        message = (
            f"The latents {self.path.name!r} were changed or deleted while they were open. "
            "Open them again."
        )
        return MalformedFileError(message)


def stored_rows(parts: Sequence[h5py.Dataset], path: Path) -> StoredMatrix | None:
    """Return how to read large datasets (n, d) by need; None where they are to be read at once."""
    parts = [part for part in parts if len(part)]
    if sum(part.nbytes for part in parts) < _LARGE_BYTES:
        return None
    found = [_rows_of(part, path) for part in parts]
    known = [rows for rows in found if rows is not None]
    if not known or len(known) < len(found):
        return None
    return known[0] if len(known) == 1 else JoinedMatrix(known)


def _rows_of(found: h5py.Dataset, path: Path) -> StoredRows | None:
    offset, stat = found.id.get_offset(), path.stat()
    plain = found.dtype == np.dtype("<f4") and found.chunks is None
    if not plain or offset is None or offset + found.nbytes > stat.st_size:
        return None  # the reader says what is wrong with a file that is cut off
    n, d = found.shape
    rows = StoredRows(path, offset, (n, d), _of_stat(stat))
    last = slice(n - 1, n)
    # HDF5 itself is asked once whether its rows are where it says.
    return rows if rows.read(last).tobytes() == found[last].tobytes() else None


def _fill(file: int, memory: memoryview) -> int:
    got = 0
    while got < len(memory):
        more = os.readv(file, [memory[got : got + (1 << 30)]])
        if more == 0:
            break
        got += more
    return got


def _version(file: int) -> tuple[int, ...]:
    return _of_stat(os.fstat(file))


def _of_stat(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
