"""Latents that stay in their files until somebody needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class StoredMatrix(Protocol):
    """Latents that stay in their file until somebody needs them."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and dimensions."""
        ...

    def read(self, rows: slice) -> NDArray[np.float32]:
        """Return neighboring rows, shape (b, d).

        Raises
        ------
        MalformedFileError
            If the file was changed since it was opened.
        """
        ...

    def load(self) -> NDArray[np.float32]:
        """Return all rows, shape (n, d)."""
        ...


@dataclass(frozen=True)
class JoinedMatrix:
    """Stored latents, one after the other: partitions of a file, scans of a collection.

    Attributes
    ----------
    parts : sequence of StoredMatrix
        One at least, all of as many dimensions.
    """

    parts: Sequence[StoredMatrix]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and dimensions."""
        return int(self._ends[-1]), self.parts[0].shape[1]

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum([part.shape[0] for part in self.parts])

    def read(self, rows: slice) -> NDArray[np.float32]:
        """Return neighboring rows, shape (b, d)."""
        n, d = self.shape
        start, stop, _ = rows.indices(n)
        values = np.empty((max(0, stop - start), d), np.float32)
        for end, part in zip(self._ends.tolist(), self.parts, strict=True):
            begin = end - part.shape[0]
            first, last = max(start, begin), min(stop, end)
            if first < last:
                values[first - start : last - start] = part.read(slice(first - begin, last - begin))
        return values

    def load(self) -> NDArray[np.float32]:
        """Return all rows."""
        return self.read(slice(None))
