"""Features as they were stored, sample by sample: shapes and types are kept, nothing is pooled.

The files are those of `latentcore.readers.latents.kinoml_npz` and
`latentcore.readers.latents.awkward_parquet`, which make vectors of the same arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import LatentError, MalformedFileError, cause
from latentcore.readers._npz import NpzArrays
from latentcore.readers.latents.awkward_parquet import awkward_table
from latentcore.readers.latents.kinoml_npz import keys_by_array

if TYPE_CHECKING:
    import pyarrow as pa

Arrays = tuple[NDArray[np.generic], ...]

_INDEX = "idx_"
_DEEPEST = 8


class StoredFeatures(Protocol):
    """n samples, each of one array or several.

    Attributes
    ----------
    y : ndarray, shape (n,) or (n, k), or None
        As stored.
    splits : Mapping of str to ndarray of int64
        Rows of each split, in the file's order.
    """

    y: NDArray[np.generic] | None
    splits: Mapping[str, NDArray[np.int64]]

    def __len__(self) -> int: ...

    def sample(self, row: int) -> Arrays:
        """Return the arrays of a sample, as they were stored."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def open_features(path: Path) -> StoredFeatures:
    """Open a file of features.

    Raises
    ------
    MalformedFileError
        If it holds none, or is damaged.
    UnsafeFileError
        If it holds pickled objects, or unpacks to too much.
    """
    with _told(path.name):
        with path.open("rb") as file:
            head = file.read(4)
        if head[:2] == b"PK":
            return NpzFeatures(path)
        if head == b"PAR1":
            return ParquetFeatures(path)
    message = (
        f"{path.name!r} holds no stored features: an .npz with 'X' or 'X_s0_', …, or a parquet "
        "file with the columns '0', '1', … is needed."
    )
    raise MalformedFileError(message)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say which file it was, whatever damage makes zipfile, numpy or pyarrow raise."""
    try:
        yield
    except LatentError:
        raise
    except Exception as error:
        message = f"{name!r} can't be read: {cause(error)}. Copy the file again."
        raise MalformedFileError(message) from error


class NpzFeatures:
    """Those of an ``.npz``: read when they are asked for, ``X`` whole."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._arrays = NpzArrays(path)
        try:
            self._x = self._arrays.load("X") if "X" in self._arrays else None
            if self._x is None:
                self._keys = [*zip(*keys_by_array(path.name, self._arrays.keys), strict=True)]
            elif self._x.ndim == 0:
                message = f"'X' of {path.name!r} is a single number; samples need (n, …)."
                raise MalformedFileError(message)  # noqa: TRY301
            self.y = self._arrays.load("y") if "y" in self._arrays else None
            self.splits: Mapping[str, NDArray[np.int64]] = {
                key.removeprefix(_INDEX): _rows(path.name, key, self._arrays.load(key), len(self))
                for key in self._arrays.keys
                if key.startswith(_INDEX)
            }
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._keys) if self._x is None else len(self._x)

    def sample(self, row: int) -> Arrays:
        """Return the arrays of a sample, as they were stored."""
        if self._x is not None:
            return (self._x[row],)
        with _told(self._name):
            return tuple(self._arrays.load(key) for key in self._keys[row])

    def close(self) -> None:
        """Close the archive."""
        self._arrays.__exit__()


class ParquetFeatures:
    """Those of awkward's records: fields ``0`` … n, of which the last one is y."""

    splits: Mapping[str, NDArray[np.int64]] = {}

    def __init__(self, path: Path) -> None:
        self._name = path.name
        table = awkward_table(path)
        fields = [str(number) for number in range(table.num_columns)]
        self._columns = [(field, table[field].combine_chunks()) for field in fields[:-1]]
        y = table[fields[-1]].combine_chunks()
        stored = [_array(self._name, fields[-1], value.as_py(), y.type) for value in y]
        self.y: NDArray[np.generic] | None = _stacked(self._name, stored)

    def __len__(self) -> int:
        return len(self._columns[0][1])

    def sample(self, row: int) -> Arrays:
        """Return the fields of a record, as they were stored."""
        with _told(self._name):
            return tuple(
                _array(self._name, field, column[row].as_py(), column.type)
                for field, column in self._columns
            )

    def close(self) -> None:
        """Let nothing stay open; nothing is."""


def _array(name: str, field: str, value: object, kind: pa.DataType) -> NDArray[np.generic]:
    """Return a nested list as an array of the type that its numbers have in the file."""
    for _ in range(_DEEPEST):
        if not hasattr(kind, "value_type"):
            break
        kind = kind.value_type
    try:
        array = np.asarray(value, kind.to_pandas_dtype())
    except (ValueError, TypeError, NotImplementedError) as error:
        message = (
            f"Field {field!r} of {name!r} is no array of numbers in every sample: "
            f"{cause(error)}. Only the lengths of whole axes may differ between samples."
        )
        raise MalformedFileError(message) from error
    if array.dtype.kind not in "buif":
        message = f"Field {field!r} of {name!r} holds {array.dtype}, where numbers are needed."
        raise MalformedFileError(message)
    return array


def _stacked(name: str, values: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    if len({value.shape for value in values}) > 1:
        message = f"y of {name!r} has more values in some samples than in others."
        raise MalformedFileError(message)
    return np.stack(values) if values else np.empty(0)


def _rows(name: str, key: str, rows: NDArray[np.generic], n: int) -> NDArray[np.int64]:
    if rows.dtype == np.bool_ and rows.shape == (n,):
        return np.flatnonzero(rows).astype(np.int64)
    numbers = rows.astype(np.int64) if rows.dtype.kind in "iu" or rows.size == 0 else None
    if rows.ndim != 1 or numbers is None or ((numbers < 0) | (numbers >= n)).any():
        message = (
            f"{key!r} of {name!r} is {rows.dtype} of shape {rows.shape}; rows of {n} samples are "
            "needed."
        )
        raise MalformedFileError(message)
    return numbers
