"""How far a scan was written: a stopped one may be filled up with black patterns."""

from __future__ import annotations

import math
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["written_rows"]

# A file may declare more black patterns than anybody wants to wait for.
_MOST_LOOKED_BYTES = 1 << 29


class _Rows(Protocol):
    @property
    def sample_shape(self) -> tuple[int, int, int]: ...

    @property
    def dtype(self) -> np.dtype[np.generic]: ...

    @property
    def block_rows(self) -> int: ...

    def __len__(self) -> int: ...

    def read(self, rows: slice) -> NDArray[np.generic]: ...

    def first(self, n: int) -> Self: ...


R = TypeVar("R", bound=_Rows)


def written_rows(rows: R) -> tuple[R, tuple[str, ...]]:
    """Leave out the black patterns at the end of a scan, and tell how many there were.

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


def _last_lit(rows: _Rows) -> tuple[int, bool]:
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
