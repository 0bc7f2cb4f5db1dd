"""What a HyperSpy file is made of, whether it is HDF5 or zarr: groups, attributes, arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnsafeFileError, cause
from latentcore.hdf5 import attribute_value, dataset, follow
from latentcore.readers._hdf5_rows import open_with_cache

Slices = tuple[slice, ...]
# Plain numbers and truth values; HyperSpy keeps colors as records of R, G, B (and A).
_KINDS = "iufbV"
_COLORS = (("R", "G", "B"), ("R", "G", "B", "A"))
_LONGEST_NAME = 60
# What a chunk that was never written unpacks to is declared, not measured.
_TRUSTED_BYTES = 1 << 28
_MOST_UNPACKING = 1_100


class StoredArray(Protocol):
    """An array of a file, of which parts are read.

    Attributes
    ----------
    chunks : tuple of int
        What the file stores together; one row of the first dimension where it stores no chunks.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    chunks: tuple[int, ...]

    @property
    def stored_bytes(self) -> int:
        """How much the file holds of it, packed."""
        ...

    @property
    def missing_chunks(self) -> int:
        """How many chunks are read as the fill value because a piece of the store is missing."""
        ...

    def read(self, part: Slices) -> NDArray[np.generic]:
        """Read a part, given by the start and the stop along each dimension."""
        ...


class Tree(Protocol):
    """An open file.

    Attributes
    ----------
    path : Path
    """

    path: Path

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        ...

    def children(self, key: str) -> tuple[str, ...]:
        """Return the names in a group, none where there is no such group."""
        ...

    def attribute(self, key: str, name: str) -> str | float | None:
        """Return an attribute's one value; None without it, or where it has several."""
        ...

    def shape(self, key: str) -> tuple[int, ...] | None:
        """Return an array's shape, None where there is no array."""
        ...

    def array(self, key: str) -> StoredArray:
        """Open an array of plain values.

        Raises
        ------
        MalformedFileError, UnsafeFileError
            If its values are of another kind, or it declares what no file can hold.
        """
        ...

    def files(self) -> tuple[Path, ...]:
        """Return the files that it is made of."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Hdf5Tree:
    """An ``.hspy``; see `Tree`."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self._file = file

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return not self._file

    def children(self, key: str) -> tuple[str, ...]:
        """Return the names in a group."""
        found = follow(self._file, key)
        return tuple(found) if isinstance(found, h5py.Group) else ()

    def attribute(self, key: str, name: str) -> str | float | None:
        """Return an attribute's one value."""
        found = follow(self._file, key)
        if found is None or name not in found.attrs or found.attrs.get_id(name).shape not in _ONE:
            return None
        return plain_value(attribute_value(found, name))

    def shape(self, key: str) -> tuple[int, ...] | None:
        """Return an array's shape."""
        found = follow(self._file, key)
        return (found.shape or ()) if isinstance(found, h5py.Dataset) else None

    def array(self, key: str) -> StoredArray:
        """Open an array of plain values."""
        found = follow(self._file, key)
        if isinstance(found, h5py.Dataset):
            checked_type(found.dtype, key, self.path.name)
        return _Hdf5Array(self._file, dataset(self._file, key, kinds=_KINDS))

    def files(self) -> tuple[Path, ...]:
        """Return the one file."""
        return (self.path,)

    def close(self) -> None:
        """Close it."""
        self._file.close()


_ONE = ((), (1,))


class _Hdf5Array:
    def __init__(self, file: h5py.File, found: h5py.Dataset) -> None:
        self.shape: tuple[int, ...] = found.shape
        self.dtype: np.dtype[np.generic] = found.dtype.newbyteorder("=")
        self.chunks: tuple[int, ...] = found.chunks or (1, *self.shape[1:])
        self.missing_chunks = 0
        self.stored_bytes = int(found.id.get_storage_size())
        self._file = file
        key, chunks = found.name, found.chunks
        del found  # the size of its cache is fixed when a dataset is opened first
        self._dataset = open_with_cache(file, key, self.shape, chunks, self.dtype.itemsize)

    def read(self, part: Slices) -> NDArray[np.generic]:
        """Read a part."""
        try:
            values: NDArray[np.generic] = self._dataset[part]
        except (OSError, RuntimeError) as error:
            message = (
                f"A part of {self._dataset.name!r} in {Path(self._file.filename).name!r} can't be "
                f"read: {cause(error)}. The file is damaged there: copy it again."
            )
            raise MalformedFileError(message) from error
        return values


def plain_value(value: object) -> str | float | None:
    """Return a scalar of whatever kind as a text or a number; None for anything else."""
    if isinstance(value, np.ndarray | np.generic):
        if value.size != 1:
            return None
        value = np.ravel(value)[0].item() if value.dtype.kind in "iufbSUO" else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return "" if value == "_None_" else value
    return value if isinstance(value, bool | int | float) else None


def checked_type(dtype: np.dtype[np.generic], key: str, name: str) -> None:
    """Refuse values that are neither numbers nor colors.

    Raises
    ------
    MalformedFileError
        If they aren't; it says what to do.
    """
    if dtype.hasobject:
        what = "arrays of different lengths (a ragged signal)"
        hint = "Save a signal whose values are numbers, all of one shape."
    elif dtype.kind == "c":
        what = f"complex numbers ({dtype})"
        hint = "Save the part that you mean, for example s.amplitude or s.real."
    elif dtype.kind == "V" and not is_color(dtype):
        what, hint = f"records ({str(dtype)[:_LONGEST_NAME]})", "Save a signal of numbers."
    elif dtype.kind not in _KINDS:
        what, hint = f"{dtype} values", "Save a signal of numbers."
    else:
        return
    message = f"{shown(key)} of {name!r} holds {what}, which can't be read here. {hint}"
    raise MalformedFileError(message)


def is_color(dtype: np.dtype[np.generic]) -> bool:
    """Tell whether values are HyperSpy's colors: rgb8, rgba8, rgb16, rgba16."""
    fields: Mapping[str, tuple[object, ...]] | None = dtype.fields
    if dtype.names not in _COLORS or fields is None:
        return False
    kinds = {kind for kind, *_ in fields.values()}
    return len(kinds) == 1 and kinds <= {np.dtype(np.uint8), np.dtype(np.uint16)}


def color_planes(values: NDArray[Any]) -> NDArray[np.generic]:
    """Return records of colors as planes, one behind the other: (…) becomes (C, …).

    Plain numbers are one plane.
    """
    return np.stack([values[name] for name in values.dtype.names or (...,)])


def refuse_hollow(array: StoredArray, elements: int, key: str, name: str) -> None:
    """Refuse to make room for values that an array declares and hardly stores.

    Parameters
    ----------
    elements : int
        How many are to be held at once.
    """
    declared = elements * array.dtype.itemsize
    if declared > _TRUSTED_BYTES and declared > array.stored_bytes * _MOST_UNPACKING:
        message = (
            f"{shown(key)} of {name!r} declares {math.prod(array.shape):,} values of shape "
            f"{array.shape} but stores {array.stored_bytes:,} bytes; refused. Save it again."
        )
        raise UnsafeFileError(message)


def shown(key: str) -> str:
    """Return a name from a file as messages have it: cut, and whatever is in it visible."""
    return repr(key if len(key) <= _LONGEST_NAME else key[:_LONGEST_NAME] + "…")
