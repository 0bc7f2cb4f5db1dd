"""Where samples come from, before anything has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.grid import ScanGrid


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
        Of the reader, JSON-like.
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
        """Close the file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


@runtime_checkable
class Resizable(Protocol):
    """What a source of pictures or videos has besides: it reads them at any resolution."""

    def at_resolution(self, size: tuple[int, int]) -> SampleSource:
        """Return the same samples read at another (H, W)."""
        ...


@runtime_checkable
class Skipping(Protocol):
    """What a source whose samples are files of their own has besides: it can do without some.

    Attributes
    ----------
    damaged : Mapping of int to str
        For each row whose file is known to be damaged, what is wrong with it.
    """

    damaged: Mapping[int, str]

    def skipping(self) -> SampleSource:
        """Return the same samples, of which damaged ones are read as zeros.

        Its `damaged` grows as it reads; without it, reading a damaged file is an error.
        """
        ...


def damage_of(samples: SampleSource) -> Mapping[int, str]:
    """Return what is wrong with each row that is known to be damaged, empty for most sources."""
    return samples.damaged if isinstance(samples, Skipping) else {}


def damaged_among(samples: SampleSource, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which rows, all of them read before, turned out to be damaged, shape (b,)."""
    found: NDArray[np.bool_] = np.isin(rows, list(damage_of(samples)))
    return found


def notes_of(samples: SampleSource) -> tuple[str, ...]:
    """Return a reader's notes about a file, one sentence or two each; most have none."""
    notes: tuple[str, ...] = getattr(samples, "notes", ())
    return notes
