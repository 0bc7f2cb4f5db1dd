"""Tables about samples without a scan grid, joined to their latents as maps are to a grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from latentcore.containers import LatentSet, SampleColumns
from latentcore.errors import InputError
from pages.access import places
from pages.scan import loading
from pages.scan.loading import JoinedMaps

__all__ = ["can_join_by_order", "joined_tables", "told"]

Joined = tuple[JoinedMaps, Mapping[str, InputError]]


def joined_tables(table_places: Sequence[str], latents_place: str, *, by_order: bool) -> Joined:
    """Join tables to the samples of latents.

    Parameters
    ----------
    by_order : bool
        Whether tables that name no samples are joined row by row, because somebody says so.

    Returns
    -------
    columns : JoinedMaps
        At the n samples, NaN where a table knows nothing.
    wrong : dict of str to InputError
        Why a table couldn't be joined, by its place.
    """
    stamps = tuple((place, loading.stamp(place)) for place in table_places)
    return _joined(stamps, loading.stamp(latents_place), by_order, loading.latents(latents_place))


@st.cache_resource(max_entries=8, show_spinner="Joining the tables …")
def _joined(
    tables: tuple[tuple[str, str], ...], about: str, by_order: bool, _latents: LatentSet
) -> Joined:
    del about  # what the cache tells latents apart by
    right: dict[str, SampleColumns] = {}
    wrong: dict[str, InputError] = {}
    for place, _ in tables:
        try:
            table = loading.table(place)
            nameless = by_order and table.sample_ids is None
            right[place] = table.at(_latents, by="order" if nameless else "id")
        except InputError as error:
            wrong[place] = error
    return (_together(right) if right else JoinedMaps()), wrong


def _together(tables: Mapping[str, SampleColumns]) -> JoinedMaps:
    counts = Counter(name for table in tables.values() for name in table.names)
    origin = {
        name if counts[name] == 1 else f"{name} ({places.label(place)})": (place, name)
        for place, table in tables.items()
        for name in table.names
    }
    return JoinedMaps(
        names=tuple(origin),
        units=tuple(
            tables[place].units[tables[place].names.index(name)] for place, name in origin.values()
        ),
        values=np.stack([tables[place].get(name) for place, name in origin.values()]),
        categories={
            shown: tables[place].categories[name]
            for shown, (place, name) in origin.items()
            if name in tables[place].categories
        },
        unmatched={place: table.unmatched for place, table in tables.items()},
        origin=origin,
        joined_by={place: table.joined_by for place, table in tables.items()},
    )


def can_join_by_order(place: str, latents_place: str) -> bool:
    """Tell whether a table names no samples, but has as many rows as there are off any grid."""
    latents = loading.latents(latents_place)
    if latents.grid is not None or not loading.is_table(place):
        return False
    table = loading.table(place)
    return table.sample_ids is None and len(table) == len(latents)


def told(columns: JoinedMaps, n: int) -> str:
    """Return one sentence on how each table was joined; empty where there is none."""
    manner = {"id": "by sample", "order": "by order, as you said"}
    parts = []
    for place, how in columns.joined_by.items():
        missing = columns.unmatched[place]
        rest = f"; {missing:,} of {n:,} samples are not in it" if missing else ""
        parts.append(f"{places.label(place)} is joined {manner[how]}{rest}")
    return f"{'. '.join(parts)}." if parts else ""
