"""Columns of a table of samples that lie on no grid, at the latents of these samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, SampleColumns, SampleTable, ScanMaps
from latentcore.errors import InputError, JoinError
from latentcore.inputs.maps import grid_for_maps, maps_at, meant_columns, read_map
from latentcore.readers import open_table
from latentcore.requests.map_specs import split_map_spec


def table_at(
    spec: str, latents: LatentSet, folder: RunFolder
) -> tuple[SampleColumns, tuple[str, ...]]:
    """Read the table that a ``MAP`` argument names, joined by sample_id.

    Returns
    -------
    columns : SampleColumns
        All of them.
    names : tuple of str
        Those that are meant: all, where the argument names none.

    Raises
    ------
    JoinError
        If the file is no table of these samples.
    RequestError
        If it lacks a column.
    """
    wanted = split_map_spec(spec)[1]
    table = _read_table(spec, folder)
    for name in wanted:
        table.get(name)  # refuses what isn't there
    columns = _at(table, latents)
    return columns, tuple(wanted) or columns.names


def read_columns(
    spec: str, latents: LatentSet, folder: RunFolder | None = None, *, numbers: bool = False
) -> ScanMaps | SampleTable:
    """Read what a ``MAP`` argument names: maps, or of latents without a grid a table's columns.

    Parameters
    ----------
    numbers : bool
        As for `latentcore.inputs.maps.read_map`, which also says what is raised.
    """
    if latents.grid is not None:
        return read_map(spec, folder, numbers=numbers)
    return meant_columns(_read_table(spec, folder), spec, numbers=numbers)


def columns_at(
    columns: ScanMaps | SampleTable, latents: LatentSet
) -> tuple[NDArray[np.float32], int]:
    """Return columns at latents, (k, n), and how many of these have none.

    Raises
    ------
    JoinError
        If they are about other points or samples.
    """
    if isinstance(columns, ScanMaps):
        return maps_at(columns, latents.grid)
    found = _at(columns, latents)
    return found.values, found.unmatched


def _read_table(spec: str, folder: RunFolder | None) -> SampleTable:
    location = split_map_spec(spec)[0]
    try:
        table = open_table(location)
    except InputError:
        grid_for_maps(None)  # its message says what a map needs
        raise
    if folder is not None:
        reader = "" if table.ref is None else table.ref.reader
        folder.add_input(location, reader, table.fingerprint, "table")
    return table


def _at(table: SampleTable, latents: LatentSet) -> SampleColumns:
    try:
        return table.at(latents)
    except JoinError as error:
        message = f"{error} The latents have no coordinates: to join a map of a scan give ⟨coords⟩."
        raise JoinError(message) from error
