"""Columns of a table of samples that lie on no grid, at the latents of these samples."""

from __future__ import annotations

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, SampleColumns
from latentcore.errors import InputError, JoinError
from latentcore.inputs.maps import grid_for_maps
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
    location, wanted = split_map_spec(spec)
    try:
        table = open_table(location)
    except InputError:
        grid_for_maps(latents.grid)  # its message says what a map needs
        raise
    reader = "" if table.ref is None else table.ref.reader
    folder.add_input(location, reader, table.fingerprint, "table")
    for name in wanted:
        table.get(name)  # refuses what isn't there
    try:
        columns = table.at(latents)
    except JoinError as error:
        message = f"{error} The latents have no coordinates: to join a map of a scan give ⟨coords⟩."
        raise JoinError(message) from error
    return columns, tuple(wanted) or columns.names
