"""Samples that lie in one dataset of an HDF5 file."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid, SourceRef
from latentcore.errors import RequestError
from latentcore.readers._hdf5_rows import Hdf5Rows
from latentcore.storage import content_fingerprint

__all__ = ["Hdf5Source"]


class Hdf5Source:
    """A `SampleSource` over one dataset of images.

    Parameters
    ----------
    ref : SourceRef
    path : Path
        Where the file lies.
    file : h5py.File
        Belongs to the source from now on.
    rows : Hdf5Rows
        The images, n of them.
    sample_ids : ndarray of str, shape (n,)
    grid : ScanGrid or None
    partition : ndarray of str, shape (n,), or None
    labels : ndarray of int32, shape (n,), or None
    """

    def __init__(
        self,
        *,
        ref: SourceRef,
        path: Path,
        file: h5py.File,
        rows: Hdf5Rows,
        sample_ids: NDArray[np.str_],
        grid: ScanGrid | None = None,
        partition: NDArray[np.str_] | None = None,
        labels: NDArray[np.int32] | None = None,
    ) -> None:
        self.ref = ref
        self.sample_ids = sample_ids
        self.grid = grid
        self.partition = partition
        self.labels = labels
        self.sample_shape: tuple[int, int, int] = rows.sample_shape
        self.dtype = rows.dtype
        self.block_rows = rows.block_rows
        self._path = path
        self._file = file
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked: (b, C, H, W) in the file's dtype.

        Raises
        ------
        RequestError
            If a row doesn't exist, or the source was closed.
        """
        if not self._file:
            message = (
                f"{self._path.name!r} was closed, so its samples can't be read any more. Read "
                "them within the 'with' block, or open the file again."
            )
            raise RequestError(message)
        return self._rows.read(rows)

    def fingerprint(self) -> str:
        """Return text that changes when the file's content changes."""
        return content_fingerprint(self._path)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
