"""Featurized data of kinoml as awkward arrays: parquet records with fields ``0``, ``1``, … n.

The last field is y. The others are numbers, vectors, or lists of rows of different lengths, which
are pooled as in `latentcore.readers.latents.kinoml_npz`; fields are put one after the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.readers import LATENTS_READERS, register_reader
from latentcore.readers._features import feature_latents, pool_segments, pooling_of
from latentcore.readers._peek import Peek
from latentcore.storage import local_path

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_BYTES = 4 << 30


@register_reader(LATENTS_READERS, "awkward-parquet")
class AwkwardParquet:
    """Reader of kinoml's records."""

    description = "Featurized data of kinoml: parquet with fields '0', '1', …; the last one is y."
    wants = "a parquet file whose columns are '0', '1', …"
    options = ("pooling",)

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether the columns are counted from 0, two at least."""
        return peek.is_parquet and is_counted(peek.table_columns)

    def open(self, ref: SourceRef) -> LatentSet:
        """Read the features as latents.

        Parameters
        ----------
        ref : SourceRef
            Options: ``pooling``, for samples of different lengths.
        """
        pooling = pooling_of(ref.options)
        path = local_path(ref.location)
        table = awkward_table(path)
        fields = [str(number) for number in range(table.num_columns)]
        columns = [_vectors(path.name, one, table[one], pooling) for one in fields[:-1]]
        values = np.concatenate(columns, axis=1).astype(np.float32)
        y = _vectors(path.name, fields[-1], table[fields[-1]], pooling)
        whole = _is_whole(table.schema.field(fields[-1]).type) and not np.isnan(y).any()
        return feature_latents(ref, values, y.astype(np.int64) if whole else y, pooling=pooling)


def is_counted(columns: tuple[str, ...]) -> bool:
    """Tell whether columns are counted from 0, two at least."""
    return len(columns) > 1 and sorted(columns) == sorted(map(str, range(len(columns))))


def awkward_table(path: Path) -> pa.Table:
    """Read the records of a file; `MalformedFileError` where it holds none, or too many."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        metadata = file.metadata
        unpacked = sum(
            metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)
        )
        if not is_counted(tuple(file.schema_arrow.names)) or not 0 < unpacked <= _MOST_BYTES:
            message = (
                f"{path.name!r} has the columns {', '.join(file.schema_arrow.names[:8])} and "
                f"{unpacked:,} bytes unpacked; wanted are '0', '1', … with 1 to {_MOST_BYTES:,} "
                "bytes. Split it, or name another reader."
            )
            raise MalformedFileError(message)
        return file.read()


def _vectors(name: str, field: str, column: pa.ChunkedArray, pooling: str) -> NDArray[np.float64]:
    """Return a field of every record as vectors, shape (n, w)."""
    array = column.combine_chunks()
    if not _is_list(array.type):
        return _inner(name, field, array)
    lengths = _lengths(array)
    rows = _inner(name, field, array.flatten())
    if not _is_list(array.type.value_type) and len(set(lengths.tolist())) == 1:
        return rows.reshape(len(lengths), -1)
    return pool_segments(rows, lengths, pooling)


def _inner(name: str, field: str, array: pa.Array) -> NDArray[np.float64]:
    """Return nested lists of one length as rows, shape (number of lists, w)."""
    if _is_list(array.type):
        lengths = set(_lengths(array).tolist())
        if len(lengths) > 1:
            message = (
                f"Field {field!r} of {name!r} differs in length in more than one axis: "
                f"{', '.join(map(str, sorted(lengths)[:6]))} values in a row. Only the number of "
                "rows may differ."
            )
            raise MalformedFileError(message)
        return _inner(name, field, array.flatten()).reshape(len(array), -1)
    try:
        return np.asarray(array.to_numpy(zero_copy_only=False), np.float64).reshape(-1, 1)
    except (ValueError, TypeError, NotImplementedError) as error:
        message = f"Field {field!r} of {name!r} holds {array.type}, where numbers are needed."
        raise MalformedFileError(message) from error


def _lengths(array: Any) -> NDArray[np.int64]:
    import pyarrow.compute

    lengths = pyarrow.compute.list_value_length(array).fill_null(0)
    return cast("NDArray[np.int64]", lengths.to_numpy(zero_copy_only=False).astype(np.int64))


def _is_list(kind: Any) -> bool:
    import pyarrow.types

    return bool(
        pyarrow.types.is_list(kind)
        or pyarrow.types.is_large_list(kind)
        or pyarrow.types.is_fixed_size_list(kind)
    )


def _is_whole(kind: Any) -> bool:
    import pyarrow.types

    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_boolean(kind))
