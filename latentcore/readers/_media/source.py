"""Samples that are files of their own, decoded when they are asked for."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid, SourceRef
from latentcore.errors import MalformedFileError, RequestError
from latentcore.readers._media.folder import MediaFiles
from latentcore.storage import content_fingerprint

__all__ = ["MediaSource"]

_MOST_ELEMENTS = 1 << 28


class MediaSource:
    """A `SampleSource` over pictures or videos.

    Nothing stays open between reads, so that it may be shared between threads and survives a
    fork; what is in memory is what was asked for.

    Parameters
    ----------
    ref : SourceRef
        Its options are those that decide how a file becomes a sample, as text.
    files : MediaFiles
    sample_shape : tuple of int
        (C, H, W) or (C, T, H, W).
    dtype : dtype
    decode : callable
        ``decode(path) → ndarray`` of that shape and dtype.
    """

    grid: ScanGrid | None = None
    # Every sample is a file by itself.
    block_rows = 1

    def __init__(
        self,
        *,
        ref: SourceRef,
        files: MediaFiles,
        sample_shape: tuple[int, ...],
        dtype: np.dtype[np.generic],
        decode: Callable[[Path], NDArray[np.generic]],
    ) -> None:
        if math.prod(sample_shape) > _MOST_ELEMENTS:
            message = (
                f"A sample of shape {sample_shape} has {math.prod(sample_shape):,} values; at "
                f"most {_MOST_ELEMENTS:,} are read. Ask for a lower resolution or fewer frames."
            )
            raise MalformedFileError(message)
        self.ref = ref
        self.sample_shape = sample_shape
        self.dtype = dtype
        self.sample_ids = files.ids
        self.partition = files.partition
        self.labels = files.labels
        self._files = files
        self._decode = decode
        self._fingerprint = ""
        self._closed = False

    def __len__(self) -> int:
        return len(self._files.paths)

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Decode rows in the order asked: (b, C, H, W) or (b, C, T, H, W).

        Raises
        ------
        RequestError
            If a row doesn't exist, or the source was closed.
        MalformedFileError
            If a file is damaged; the message names it.
        """
        if self._closed:
            message = (
                f"{self.ref.location!r} was closed, so its samples can't be read any more. Read "
                "them within the 'with' block, or open it again."
            )
            raise RequestError(message)
        numbers = self._numbers(rows)
        samples = np.empty((len(numbers), *self.sample_shape), self.dtype)
        for place, row in enumerate(numbers):
            samples[place] = self._decode(self._files.paths[row])
        return samples

    def fingerprint(self) -> str:
        """Return text that changes when a file, its name or the way of reading it changes."""
        if not self._fingerprint:
            digest = hashlib.blake2b(digest_size=16)
            digest.update(content_fingerprint(*self._files.paths).encode())
            for text in (*self.sample_ids, *map(str, sorted(self.ref.options.items()))):
                digest.update(f"\n{text}".encode("utf-8", "surrogateescape"))
            self._fingerprint = f"blake2b:{digest.hexdigest()}"
        return self._fingerprint

    def close(self) -> None:
        """Read no more."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _numbers(self, asked: object) -> NDArray[np.int64]:
        if isinstance(asked, slice):
            return np.arange(len(self), dtype=np.int64)[asked]
        rows = np.asarray(asked)
        if rows.ndim != 1 or (rows.dtype.kind not in "iu" and rows.size):
            message = (
                f"Rows are asked for by a slice or by whole numbers of shape (b,), but these are "
                f"{rows.dtype} of shape {rows.shape}. Turn a mask into numbers: "
                "np.flatnonzero(mask)."
            )
            raise RequestError(message)
        outside = rows[(rows < 0) | (rows >= len(self))]
        if len(outside):
            message = (
                f"Row {outside[0]} was asked for, but {self.ref.location!r} has rows 0 to "
                f"{len(self) - 1}."
            )
            raise RequestError(message)
        return rows.astype(np.int64)
