"""Latent maps as a table: ``x,y,latent_<tag>…``, one row per point.

The tag ends in the dimension's number: ``latent_d40``, ``latent_40``, ``latent_rgb-3_0_8_d103`` and
``latent_sum-auto_d103`` (dimension 103 ranked against two synthetic maps). A table may hold any
of a model's dimensions. An empty cell means that the point was not encoded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet, SourceRef, default_sample_ids
from latentcore.errors import MalformedFileError
from latentcore.readers import LATENTS_READERS, register_reader
from latentcore.readers._columns import has_coordinates, numbers, read_coordinates
from latentcore.readers._coords import grid_of
from latentcore.readers._peek import Peek
from latentcore.readers._tables import read_table
from latentcore.storage import content_fingerprint, local_path

if TYPE_CHECKING:
    import pandas as pd

_TAG = re.compile(r"^latent_(?:(?:.+_)?d(\d{1,8})|(\d{1,8}))$")


@register_reader(LATENTS_READERS, "latent-map-table")
class LatentMapTable:
    """Reader of latent-map tables."""

    description = "Latents of one scan: CSV, CSV.gz or parquet with x, y and latent_d<number>."
    wants = "columns 'x', 'y' and 'latent_d<number>'"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is a table of points with latent columns."""
        return has_coordinates(peek) and any(
            _dimension(column) is not None for column in peek.table_columns
        )

    def open(self, ref: SourceRef) -> LatentSet:
        """Read the latents."""
        path = local_path(ref.location)
        table = read_table(path)
        places = read_coordinates(table, path.name)
        columns = _latent_columns(table, path.name)
        values = np.empty((len(table), len(columns)), np.float32)
        for index, names in enumerate(columns.values()):
            values[:, index] = _agreed(table, names, path.name)
        return LatentSet(
            values=values,
            sample_ids=default_sample_ids(len(table)),
            dims=np.fromiter(columns, np.int32),
            grid=grid_of(places.x, places.y, path.name, unit=places.unit),
            ref=ref,
            fingerprint=content_fingerprint(path),
        )


def _dimension(column: str) -> int | None:
    found = _TAG.match(column.strip().lower())
    return int(found.group(1) or found.group(2)) if found else None


def _latent_columns(table: pd.DataFrame, name: str) -> dict[int, list[str]]:
    """Return the columns of each dimension, in the table's order."""
    columns: dict[int, list[str]] = {}
    for column in table.columns:
        dim = _dimension(str(column))
        if dim is not None:
            columns.setdefault(dim, []).append(column)
    if not columns:
        shown = ", ".join(repr(str(column)) for column in table.columns[:12])
        message = (
            f"{name!r} has no latent column. Its columns are {shown}. "
            "Name them 'latent_d<number>', the number being the model's dimension."
        )
        raise MalformedFileError(message)
    return columns


def _agreed(table: pd.DataFrame, columns: Sequence[str], name: str) -> NDArray[np.float32]:
    """Return the values of one dimension, which several columns may hold."""
    values = numbers(table[columns[0]]).astype(np.float32)
    for other in columns[1:]:
        if not np.array_equal(values, numbers(table[other]).astype(np.float32), equal_nan=True):
            message = (
                f"{columns[0]!r} and {other!r} of {name!r} are the same latent dimension, but "
                "their values differ. Remove one of them."
            )
            raise MalformedFileError(message)
    return values
