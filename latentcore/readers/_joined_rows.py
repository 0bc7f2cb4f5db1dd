"""Images that lie in several datasets of one HDF5 file, as if they lay in one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError
from latentcore.readers._hdf5_rows import Hdf5Rows
from latentcore.readers._row_numbers import row_numbers

__all__ = ["JoinedRows"]


class JoinedRows:
    """The rows of one dataset after those of another; see `latentcore.readers._rows_source`.

    Parameters
    ----------
    parts : Mapping of str to Hdf5Rows
        By the datasets' names, in their order; all over one file.
    name : str
        The file's, for messages.

    Raises
    ------
    MalformedFileError
        If their images differ in shape.
    """

    def __init__(self, parts: Mapping[str, Hdf5Rows], name: str) -> None:
        self._parts = list(parts.values())
        shapes = {key: rows.sample_shape for key, rows in parts.items()}
        if len(set(shapes.values())) > 1:
            told = ", ".join(f"{key!r} {shape}" for key, shape in shapes.items())
            message = (
                f"The partitions of {name!r} hold images of different shapes (channels, height, "
                f"width): {told}. Write them to files of their own."
            )
            raise MalformedFileError(message)
        self._name = name
        self._ends = np.cumsum([len(rows) for rows in self._parts])
        longest = max(self._parts, key=len)
        self.sample_shape = longest.sample_shape
        self.dtype: np.dtype[np.generic] = np.result_type(*(rows.dtype for rows in self._parts))
        self.block_rows = longest.block_rows

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return self._parts[0].closed

    def close(self) -> None:
        """Close the file."""
        self._parts[0].close()

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked, shape (b, C, H, W).

        Raises
        ------
        RequestError
            If a row doesn't exist.
        MalformedFileError
            If the file is damaged there.
        """
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        wanted = row_numbers(rows, len(self), self._name)
        owner = np.searchsorted(self._ends, wanted, side="right")
        images = np.empty((len(wanted), *self.sample_shape), self.dtype)
        for number in np.unique(owner):
            mine = np.flatnonzero(owner == number)
            local = wanted[mine] - (self._ends[number] - len(self._parts[number]))
            images[_as_slice(mine)] = self._parts[number].read(_as_slice(local))
        return images


def _as_slice(rows: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Return neighboring rows as a slice, which is read and written without an index."""
    first, last = int(rows[0]), int(rows[-1])
    if last + 1 - first == len(rows) and (np.diff(rows) == 1).all():
        return slice(first, last + 1)
    return rows
