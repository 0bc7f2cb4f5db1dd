"""NumPy's ``.npz``: arrays by name, read without trusting what the archive declares."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnsafeFileError, cause
from latentcore.zip_damage import ZIP_DAMAGE

_SUFFIX = ".npy"
# All arrays of a file together, unpacked; a zip bomb stops here.
_MOST_BYTES = 4 << 30


def npz_keys(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays in a file; empty where it is no ``.npz``."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except ZIP_DAMAGE:
        return ()
    return tuple(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


class NpzArrays:
    """The arrays of an ``.npz``; a context manager.

    Raises
    ------
    MalformedFileError
        If it is no archive, or is damaged.
    UnsafeFileError
        If it unpacks to more than any file of the field.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        try:
            self._archive = zipfile.ZipFile(path)
        except ZIP_DAMAGE as error:
            message = f"{path.name!r} is no .npz, or is damaged: {cause(error)}. Copy it again."
            raise MalformedFileError(message) from error
        self._entries = {
            entry.filename.removesuffix(_SUFFIX): entry
            for entry in self._archive.infolist()
            if entry.filename.endswith(_SUFFIX)
        }
        unpacked = sum(entry.file_size for entry in self._entries.values())
        if unpacked > _MOST_BYTES:
            self._archive.close()
            message = (
                f"{path.name!r} unpacks to {unpacked:,} bytes; at most {_MOST_BYTES:,} are read, "
                "so it is refused. Split it."
            )
            raise UnsafeFileError(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._archive.close()

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(self._entries)

    def load(self, key: str) -> NDArray[np.generic]:
        """Read an array of numbers.

        Raises
        ------
        UnsafeFileError
            If it holds pickled objects.
        MalformedFileError
            If it is damaged, or declares more than it holds.
        """
        entry = self._entries[key]
        try:
            with self._archive.open(entry) as file:
                version = np.lib.format.read_magic(file)
                read_header = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }[version]
                shape, by_columns, dtype = read_header(file)
                size = math.prod(shape) * dtype.itemsize
                self._check(key, dtype, size, entry.file_size)
                content = file.read(size)
            flat = np.frombuffer(content, dtype)
            return flat.reshape(shape, order="F" if by_columns else "C")
        except (*ZIP_DAMAGE, KeyError) as error:
            message = (
                f"{key!r} of {self._name!r} can't be read: {cause(error)}. Copy the file again."
            )
            raise MalformedFileError(message) from error

    def _check(self, key: str, dtype: np.dtype[np.generic], size: int, there: int) -> None:
        if dtype.hasobject:
            message = (
                f"{key!r} of {self._name!r} holds pickled Python objects, which could run any "
                "program when read, so it is refused. Save plain numbers: one array per sample "
                "(X_s0_, X_s1_, …) where they differ in length."
            )
            raise UnsafeFileError(message)
        if dtype.kind not in "buif" or size > there:
            message = (
                f"{key!r} of {self._name!r} declares {size:,} bytes of {dtype} in {there:,} bytes; "
                "arrays of numbers are needed. Save it again."
            )
            raise MalformedFileError(message)
