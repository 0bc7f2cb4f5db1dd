"""Samples that are files of their own, decoded when they are asked for."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid, SourceRef
from latentcore.errors import MalformedFileError, RequestError
from latentcore.readers._rows import row_numbers
from latentcore.readers.media.files import MediaFiles
from latentcore.readers.media.reading import Reading
from latentcore.storage import content_fingerprint

_MOST_ELEMENTS = 1 << 28
_MOST_NAMED = 3


class MediaSource:
    """A `SampleSource` over pictures or videos.

    Nothing stays open between reads, so that it may be shared between threads and survives a
    fork; what is in memory is what was asked for.

    Parameters
    ----------
    reader : str
        Name of the reader.
    reading : Reading
        How a file becomes a sample; its resolution, and number of frames, are known.
    options : sequence of str
        Names of the reader's options.
    decode : callable
        ``decode(path, reading) → ndarray``, shape (C, H, W) or (C, T, H, W), of that dtype.
    damaged : Mapping of int to str
        What is wrong with the files of some rows, as far as is known.
    skip : bool
        Whether a damaged file is read as zeros and noted in `damaged`, instead of an error.
    """

    grid: ScanGrid | None = None
    # Every sample is a file by itself.
    block_rows = 1

    def __init__(
        self,
        *,
        location: str,
        reader: str,
        files: MediaFiles,
        reading: Reading,
        options: Sequence[str],
        channels: int,
        dtype: np.dtype[np.generic],
        decode: Callable[[Path, Reading], NDArray[np.generic]],
        damaged: Mapping[int, str],
        skip: bool = False,
    ) -> None:
        assert reading.resolution is not None
        frames = () if reading.frames is None else (reading.frames,)
        sample_shape = (channels, *frames, *reading.resolution)
        if math.prod(sample_shape) > _MOST_ELEMENTS:
            message = (
                f"A sample of shape {sample_shape} has {math.prod(sample_shape):,} values; at "
                f"most {_MOST_ELEMENTS:,} are read. Ask for a lower resolution or fewer frames."
            )
            raise MalformedFileError(message)
        self.ref = SourceRef(location, reader, reading.options(options))
        self.sample_shape: tuple[int, ...] = sample_shape
        self.dtype = dtype
        self.sample_ids = files.ids
        self.partition = files.partition
        self.labels = files.labels
        self._files = files
        self._reading = reading
        self._options = options
        self._decode = decode
        self.damaged = dict(damaged)
        self.notes = _notes(files, damaged)
        self._skip = skip
        self._fingerprint = ""
        self._closed = False

    def __len__(self) -> int:
        return len(self._files.paths)

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Decode rows in the order asked: (b, C, H, W) or (b, C, T, H, W)."""
        if self._closed:
            message = (
                f"{self.ref.location!r} was closed, so its samples can't be read any more. Read "
                "them within the 'with' block, or open it again."
            )
            raise RequestError(message)
        if isinstance(rows, slice):
            numbers = np.arange(len(self), dtype=np.int64)[rows]
        else:
            numbers = row_numbers(rows, len(self), self.ref.location)
        samples = np.empty((len(numbers), *self.sample_shape), self.dtype)
        for place, row in enumerate(numbers):
            samples[place] = self._sample(int(row))
        return samples

    def _sample(self, row: int) -> NDArray[np.generic] | int:
        if row in self.damaged:
            if not self._skip:
                raise MalformedFileError(self.damaged[row])
            return 0
        try:
            return self._decode(self._files.paths[row], self._reading)
        except MalformedFileError as error:
            if not self._skip:
                raise
            self.damaged[row] = str(error)
            return 0

    def fingerprint(self) -> str:
        """Return text that changes when a file, its name or the way of reading it changes."""
        if not self._fingerprint:
            digest = hashlib.blake2b(digest_size=16)
            digest.update(content_fingerprint(*self._files.paths).encode())
            for text in (*self.sample_ids, *map(str, sorted(self.ref.options.items()))):
                digest.update(f"\n{text}".encode("utf-8", "surrogateescape"))
            self._fingerprint = f"blake2b:{digest.hexdigest()}"
        return self._fingerprint

    def at_resolution(self, size: tuple[int, int]) -> Self:
        """Return the same files read at another (H, W), without looking into them again."""
        return self._again(replace(self._reading, resolution=size), skip=self._skip)

    def skipping(self) -> Self:
        """Return the same files, of which damaged ones are read as zeros and noted."""
        return self._again(self._reading, skip=True)

    def _again(self, reading: Reading, *, skip: bool) -> Self:
        return type(self)(
            location=self.ref.location,
            reader=self.ref.reader,
            files=self._files,
            reading=reading,
            options=self._options,
            channels=self.sample_shape[0],
            dtype=self.dtype,
            decode=self._decode,
            damaged=self.damaged,
            skip=skip,
        )

    def close(self) -> None:
        """Read no more."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _notes(files: MediaFiles, damaged: Mapping[int, str]) -> tuple[str, ...]:
    if not damaged:
        return ()
    named = ", ".join(str(files.ids[row]) for row in list(damaged)[:_MOST_NAMED])
    more = " …" * (len(damaged) > _MOST_NAMED)
    note = (
        f"{len(damaged)} of {len(files.paths)} files can't be read: {named}{more}. Copy them "
        "again; 'extract' leaves them out."
    )
    return (note,)
