"""Where samples come from, before anything has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid

__all__ = ["Resizable", "SampleSource", "SourceRef", "notes_of"]


@dataclass(frozen=True)
class SourceRef:
    """What is needed to open something again, as plain text and numbers.

    It travels to threads, processes and other machines; the file is opened where it is read.

    Attributes
    ----------
    location : str
        Path or URL.
    reader : str
        Name of the reader.
    options : Mapping
        What else the reader was told, JSON-like.
    """

    location: str
    reader: str
    options: Mapping[str, object] = field(default_factory=dict)


@runtime_checkable
class SampleSource(Protocol):
    """n samples of C×H×W, or clips of C×T×H×W, read in blocks; a context manager.

    Attributes
    ----------
    ref : SourceRef
        How to open it again.
    sample_shape : tuple of int
        (C, H, W), or (C, T, H, W) with T frames.
    dtype : numpy.dtype
        What the file holds.
    sample_ids : ndarray of str, shape (n,)
    grid : ScanGrid or None
    partition : ndarray of str, shape (n,), or None
        The HDF5 dataset each sample came from.
    labels : ndarray of int32, shape (n,), or None
    block_rows : int
        Rows that are cheap to read together (the file's chunk), at least 1.
    """

    ref: SourceRef
    sample_shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    sample_ids: NDArray[np.str_]
    grid: ScanGrid | None
    partition: NDArray[np.str_] | None
    labels: NDArray[np.int32] | None
    block_rows: int

    def __len__(self) -> int: ...

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows, in the order asked: (b, *sample_shape) in the file's dtype."""
        ...

    def fingerprint(self) -> str:
        """Return text that changes when the content changes."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class Resizable(Protocol):
    """What a source of pictures or videos has besides: it reads them at any resolution."""

    def at_resolution(self, size: tuple[int, int]) -> SampleSource:
        """Return the same samples read at another (H, W)."""
        ...


def notes_of(samples: SampleSource) -> tuple[str, ...]:
    """Return what a reader has to tell about a file, one sentence or two each.

    Few have anything to tell: a source need not have the attribute ``notes``.
    """
    notes: tuple[str, ...] = getattr(samples, "notes", ())
    return notes
