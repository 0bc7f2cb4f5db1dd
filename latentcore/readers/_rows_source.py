"""Samples whose images are rows of one open file."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid, SourceRef
from latentcore.errors import RequestError
from latentcore.storage import content_fingerprint

__all__ = ["ImageRows", "RowsSource"]


class ImageRows(Protocol):
    """n images of one open file."""

    sample_shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    block_rows: int

    def __len__(self) -> int: ...

    @property
    def closed(self) -> bool:
        """Whether the file was let go."""
        ...

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked, shape (b, C, H, W)."""
        ...

    def close(self) -> None:
        """Let go of the file."""
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
        What is to be told about the file.
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
        """Read rows in the order asked: (b, C, H, W) in the file's dtype.

        Raises
        ------
        RequestError
            If a row doesn't exist, or the source was closed.
        """
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
        """Let go of the file."""
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
