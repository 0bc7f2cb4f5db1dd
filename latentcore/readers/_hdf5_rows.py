"""Rows of HDF5 datasets of images, read fast in any order."""

from __future__ import annotations

import copy
import itertools
import math
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, cause
from latentcore.hdf5 import dataset
from latentcore.readers._rows import row_numbers

# A block of this size keeps the share of h5py's overhead per call (about 0.1 ms) small and
# still fits the processor's cache.
_BLOCK_BYTES = 2 << 20
# Reading rows nobody asked for is cheaper than another call up to about this much.
_GAP_BYTES = 128 << 10
_MOST_CACHE_BYTES = 1 << 29
_MOST_IMAGE_ELEMENTS = 1 << 28


class Hdf5Rows:
    """Images along the first axis of a dataset.

    The handle stays open: HDF5 keeps unpacked chunks only as long as the dataset is, and reading
    gzip chunks again for every row is 13 times slower.

    Parameters
    ----------
    file : h5py.File
        Stays open until `close`.
    key : str
        Dataset of shape (N, H, W) or (N, C, H, W).

    Attributes
    ----------
    sample_shape : tuple of int
        (C, H, W).
    dtype : numpy.dtype
        In the machine's byte order.
    block_rows : int
        Rows that are cheap to read together: whole chunks, about 2 MiB.
    """

    def __init__(self, file: h5py.File, key: str) -> None:
        shape, chunks, self.dtype = _checked(file, key)
        self._file = file
        self._channel_axis = len(shape) == 4
        self._n = shape[0]
        self.sample_shape = (shape[1] if len(shape) == 4 else 1, shape[-2], shape[-1])
        self._row_bytes = math.prod(shape[1:]) * self.dtype.itemsize
        self.block_rows = _block_rows(self._n, self._row_bytes, chunks[0] if chunks else 1)
        self._dataset = open_with_cache(file, key, shape, chunks, self.dtype.itemsize)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._n

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return not self._file

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def first(self, n: int) -> Self:
        """Return the first n images only, over the same open dataset."""
        rows = copy.copy(self)
        rows._n = min(n, self._n)
        rows.block_rows = min(self.block_rows, rows._n)
        return rows

    def read(self, rows: slice | NDArray[np.int64]) -> NDArray[np.generic]:
        """Read rows in the order asked, shape (b, C, H, W)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self._n)
            if step == 1:
                return self._read_run(start, max(start, stop))
            rows = np.arange(start, stop, step)
        wanted = row_numbers(rows, self._n, str(self._dataset.name))
        unique, place = np.unique(wanted, return_inverse=True)
        images = np.empty((len(unique), *self.sample_shape), self.dtype)
        for first, last in self._spans(unique):
            run = unique[first:last]
            images[first:last] = self._read_run(run[0], run[-1] + 1)[run - run[0]]
        if len(unique) == len(wanted) and np.array_equal(unique, wanted):
            return images
        return images[place]

    def _read_run(self, start: int, stop: int) -> NDArray[np.generic]:
        images = np.empty((stop - start, *self.sample_shape), self.dtype)
        if stop > start:
            target = images if self._channel_axis else images[:, 0]
            with self._lock:
                self._read_into(target, start, stop)
        return images

    def _read_into(self, target: NDArray[np.generic], start: int, stop: int) -> None:
        try:
            self._fill(target, start, stop)
        except (OSError, RuntimeError) as error:
            name = Path(self._dataset.file.filename).name
            message = (
                f"Rows {start} to {stop - 1} of {self._dataset.name!r} in {name!r} can't be read: "
                f"{cause(error)}. The file is damaged there, or was written to since it was "
                "opened: open it again, or copy it again."
            )
            raise MalformedFileError(message) from error

    def _fill(self, target: NDArray[np.generic], start: int, stop: int) -> None:
        if target.flags.c_contiguous:
            self._dataset.read_direct(target, np.s_[start:stop])
        else:
            target[...] = self._dataset[start:stop]

    def _spans(self, unique: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """Yield (first, last) of the stretches of sorted rows that are read in one call."""
        gap = max(1, _GAP_BYTES // self._row_bytes)
        # A stretch also ends after a block, lest scattered rows read the whole file at once.
        block = unique // max(self.block_rows, 1)
        ends = np.flatnonzero((np.diff(unique) > gap) | (np.diff(block) > 0)) + 1
        bounds = [0, *ends.tolist(), len(unique)]
        yield from itertools.pairwise(bounds) if len(unique) else ()


def _checked(
    file: h5py.File, key: str
) -> tuple[tuple[int, ...], tuple[int, ...] | None, np.dtype[np.generic]]:
    """Return (shape, chunks, dtype) of images, and close the dataset: see `open_with_cache`."""
    found = dataset(file, key)
    name = Path(file.filename).name
    if found.ndim not in (3, 4):
        message = (
            f"{key!r} of {name!r} has shape {found.shape}; images need (N, H, W) or (N, C, H, W)."
        )
        raise MalformedFileError(message)
    if 0 in found.shape:
        message = f"{key!r} of {name!r} is empty: its shape is {found.shape}. Write it again."
        raise MalformedFileError(message)
    if math.prod(found.shape[1:]) > _MOST_IMAGE_ELEMENTS:
        message = f"One image of {key!r} in {name!r} has shape {found.shape[1:]}: too large."
        raise MalformedFileError(message)
    return found.shape, found.chunks, found.dtype.newbyteorder("=")


def _block_rows(n: int, row_bytes: int, chunk_rows: int) -> int:
    """Return how many rows are cheap to read together: whole chunks, about 2 MiB."""
    chunks = max(1, _BLOCK_BYTES // (row_bytes * chunk_rows))
    return min(n, chunks * chunk_rows)


def open_with_cache(
    file: h5py.File,
    key: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...] | None,
    itemsize: int,
) -> h5py.Dataset:
    """Open a dataset with a cache that holds two rows of chunks.

    The size of the cache is fixed when a dataset is opened first, so no other handle may be
    open. It belongs to the dataset, whose chunks are known only now, not to the file.
    """
    if chunks is None:
        return file[key]
    across = math.prod(
        math.ceil(size / chunk) for size, chunk in zip(shape[1:], chunks[1:], strict=True)
    )
    wanted = 2 * across * math.prod(chunks) * itemsize
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    slots = max(521, 100 * 2 * across + 1)
    access.set_chunk_cache(slots, min(max(wanted, 1 << 20), _MOST_CACHE_BYTES), 1.0)
    return h5py.Dataset(h5py.h5d.open(file.id, key.encode(), access))


class Hdf5GridRows(Hdf5Rows):
    """Images of a dataset (R, S, H, W), numbered row by row.

    Parameters and attributes as `Hdf5Rows`.
    """

    def __init__(self, file: h5py.File, key: str) -> None:
        shape, chunks, self.dtype = _checked(file, key)
        self._file = file
        self._across = shape[1]
        self._channel_axis = False
        self._n = shape[0] * shape[1]
        self.sample_shape = (1, shape[2], shape[3])
        self._row_bytes = math.prod(shape[2:]) * self.dtype.itemsize
        together = chunks[0] * shape[1] if chunks else 1
        self.block_rows = _block_rows(self._n, self._row_bytes, together)
        self._dataset = open_with_cache(file, key, shape, chunks, self.dtype.itemsize)
        self._lock = threading.Lock()

    def _fill(self, target: NDArray[np.generic], start: int, stop: int) -> None:
        done = start
        while done < stop:
            row, col = divmod(done, self._across)
            end = min(stop, (row + 1) * self._across)
            target[done - start : end - start] = self._dataset[row, col : col + end - done]
            done = end


class JoinedRows:
    """The rows of one dataset after those of another; see `latentcore.readers._rows`.

    Parameters
    ----------
    parts : Mapping of str to Hdf5Rows
        By the datasets' names, in their order; all over one file.
    name : str
        The file's, for messages.
    """

    def __init__(self, parts: Mapping[str, Hdf5Rows], name: str) -> None:
        self._parts = list(parts.values())
        shapes = {key: rows.sample_shape for key, rows in parts.items()}
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{key!r} {shape}" for key, shape in shapes.items())
            message = (
                f"The partitions of {name!r} hold images of different shapes (channels, height, "
                f"width): {listed}. Write them to files of their own."
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
        """Read rows in the order asked, shape (b, C, H, W)."""
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
