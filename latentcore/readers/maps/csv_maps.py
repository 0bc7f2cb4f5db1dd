"""Maps as a table: x, y and one column per map, in all spellings of the field.

Band contrast is always called ``bandcontrast``. Text columns and whole-number columns named after
a phase, grain, cluster, domain, region or label become maps of categories. A text column that gives
every row a name of its own (ids, file names) is no map and is left out.

A table with ``latent_…`` columns is latents to whoever asks what a file is or for latents; asked
for maps it is maps, so that a latent dimension may serve as a reference or a threshold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanMaps, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.readers import MAPS_READERS, register_reader
from latentcore.readers._columns import (
    MOST_CATEGORIES,
    Coordinates,
    has_coordinates,
    names_labels,
    normalized,
    numbers,
    read_coordinates,
    text_categories,
    unit_of,
)
from latentcore.readers._coords import grid_of
from latentcore.readers._peek import Peek
from latentcore.readers._tables import read_table
from latentcore.storage import content_fingerprint, local_path

if TYPE_CHECKING:
    import pandas as pd

_BAND_CONTRAST = "bandcontrast"
_MOST_BAND_CONTRAST = 255
# float32 holds whole numbers exactly up to here.
_MOST_CATEGORY = 1 << 24
_INDEX_COLUMN = re.compile(r"^(unnamed:_\d+|index|__index_level_\d+__|)$")

_Categories = Mapping[int, str]


@register_reader(MAPS_READERS, "csv-maps")
class CsvMaps:
    """Reader of map tables."""

    description = "Maps of one scan: CSV, TSV, CSV.gz or parquet with x, y and value columns."
    wants = "columns 'x' and 'y' and at least one more"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is a table of points."""
        return has_coordinates(peek) and len(peek.table_columns) > 1

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read the maps; rows without a place or without any value are dropped and counted."""
        path = local_path(ref.location)
        table = read_table(path)
        places = read_coordinates(table, path.name)
        maps, categories = _columns(table, places, path.name)
        values = np.stack(list(maps.values()))
        placed = np.isfinite(places.x) & np.isfinite(places.y)
        usable = placed & np.isfinite(values).any(axis=0)
        if not usable.any():
            message = f"{path.name!r} has {len(table)} rows, but none holds a place and a number."
            raise MalformedFileError(message)
        kept: NDArray[np.float32] = values[:, usable]
        names = tuple(maps)
        # The table of a clustering calls its map so, whichever it is.
        if _BAND_CONTRAST in names and not {"latent", "cluster"} <= set(names):
            _refuse_impossible(kept[names.index(_BAND_CONTRAST)], path.name)
        return ScanMaps(
            values=kept,
            names=names,
            units=tuple("" if name in categories else unit_of(name) for name in names),
            grid=grid_of(places.x[usable], places.y[usable], path.name, unit=places.unit),
            categories=categories,
            dropped=int((~usable).sum()),
            ref=ref,
            fingerprint=content_fingerprint(path),
        )


def _columns(
    table: pd.DataFrame, places: Coordinates, name: str
) -> tuple[dict[str, NDArray[np.float32]], dict[str, _Categories]]:
    """Return each map's values, and the names of the numbers of those that are categories."""
    maps: dict[str, NDArray[np.float32]] = {}
    categories: dict[str, _Categories] = {}
    for column in table.columns:
        if column in places.columns or _INDEX_COLUMN.match(normalized(str(column))):
            continue
        called = _map_name(str(column))
        if called in maps:
            message = f"{name!r} has two columns for {called!r}. Remove one of them."
            raise MalformedFileError(message)
        values, names = _read_column(table[column], called)
        if values is not None:
            maps[called] = values.astype(np.float32)
        if names is not None:
            categories[called] = names
    if not maps:
        shown = ", ".join(repr(str(column)) for column in table.columns)
        message = f"{name!r} holds no maps. Its columns are {shown}. Add value columns to x and y."
        raise MalformedFileError(message)
    return maps, categories


def _map_name(column: str) -> str:
    plain = normalized(column)
    return _BAND_CONTRAST if plain.replace("_", "") == _BAND_CONTRAST else column.strip()


def _read_column(
    column: pd.Series, called: str
) -> tuple[NDArray[np.float64] | None, _Categories | None]:
    values = numbers(column)
    finite = values[np.isfinite(values)]
    labels = names_labels(called) and _are_labels(finite)
    texts = 0 if column.dtype.kind in "iufb" else column.notna().sum() - len(finite)
    if texts > len(finite) or (texts and labels):  # a label that is no number is one, too
        return text_categories(column)
    if labels:
        return values, {int(label): str(int(label)) for label in np.unique(finite)}
    return values, None


def _are_labels(finite: NDArray[np.float64]) -> bool:
    if len(finite) == 0 or np.abs(finite).max() > _MOST_CATEGORY:
        return False
    return bool((finite == np.rint(finite)).all()) and len(np.unique(finite)) <= MOST_CATEGORIES


def _refuse_impossible(values: NDArray[np.float32], name: str) -> None:
    outside = int(((values < 0) | (values > _MOST_BAND_CONTRAST)).sum())
    if outside:
        message = (
            f"{outside} of {len(values)} band contrasts in {name!r} lie outside 0 to "
            f"{_MOST_BAND_CONTRAST}: they run from {np.nanmin(values):g} to {np.nanmax(values):g}. "
            "Export the map as 8-bit values, or give the column another name."
        )
        raise MalformedFileError(message)
