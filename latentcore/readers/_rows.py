"""Samples whose images are rows of one open file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid, SourceRef
from latentcore.errors import RequestError
from latentcore.storage import content_fingerprint


def row_numbers(asked: object, n: int, name: str) -> NDArray[np.int64]:
    """Return row numbers as int64; a mask, read as the rows 0 and 1, would pass unnoticed.

    Parameters
    ----------
    asked : array_like, shape (b,)
    n : int
        How many rows there are.
    name : str
        What they are rows of, for messages.
    """
    rows = np.asarray(asked)
    if rows.ndim != 1 or (rows.dtype.kind not in "iu" and rows.size):
        hint = " Turn a mask into numbers: np.flatnonzero(mask)." if rows.dtype == bool else ""
        message = (
            f"Rows are asked for by a slice or by whole numbers of shape (b,), but these are "
            f"{rows.dtype} of shape {rows.shape}.{hint}"
        )
        raise RequestError(message)
    outside = rows[(rows < 0) | (rows >= n)]
    if len(outside):
        message = f"Row {outside[0]} was asked for, but {name!r} has rows 0 to {n - 1}."
        raise RequestError(message)
    return rows.astype(np.int64)


class ImageRows(Protocol):
    """n images of one open file."""

    sample_shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    block_rows: int

    def __len__(self) -> int: ...

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        ...

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked, shape (b, C, H, W)."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class RowsSource:
    """A `SampleSource` over the images of one file.

    Parameters
    ----------
    paths : tuple of Path
        The files it is made of, the one of the images first.
    rows : ImageRows
        The images, n of them; their file belongs to the source from now on.
    sample_ids : ndarray of str, shape (n,)
    partition : ndarray of str, shape (n,), or None
    labels : ndarray of int32, shape (n,), or None
    notes : tuple of str
        About the file, for the user.
    """

    def __init__(
        self,
        *,
        ref: SourceRef,
        paths: tuple[Path, ...],
        rows: ImageRows,
        sample_ids: NDArray[np.str_],
        grid: ScanGrid | None = None,
        partition: NDArray[np.str_] | None = None,
        labels: NDArray[np.int32] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.ref = ref
        self.sample_ids = sample_ids
        self.grid = grid
        self.partition = partition
        self.labels = labels
        self.notes = notes
        self.sample_shape: tuple[int, ...] = rows.sample_shape
        self.dtype = rows.dtype
        self.block_rows = rows.block_rows
        self._paths = paths
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked: (b, C, H, W) in the file's dtype."""
        if self._rows.closed:
            message = (
                f"{self._paths[0].name!r} was closed, so its samples can't be read any more. Read "
                "them within the 'with' block, or open the file again."
            )
            raise RequestError(message)
        return self._rows.read(rows)

    def fingerprint(self) -> str:
        """Return text that changes when the file's content changes."""
        return content_fingerprint(*self._paths)

    def close(self) -> None:
        """Close the file."""
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


# A file may declare more black patterns than anybody wants to wait for.
_MOST_LOOKED_BYTES = 1 << 29


class _Shortened(ImageRows, Protocol):
    def first(self, n: int) -> Self: ...


R = TypeVar("R", bound=_Shortened)


def written_rows(rows: R) -> tuple[R, tuple[str, ...]]:
    """Leave out the black patterns at the end of a scan, and report how many there were.

    One pattern is read where a scan is complete. Black patterns before the last measured one
    stay: the beam may have been off. A scan that is black as far as one looks stays as it is.
    """
    end, looked_at_all = _last_lit(rows)
    if end == len(rows):
        return rows, ()
    if looked_at_all and end > 0:
        note = (
            f"The last {len(rows) - end:,} of {len(rows):,} patterns are black: the scan was not "
            f"finished, and its first {end:,} patterns are read."
        )
        return rows.first(end), (note,)
    black = "All" if end == 0 else f"At least the last {len(rows) - end:,} of"
    return rows, (f"{black} {len(rows):,} patterns are black.",)


def _last_lit(rows: ImageRows) -> tuple[int, bool]:
    """Return how many patterns there are up to the last lit one, and whether that was found out."""
    total = len(rows)
    step = 1
    most = _MOST_LOOKED_BYTES // (math.prod(rows.sample_shape) * rows.dtype.itemsize)
    end = total
    while end > 0:
        if total - end > most:
            return end, False
        start = max(0, end - step)
        lit = np.flatnonzero(rows.read(slice(start, end)).any(axis=(1, 2, 3)))
        if len(lit):
            return start + int(lit[-1]) + 1, True
        end, step = start, rows.block_rows
    return 0, True
