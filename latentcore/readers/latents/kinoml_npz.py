"""Featurized data of kinoml as NumPy writes it: ``.npz``.

``X`` (n, …) and ``y`` (n,), or, for samples of different lengths, one array for each:
``X_s0_``, ``X_s1_``, … or several for each, ``X_s0_a0_``, ``X_s0_a1_``, …; the numbers count,
not the order of the names as text. ``idx_train``, ``idx_val`` and ``idx_test`` hold the rows of
each partition.

Rows of ``X`` become vectors as they are, value after value. An array of a sample (L, w) is pooled
over its L rows to w values (the option ``pooling``: mean, max or sum), one (L,) to a single value
unless all samples have the same L; several arrays of a sample are put one after the other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.readers import LATENTS_READERS, register_reader
from latentcore.readers._features import feature_latents, pool_segments, pooling_of
from latentcore.readers._npz import NpzArrays, npz_keys
from latentcore.readers._peek import Peek
from latentcore.storage import local_path

_RAGGED = re.compile(r"X_s(\d{1,9})(?:_a(\d{1,9}))?_?")
_INDEX = "idx_"
_UNASSIGNED = "unassigned"


@register_reader(LATENTS_READERS, "kinoml-npz")
class KinomlNpz:
    """Reader of kinoml's arrays."""

    description = "Featurized data of kinoml: NPZ with 'X' or 'X_s0_', 'X_s1_', … and 'y'."
    wants = "an .npz with 'y' and 'X' or 'X_s0_…'"
    options = ("pooling",)

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether such arrays are there."""
        if not peek.head.startswith(b"PK"):
            return False
        keys = npz_keys(peek.path)
        return "y" in keys and ("X" in keys or any(map(_RAGGED.fullmatch, keys)))

    def open(self, ref: SourceRef) -> LatentSet:
        """Read the features as latents.

        Parameters
        ----------
        ref : SourceRef
            Options: ``pooling``, for samples of different lengths.
        """
        pooling = pooling_of(ref.options)
        path = local_path(ref.location)
        with NpzArrays(path) as arrays:
            ragged = "X" not in arrays
            values = _pooled(path.name, arrays, pooling) if ragged else _dense(path.name, arrays)
            y = arrays.load("y") if "y" in arrays else None
            partition = _partition(path.name, arrays, len(values))
        return feature_latents(
            ref, values, y, pooling=pooling if ragged else None, partition=partition
        )


def _dense(name: str, arrays: NpzArrays) -> NDArray[np.float32]:
    x = arrays.load("X")
    if x.ndim == 0 or x.size == 0:
        message = f"'X' of {name!r} has shape {x.shape}; samples need (n, …). Write it again."
        raise MalformedFileError(message)
    return x.reshape(len(x), -1).astype(np.float32)


def _pooled(name: str, arrays: NpzArrays, pooling: str) -> NDArray[np.float32]:
    """Pool the arrays of each sample, and put them one after the other."""
    columns = [
        _column(name, [arrays.load(key) for key in keys], pooling)
        for keys in keys_by_array(name, arrays.keys)
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def keys_by_array(name: str, keys: Sequence[str]) -> list[list[str]]:
    """Return, for each array of a sample, its key in every sample, sorted by number."""
    found: dict[tuple[int, int], str] = {}
    for key in keys:
        match = _RAGGED.fullmatch(key)
        if match is not None:
            found[int(match[1]), int(match[2] or 0)] = key
    n, arrays = len({sample for sample, _ in found}), len({array for _, array in found})
    wanted = [[(sample, array) for sample in range(n)] for array in range(arrays)]
    missing = next((place for row in wanted for place in row if place not in found), None)
    if not found or missing is not None:
        what = "no 'X' and no 'X_s0_'" if missing is None else "no 'X_s{}_a{}_'".format(*missing)
        message = (
            f"{name!r} holds {what}, though {len(found)} arrays of samples are there. The numbers "
            "must run from 0 without gaps, with as many arrays for every sample. Write it again."
        )
        raise MalformedFileError(message)
    return [[found[place] for place in row] for row in wanted]


def _column(name: str, parts: Sequence[NDArray[np.generic]], pooling: str) -> NDArray[np.float64]:
    """Return one array of every sample as vectors, shape (n, w)."""
    widths = {part.shape[1:] for part in parts if part.ndim}
    if len(widths) != 1 or any(part.ndim == 0 for part in parts):
        shapes = ", ".join(str(part.shape) for part in parts[:6])
        message = (
            f"The samples of {name!r} differ in more than their length: {shapes}. All but the "
            "first axis must be the same."
        )
        raise MalformedFileError(message)
    lengths = np.array([len(part) for part in parts], np.int64)
    if parts[0].ndim == 1 and len(set(lengths.tolist())) == 1:
        return np.stack(parts).astype(np.float64)
    width = math.prod(parts[0].shape[1:])
    rows = np.concatenate([part.reshape(len(part), width) for part in parts])
    return pool_segments(rows.astype(np.float64), lengths, pooling)


def _partition(name: str, arrays: NpzArrays, n: int) -> NDArray[np.str_] | None:
    names = [key.removeprefix(_INDEX) for key in arrays.keys if key.startswith(_INDEX)]
    if not names:
        return None
    partition = np.full(n, _UNASSIGNED, object)
    for part in names:
        rows = _rows(name, arrays, _INDEX + part, n)
        taken = rows[partition[rows] != _UNASSIGNED]
        if len(taken):
            message = (
                f"Row {taken[0]} of {name!r} lies in two partitions, {partition[taken[0]]!r} and "
                f"{part!r}. Write the indices again."
            )
            raise MalformedFileError(message)
        partition[rows] = part
    return partition.astype(np.str_)


def _rows(name: str, arrays: NpzArrays, key: str, n: int) -> NDArray[np.int64]:
    rows = arrays.load(key)
    if rows.dtype == np.bool_ and rows.shape == (n,):
        return np.flatnonzero(rows).astype(np.int64)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        message = f"{key!r} of {name!r} is {rows.dtype} of shape {rows.shape}, not row numbers."
        raise MalformedFileError(message)
    numbers = rows.astype(np.int64)
    outside = numbers[(numbers < 0) | (numbers >= n)]
    if len(outside):
        message = f"{key!r} of {name!r} names row {outside[0]}, but there are rows 0 to {n - 1}."
        raise MalformedFileError(message)
    return numbers
