"""How far a scan was written: a stopped one may be filled up with black patterns."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["written_rows"]


class _Rows(Protocol):
    @property
    def block_rows(self) -> int: ...

    def __len__(self) -> int: ...

    def read(self, rows: slice) -> NDArray[np.generic]: ...

    def first(self, n: int) -> Self: ...


R = TypeVar("R", bound=_Rows)


def written_rows(rows: R) -> tuple[R, tuple[str, ...]]:
    """Leave out the black patterns at the end of a scan, and tell how many there were.

    One pattern is read where a scan is complete. Black patterns before the last measured one
    stay: the beam may have been off. A scan that is black as a whole stays as it is.
    """
    end = len(rows)
    while end > 0:
        start = max(0, end - (1 if end == len(rows) else rows.block_rows))
        lit = np.flatnonzero(rows.read(slice(start, end)).any(axis=(1, 2, 3)))
        if len(lit):
            end = start + int(lit[-1]) + 1
            break
        end = start
    if end == len(rows):
        return rows, ()
    if end == 0:
        return rows, (f"All {len(rows):,} patterns are black.",)
    note = (
        f"The last {len(rows) - end:,} of {len(rows):,} patterns are black: the scan was not "
        f"finished, and its first {end:,} patterns are read."
    )
    return rows.first(end), (note,)
