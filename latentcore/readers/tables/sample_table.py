"""A table with a row per sample: CSV, TSV, CSV.gz or parquet.

Which sample a row is about, it may say in three ways: ``sample_id`` (``train/17``); ``partition``
and ``row``; or nenya's ``pp_type`` (0 is ``valid``, 1 is ``train``) and ``pp_idx``, in older tables
``ulmo_pp_type`` and ``ulmo_pp_idx``, with ``pp_file``, the file. All other columns are
values: numbers, times in decimal years, and text as categories.

Source of nenya's columns: ``ulmo/ssl/ssl_umap.py`` in github.com/AI-for-Ocean-Science/ulmo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleTable, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.readers import TABLES_READERS, register_reader
from latentcore.readers._columns import normalized, numbers, read_columns
from latentcore.readers._peek import Peek
from latentcore.readers._tables import read_table
from latentcore.storage import content_fingerprint, local_path

if TYPE_CHECKING:
    import pandas as pd

_ID = "sample_id"
_PARTITION, _ROW = "partition", "row"
# (type, index, file): new tables, old ones.
_PREPROCESSED = (
    ("pp_type", "pp_idx", "pp_file"),
    ("ulmo_pp_type", "ulmo_pp_idx", "ulmo_pp_file"),
)
_PARTITION_OF_TYPE = {0: "valid", 1: "train"}


@register_reader(TABLES_READERS, "sample-table")
class SampleTableFile:
    """Reader of tables about samples."""

    description = "Values of samples: CSV, TSV, CSV.gz or parquet with a column that names them."
    wants = "a column 'sample_id', or 'partition' and 'row', or 'pp_type' and 'pp_idx'"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is a table that says which samples its rows are about."""
        return bool(_identifying({normalized(name) for name in peek.table_columns}))

    def open(self, ref: SourceRef) -> SampleTable:
        """Read the table; by name it opens tables that don't name their samples, too."""
        path = local_path(ref.location)
        table = read_table(path)
        by_name = {normalized(str(column)): str(column) for column in reversed(table.columns)}
        used = [by_name[name] for name in _identifying(by_name)]
        values, categories = read_columns(table, without=used)
        if not values:
            shown = ", ".join(repr(str(column)) for column in table.columns[:12])
            message = f"{path.name!r} holds no values of samples. Its columns are {shown}."
            raise MalformedFileError(message)
        return SampleTable(
            values=np.stack(list(values.values())),
            names=tuple(values),
            units=("",) * len(values),
            sample_ids=_sample_ids(table, by_name),
            files=_files(table, by_name),
            categories=categories,
            ref=ref,
            fingerprint=content_fingerprint(path),
        )


def _identifying(names: Sequence[str] | set[str] | dict[str, str]) -> tuple[str, ...]:
    """Return the columns that identify a row's sample; empty where there are none."""
    if _ID in names:
        return tuple(name for name in (_ID, _PARTITION, _ROW) if name in names)
    if _PARTITION in names and _ROW in names:
        return (_PARTITION, _ROW)
    for kind, index, file in _PREPROCESSED:
        if kind in names and index in names:
            return (kind, index, *((file,) if file in names else ()))
    return ()


def _sample_ids(table: pd.DataFrame, by_name: dict[str, str]) -> NDArray[np.str_] | None:
    found = _identifying(by_name)
    if not found:
        return None
    if found[0] == _ID:
        return _texts(table[by_name[_ID]])
    kind, index = found[:2]
    rows = numbers(table[by_name[index]])
    if kind == _PARTITION:
        partitions = _texts(table[by_name[kind]])
    else:
        types = numbers(table[by_name[kind]])
        partitions = np.full(len(table), "", f"<U{max(map(len, _PARTITION_OF_TYPE.values()))}")
        for number, name in _PARTITION_OF_TYPE.items():
            partitions[types == number] = name
    # A type of -1, or an index that is no number: of no sample.
    known = (partitions != "") & (rows >= 0) & (rows == np.rint(rows))
    whole = np.where(known, rows, 0).astype(np.int64)
    ids = np.char.add(np.char.add(partitions, "/"), whole.astype(np.str_))
    return np.where(known, ids, "")


def _files(table: pd.DataFrame, by_name: dict[str, str]) -> NDArray[np.str_] | None:
    column = next((name for name in _identifying(by_name) if name.endswith("pp_file")), None)
    return None if column is None else _texts(table[by_name[column]])


def _texts(column: pd.Series) -> NDArray[np.str_]:
    texts = column.astype("str").str.strip().where(column.notna(), "")
    return cast("NDArray[np.str_]", texts.to_numpy(object).astype(np.str_))
