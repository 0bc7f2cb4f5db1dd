"""Small values of a vendor's file: texts, numbers, the columns of a group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError
from latentcore.readers._hdf5 import dataset, follow, load

__all__ = [
    "as_float32",
    "children",
    "column",
    "columns_of",
    "number",
    "points_in",
    "unit_attribute",
]

# A letter per kind of plain value; a mask counts as a column of zeros and ones.
_PLAIN = "iufb"
_UNITS = {"um": "µm", "micron": "µm", "microns": "µm", "deg": "°", "degrees": "°"}


def children(file: h5py.File, key: str) -> tuple[str, ...]:
    """Return the names in a group, none where there is no such group."""
    found = follow(file, key)
    return tuple(found) if isinstance(found, h5py.Group) else ()


def number(file: h5py.File, key: str) -> float | None:
    """Return a header's number, stored as a scalar or as an array of one; None without it.

    Raises
    ------
    MalformedFileError
        If there is something, but not one finite number.
    """
    if follow(file, key) is None:
        return None
    found = dataset(file, key)
    value = float(np.ravel(load(found))[0]) if found.size == 1 else np.nan
    if not np.isfinite(value):
        message = (
            f"{key!r} of {Path(file.filename).name!r} should be one number, but has shape "
            f"{found.shape}" + (" and is not finite." if found.size == 1 else ".")
        )
        raise MalformedFileError(message)
    return value


def points_in(file: h5py.File, key: str) -> int:
    """Return for how many points a dataset holds one value each; 0 where it is none such."""
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in _PLAIN:
        return 0
    shape: tuple[int, ...] = found.shape or ()
    return shape[0] if len(shape) in (1, 2) and shape[1:] in ((), (1,)) else 0


def column(file: h5py.File, key: str, part: int = 0) -> NDArray[np.generic]:
    """Return one value per point: the dataset (n,), or one column of a dataset (n, k)."""
    found = dataset(file, key, kinds=_PLAIN)
    values = load(found)
    return values if values.ndim == 1 else values.reshape(len(values), -1)[:, part]


def as_float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return values as maps hold them; one that no float32 can be is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(np.float32)
    narrow[np.isinf(narrow)] = np.nan
    return narrow


def unit_attribute(file: h5py.File, key: str) -> str:
    """Return the unit that a dataset's attribute ``Unit`` names, as it is printed."""
    found = follow(file, key)
    value = found.attrs.get("Unit", "") if found is not None else ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return _UNITS.get(text.strip().lower(), text.strip()[:20])


def columns_of(file: h5py.File, group: str, n: int) -> Iterator[str]:
    """Yield the names of a group's datasets with one plain value for each of n points."""
    for name in children(file, group):
        if points_in(file, f"{group}/{name}") == n:
            yield name
