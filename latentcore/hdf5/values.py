"""The values of an HDF5 file that may come from a stranger.

A few bytes can declare arrays larger than any memory: nothing here reads those.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnsafeFileError, cause

_MOST_ELEMENTS = 1 << 40
# What is read in one go. Deflate packs at most 1032 : 1, and a dataset that was never written
# occupies nothing at all: more than that beside the stored bytes was declared, not measured.
_MOST_LOADED_BYTES = 1 << 36
_TRUSTED_BYTES = 1 << 28
_MOST_UNPACKING = 1_100
_LONGEST_TEXT = 1 << 16
_MOST_ATTRIBUTE_BYTES = 1 << 24
# A whole chunk is unpacked to read one element of it.
_MOST_CHUNK_BYTES = 1 << 30


def dataset(file: h5py.File, key: str, *, kinds: str = "iuf") -> h5py.Dataset:
    """Return a dataset of plain values that is no larger than a real one can be.

    Parameters
    ----------
    file : h5py.File
    key : str
        Its path in the file.
    kinds : str
        NumPy's letters for the kinds of values that are welcome.

    Raises
    ------
    MalformedFileError
        If there is no such dataset, or it holds something else than such values.
    UnsafeFileError
        If its declared size is absurd.
    """
    name = Path(file.filename).name
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset):
        keys = ", ".join(repr(entry) for entry in list(file)[:12]) or "none"
        what = "is not a dataset" if found is not None else "is missing"
        message = f"{key!r} {what} in {name!r}. Its top-level keys are: {keys}."
        raise MalformedFileError(message)
    if found.dtype.kind not in kinds or found.dtype.hasobject or found.shape is None:
        message = (
            f"{key!r} of {name!r} holds {found.dtype} values, but plain numbers are needed."
            if kinds == "iuf"
            else f"{key!r} of {name!r} holds values of an unusable type, {found.dtype}."
        )
        raise MalformedFileError(message)
    _refuse_absurd(found, key, name)
    _refuse_unknown_filters(found, key, name)
    return found


def follow(file: h5py.File, key: str) -> h5py.Group | h5py.Dataset | h5py.Datatype | None:
    """Return what lies under a key; None where nothing does, or a soft link leads nowhere.

    Raises
    ------
    MalformedFileError
        If the file is damaged there, or links go round in a circle.
    """
    try:
        return file.get(key)
    except (OSError, RuntimeError, ValueError) as error:
        message = (
            f"{key!r} of {Path(file.filename).name!r} can't be opened: {cause(error)}. "
            "Copy the file again, or write it without that link."
        )
        raise MalformedFileError(message) from error


def load(found: h5py.Dataset, part: object = ()) -> NDArray[np.generic]:
    """Read a dataset, or what an index takes of it, unless it declares far more than it stores.

    Raises
    ------
    UnsafeFileError
        If it does.
    """
    # Damaged, it may say that it stores what the whole file has no room for.
    stored = min(found.id.get_storage_size(), found.file.id.get_filesize())
    declared = math.prod(found.shape) * found.dtype.itemsize
    if declared > _MOST_LOADED_BYTES or (
        declared > _TRUSTED_BYTES and declared > stored * _MOST_UNPACKING
    ):
        message = (
            f"{found.name!r} of {Path(found.file.filename).name!r} declares {declared:,} bytes but "
            f"stores {stored:,}; refused. Write the file again with the values it really holds."
        )
        raise UnsafeFileError(message)
    values: NDArray[np.generic] = found[part]
    return values


def text(file: h5py.File, key: str) -> str:
    """Return a dataset's one text, scalar or an array of one; ``""`` where there is none."""
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset) or found.size != 1:
        return ""
    kind = h5py.check_string_dtype(found.dtype)
    if kind is None or (kind.length or 0) > _LONGEST_TEXT:
        return ""
    value = np.ravel(found[()])[0]
    written = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return written.rstrip("\0").strip()


def text_attribute(file: h5py.File, name: str) -> str:
    """Return a text attribute of the root group, ``""`` where there is none."""
    value = attribute_value(file, name)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def attribute_value(found: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return an attribute's value; None without it, or where it is no number or text, or huge.

    Reading sequences of variable length, of which HDF5 believes whatever a damaged file says,
    may end the process.
    """
    if name not in found.attrs:
        return None
    about = found.attrs.get_id(name)
    try:
        dtype = about.dtype
    except TypeError:  # NumPy knows none such
        return None
    if math.prod(about.shape or ()) * dtype.itemsize > _MOST_ATTRIBUTE_BYTES:
        return None
    if dtype.hasobject and h5py.check_string_dtype(dtype) is None:
        return None
    return found.attrs[name]


def _refuse_absurd(found: h5py.Dataset, key: str, name: str) -> None:
    size = math.prod(found.shape)
    chunk = math.prod(found.chunks) * found.dtype.itemsize if found.chunks else 0
    if size > _MOST_ELEMENTS or chunk > _MOST_CHUNK_BYTES:
        message = (
            f"{key!r} of {name!r} declares {size:,} values of shape {found.shape} in chunks of "
            f"{chunk:,} bytes; no real scan is that large, so it is refused."
        )
        raise UnsafeFileError(message)


def _refuse_unknown_filters(found: h5py.Dataset, key: str, name: str) -> None:
    properties = found.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        code, _, _, called = properties.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            message = (
                f"{key!r} of {name!r} is packed by the HDF5 filter {code} "
                f"({called.decode('latin-1') or 'no name'}), which is not installed here. "
                "Repack the file: h5repack -f GZIP=4 in.h5 out.h5."
            )
            raise MalformedFileError(message)
