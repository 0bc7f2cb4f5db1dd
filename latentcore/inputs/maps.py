"""The maps that a request names by a ``MAP``, and their values at the points of latents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import (
    SampleTable,
    ScanGrid,
    ScanMaps,
    numeric,
    quantities,
    refuse_names,
)
from latentcore.errors import JoinError, RequestError
from latentcore.readers import open_maps
from latentcore.requests.map_specs import split_map_spec

# What every reader calls band contrast.
BAND_CONTRAST = "bandcontrast"


def read_map(
    spec: str,
    folder: RunFolder | None = None,
    reader: str | None = None,
    *,
    numbers: bool = False,
) -> ScanMaps:
    """Read the maps that a ``MAP`` argument names.

    Parameters
    ----------
    folder : RunFolder, optional
        Notes what is read.
    reader : str, optional
        Name of a maps reader.
    numbers : bool
        Whether numbers are needed. Where the argument names no column, quantities are meant then,
        or labels that are whole numbers where there are no quantities.

    Raises
    ------
    RequestError
        If a column that it names doesn't exist, or holds names where numbers are needed.
    """
    location = split_map_spec(spec)[0]
    maps = open_maps(location, reader)
    if folder is not None:
        used = maps.ref.reader if maps.ref is not None else ""
        folder.add_input(location, used, maps.fingerprint, "map")
    return meant_columns(maps, spec, numbers=numbers)


Table = TypeVar("Table", bound=ScanMaps | SampleTable)


def meant_columns(maps: Table, spec: str, *, numbers: bool) -> Table:
    """Return the columns that a ``MAP`` argument means; see `read_map`."""
    location, columns = split_map_spec(spec)
    if columns:
        chosen = tuple(name for column in columns for name in _matching(column, maps, location))
    elif numbers:
        chosen = quantities(maps) or numeric(maps) or maps.names
    else:
        return maps
    if numbers:
        refuse_names(maps, chosen)
    return chosen_maps(maps, chosen)


def chosen_maps(maps: Table, names: Sequence[str]) -> Table:
    """Return some of the maps, or of a table's columns, in the order named."""
    rows = [maps.names.index(name) for name in names]
    return replace(
        maps,
        values=maps.values[rows],  # type: ignore[arg-type]  # of the same type as before
        names=tuple(names),
        units=tuple(maps.units[row] for row in rows),
        categories={name: maps.categories[name] for name in names if name in maps.categories},
    )


def _matching(column: str, maps: ScanMaps | SampleTable, location: str) -> list[str]:
    if column.endswith("*"):
        found = [name for name in maps.names if name.lower().startswith(column[:-1].lower())]
    else:
        # As written, else in any spelling: a reader may call 'Band Contrast' 'bandcontrast'.
        found = [name for name in maps.names if name == column] or [
            name for name in maps.names if _bare(name) == _bare(column)
        ]
    if not found:
        message = (
            f"{Path(location).name!r} has no column {column!r}. It has: {', '.join(maps.names)}."
        )
        raise RequestError(message)
    return found


def _bare(name: str) -> str:
    return re.sub(r"[\s_]+", "", name).lower()


def read_one_map(spec: str, folder: RunFolder | None = None) -> ScanMaps:
    """Read the one map of numbers that is meant: the only one, or band contrast among several.

    Raises
    ------
    RequestError
        If there are several and none is band contrast, or none holds numbers.
    """
    return one_column(read_map(spec, folder, numbers=True), spec)


def one_column(maps: Table, spec: str) -> Table:
    """Return the one column of numbers that is meant; see `read_one_map`."""
    names = [BAND_CONTRAST] if BAND_CONTRAST in maps.names else list(maps.names)
    if len(names) != 1:
        message = (
            f"One map is needed, but {spec!r} holds {len(names)}: {', '.join(names)}. "
            f"Name one as {split_map_spec(spec)[0]}:COLUMN."
        )
        raise RequestError(message)
    return chosen_maps(maps, names)


def grid_for_maps(grid: ScanGrid | None) -> ScanGrid:
    """Return the grid of latents that maps are joined to.

    Raises
    ------
    JoinError
        If they have none.
    """
    if grid is None:
        message = "The latents have no coordinates, so no map can be joined to them: give ⟨coords⟩."
        raise JoinError(message)
    return grid


def maps_at(maps: ScanMaps, grid: ScanGrid | None) -> tuple[NDArray[np.float32], int]:
    """Return maps at the points of latents, (k, n), and how many points have no partner."""
    return maps.at(grid_for_maps(grid))
