"""Which samples of a table belong together: they are drawn and exchanged as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.geography import EarthCells, place_columns
from latentcore.containers import LatentSet, SampleColumns
from latentcore.errors import RequestError

PLACE, PARTITION, NONE = "place", "partition", "none"
_CELL = 10.0
_FEWEST_PARTITIONS = 8
_YEARS = (1900.0, 2200.0)


@dataclass(frozen=True, eq=False)
class SampleGroups:
    """The group of each sample.

    Attributes
    ----------
    number : ndarray of int64, shape (n,)
        One that is in no group has one of its own.
    what : str
        What a group is, for the report.
    """

    number: NDArray[np.int64]
    what: str


def sample_groups(asked: str | None, latents: LatentSet, columns: SampleColumns) -> SampleGroups:
    """Return the groups that are asked for, or those that are known best.

    Parameters
    ----------
    asked : str or None
        A column, or ``"place"``, ``"partition"``, ``"none"``; None for places where there are
        some, else partitions where there are at least eight, else each sample by itself.

    Raises
    ------
    RequestError
        If there are none such.
    """
    places = place_columns(columns.names)
    partitions = 0 if latents.partition is None else len(np.unique(latents.partition))
    if asked is None:
        if places is not None:
            asked = PLACE
        else:
            asked = PARTITION if partitions >= _FEWEST_PARTITIONS else NONE
    if asked == NONE:
        return SampleGroups(np.arange(len(latents)), "each sample by itself")
    if asked == PARTITION and latents.partition is not None and PARTITION not in columns.names:
        return _grouped(np.unique(latents.partition, return_inverse=True)[1], "partition")
    if asked == PLACE and PLACE not in columns.names:
        if places is None:
            message = (
                "⟨groups⟩ place needs latitude and longitude, called 'lat' and 'lon'; the table "
                f"has: {', '.join(columns.names[:12])}. Name a column, or none."
            )
            raise RequestError(message)
        cells = EarthCells.of_size(_CELL).of(*(columns.get(name) for name in places))
        return _grouped(cells, f"cell of equal area, {_CELL:g}° wide at the equator")
    return _of_column(columns, asked)


def _of_column(columns: SampleColumns, name: str) -> SampleGroups:
    values = columns.get(name).astype(np.float64)
    known = np.isfinite(values)
    if (values[known] % 1 == 0).all():
        return _grouped(np.where(known, values, -1), name)
    if ((values[known] >= _YEARS[0]) & (values[known] < _YEARS[1])).all():
        return _grouped(np.where(known, np.floor(values * 12), -1), f"month of {name}")
    message = (
        f"⟨groups⟩ {name!r} holds a quantity, of which no two samples have the same value. Name a "
        "column of names, whole numbers or times; place, partition or none."
    )
    raise RequestError(message)


def _grouped(values: NDArray[np.number], what: str) -> SampleGroups:
    """Give the groups numbers; samples of a negative one are by themselves."""
    number = np.unique(values, return_inverse=True)[1].astype(np.int64)
    alone = np.flatnonzero(values < 0)
    number[alone] = number.max(initial=0) + 1 + np.arange(len(alone))
    return SampleGroups(number, what)
