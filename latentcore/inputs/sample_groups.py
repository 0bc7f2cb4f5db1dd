"""Which samples of a table belong together: they are drawn and exchanged as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.geography import EarthCells, months_of, place_columns
from latentcore.containers import LatentSet, SampleColumns
from latentcore.errors import RequestError

PLACE, PARTITION, NONE = "place", "partition", "none"
_CELL = 10.0
_FEWEST_PARTITIONS = 8
_YEARS = (1900.0, 2200.0)
# In a column of labels, none; in one with other negative numbers, a number.
_NO_LABEL = -1


@dataclass(frozen=True, eq=False)
class SampleGroups:
    """The group of each sample.

    Attributes
    ----------
    number : ndarray of int64, shape (n,)
        One that is in no group has one of its own.
    what : str
        What a group is, for the report.
    texts : Mapping of int to str
        What each group is called; the others are samples by themselves.
    """

    number: NDArray[np.int64]
    what: str
    texts: Mapping[int, str]


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
    partitions = 0 if latents.partition is None else len(latents.partition.names)
    if asked is None:
        if places is not None:
            asked = PLACE
        else:
            asked = PARTITION if partitions >= _FEWEST_PARTITIONS else NONE
    if asked == NONE:
        return SampleGroups(np.arange(len(latents)), "each sample by itself", {})
    if asked == PARTITION and latents.partition is not None and PARTITION not in columns.names:
        found = latents.partition.alphabetical
        return _grouped(
            found.codes, found.codes >= 0, PARTITION,
            lambda one: f"{PARTITION} {found.names[int(one)]}",
        )  # fmt: skip
    if asked == PLACE and PLACE not in columns.names:
        if places is None:
            message = (
                "⟨groups⟩ place needs latitude and longitude, called 'lat' and 'lon'; the table "
                f"has: {', '.join(columns.names[:12])}. Name a column, or none."
            )
            raise RequestError(message)
        cells = EarthCells.of_size(_CELL)
        number = cells.of(*(columns.get(name) for name in places))
        what = f"cell of equal area, {_CELL:g}° wide at the equator"
        return _grouped(number, number >= 0, what, lambda one: f"cell {one:.0f}")
    return _of_column(columns, asked)


def _of_column(columns: SampleColumns, name: str) -> SampleGroups:
    values = columns.get(name).astype(np.float64)
    known = np.isfinite(values)
    if (values[known] % 1 == 0).all():
        texts = columns.categories.get(name, {})
        if name in columns.categories or values[known].min(initial=0) == _NO_LABEL:
            known &= values >= 0
        return _grouped(
            values, known, name, lambda one: f"{name} {texts.get(int(one), f'{one:g}')}"
        )
    if ((values[known] >= _YEARS[0]) & (values[known] < _YEARS[1])).all():
        return _grouped(
            months_of(values), known, f"month of {name}",
            lambda one: f"{one // 12:.0f}-{one % 12 + 1:02.0f}",
        )  # fmt: skip
    message = (
        f"⟨groups⟩ {name!r} holds a quantity, of which no two samples have the same value. Name a "
        "column of names, whole numbers or times; place, partition or none."
    )
    raise RequestError(message)


def _grouped(
    values: NDArray[np.number],
    known: NDArray[np.bool_],
    what: str,
    called: Callable[[float], str],
) -> SampleGroups:
    """Give the groups numbers and names; samples whose value isn't known are by themselves."""
    present, inverse = np.unique(values[known], return_inverse=True)
    number = np.empty(len(values), np.int64)
    number[known] = inverse
    number[~known] = len(present) + np.arange(len(values) - len(inverse))
    texts = {place: called(float(one)) for place, one in enumerate(present)}
    return SampleGroups(number, what, texts)
