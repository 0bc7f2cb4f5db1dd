"""Patterns of a signal, numbered along its navigation axes."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnsafeFileError
from latentcore.readers._hyperspy.trees import Tree, color_planes, refuse_hollow, shown
from latentcore.readers._rows import row_numbers

_BLOCK_BYTES = 2 << 20
_MOST_BLOCK_BYTES = 64 << 20
# Reading rows that nobody asked for is cheaper than another call up to about this much.
_GAP_BYTES = 128 << 10
_MOST_PIXELS = 1 << 28
# Beyond so many, patterns are believed only as far as the file stores something of them.
_MANY = 1 << 20
_MOST_CHUNKS_IN_ONE = 1 << 16


class SignalRows:
    """Images of an array with two signal axes and up to two navigation axes, wherever they lie.

    Parameters
    ----------
    tree : Tree
        The file of the array; `close` closes it.
    key : str
        The array's.
    navigation, signal : tuple of int
        Dimensions of the array, the slowest first.

    Attributes
    ----------
    sample_shape : tuple of int
        (C, H, W); C is 3 or 4 for colors, else 1.
    notes : tuple of str
        What is missing.
    block_rows : int
        Rows of whole chunks, of about 2 MiB, at most 64 MiB.
    """

    def __init__(
        self, tree: Tree, key: str, navigation: tuple[int, ...], signal: tuple[int, ...]
    ) -> None:
        self._tree = tree
        self._array = array = tree.array(key)
        self._axes = (navigation, signal)
        self._name = tree.path.name
        across = (1, 1, *(array.shape[axis] for axis in navigation))
        self._across = across[-1]
        self._n = math.prod(across)
        height, width = (array.shape[axis] for axis in signal)
        self.sample_shape = (len(array.dtype.names or ()) or 1, height, width)
        self.dtype = _pixel_type(array.dtype)
        self._row_bytes = height * width * array.dtype.itemsize
        self._check(key, signal)
        slowest = navigation[:1]
        band = math.prod(array.chunks[axis] for axis in slowest)
        together = band * (self._n // math.prod(array.shape[axis] for axis in slowest))
        blocks = max(1, _BLOCK_BYTES // (self._row_bytes * together))
        most = max(1, _MOST_BLOCK_BYTES // self._row_bytes)
        self.block_rows = min(self._n, blocks * together, most)
        self.notes = _missing(array.missing_chunks, key)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._n

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return self._tree.closed

    def close(self) -> None:
        """Close the file."""
        self._tree.close()

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked, shape (b, C, H, W)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self._n)
            if step == 1:
                return self._run(start, max(start, stop))
            rows = np.arange(start, stop, step)
        wanted = row_numbers(rows, self._n, self._name)
        unique, place = np.unique(wanted, return_inverse=True)
        images = np.empty((len(unique), *self.sample_shape), self.dtype)
        for first, last in self._spans(unique):
            run = unique[first:last]
            images[first:last] = self._run(int(run[0]), int(run[-1]) + 1)[run - run[0]]
        return images[place]

    def _spans(self, unique: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        gap = max(1, _GAP_BYTES // self._row_bytes)
        block = unique // self.block_rows
        ends = np.flatnonzero((np.diff(unique) > gap) | (np.diff(block) > 0)) + 1
        yield from itertools.pairwise([0, *ends.tolist(), len(unique)]) if len(unique) else ()

    def _run(self, start: int, stop: int) -> NDArray[np.generic]:
        images = np.empty((stop - start, *self.sample_shape), self.dtype)
        for where, first, last in self._pieces(start, stop):
            images[first - start : last - start] = self._piece(where, last - first)
        return images

    def _pieces(self, start: int, stop: int) -> Iterator[tuple[tuple[slice, slice], int, int]]:
        """Yield the rectangles of the scan that a run of rows consists of: three at most."""
        done = start
        while done < stop:
            row, col = divmod(done, self._across)
            whole = (stop - done) // self._across if col == 0 else 0
            end = done + whole * self._across if whole else min(stop, (row + 1) * self._across)
            columns = slice(0, self._across) if whole else slice(col, col + end - done)
            yield (slice(row, row + max(whole, 1)), columns), done, end
            done = end

    def _piece(self, where: tuple[slice, slice], n: int) -> NDArray[np.generic]:
        navigation, signal = self._axes
        part = [slice(0, size) for size in self._array.shape]
        for axis, wanted in zip(navigation, where[2 - len(navigation) :], strict=True):
            part[axis] = wanted
        with self._lock:
            values = self._array.read(tuple(part))
        values = values.transpose(*navigation, *signal).reshape(n, *self.sample_shape[1:])
        return color_planes(values).swapaxes(0, 1)

    def _check(self, key: str, signal: tuple[int, ...]) -> None:
        array = self._array
        if 0 in array.shape:
            message = (
                f"{shown(key)} of {self._name!r} is empty: its shape is {array.shape}. Save it "
                "again."
            )
            raise MalformedFileError(message)
        pieces = math.prod(-(-array.shape[axis] // array.chunks[axis]) for axis in signal)
        pixels = math.prod(self.sample_shape)
        if pixels > _MOST_PIXELS or pieces > _MOST_CHUNKS_IN_ONE:
            message = (
                f"One image of {shown(key)} in {self._name!r} has shape {self.sample_shape} and "
                f"lies in {pieces:,} chunks: too large."
            )
            raise UnsafeFileError(message)
        if self._n > _MANY:
            refuse_hollow(array, math.prod(array.shape), key, self._name)


def _missing(chunks: int, key: str) -> tuple[str, ...]:
    if not chunks:
        return ()
    some = (
        f"{chunks:,} chunks of {shown(key)} are" if chunks > 1 else f"One chunk of {shown(key)} is"
    )
    return (f"{some} missing in the store, and read as if never written.",)


def _pixel_type(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    if dtype.fields:
        return dtype.fields["R"][0]
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype
