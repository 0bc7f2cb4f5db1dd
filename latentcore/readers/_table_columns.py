"""The columns of a table as numbers, whatever they are written as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from latentcore.readers._tables import numbers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_columns"]

_MOST_CATEGORIES = 4_096
_DAYS_PER_YEAR = 365.25
_EPOCH_YEAR = 1970.0


def read_columns(
    table: pd.DataFrame, without: Iterable[str] = ()
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Mapping[int, str]]]:
    """Return each column's values, and the names of the numbers of those that are categories.

    Text with few distinct values becomes categories, in alphabetical order; a time becomes decimal
    years. A column of text that gives every row another (ids, file names) is left out, and so is
    one without any value.

    Parameters
    ----------
    without : iterable of str
        Columns that are something else.
    """
    left_out = set(without)
    values: dict[str, NDArray[np.float64]] = {}
    categories: dict[str, Mapping[int, str]] = {}
    for column in dict.fromkeys(map(str, table.columns)):
        if column in left_out or column.startswith("Unnamed:"):
            continue
        found, names = _read(table[column])
        if found is not None and np.isfinite(found).any():
            values[column] = found
            if names is not None:
                categories[column] = names
    return values, categories


def _read(column: pd.Series) -> tuple[NDArray[np.float64] | None, Mapping[int, str] | None]:
    if column.dtype.kind == "M":
        return _years(column), None
    values = numbers(column)
    present = column.notna().to_numpy()
    if column.dtype.kind in "iufb" or np.isfinite(values).sum() >= present.sum() / 2:
        return values, None
    return _categories(column, present)


def _years(column: pd.Series) -> NDArray[np.float64]:
    plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz else column
    days = plain.to_numpy("datetime64[s]").astype(np.float64) / 86_400
    days[column.isna().to_numpy()] = np.nan
    return cast("NDArray[np.float64]", _EPOCH_YEAR + days / _DAYS_PER_YEAR)


def _categories(
    column: pd.Series, present: NDArray[np.bool_]
) -> tuple[NDArray[np.float64] | None, Mapping[int, str] | None]:
    import pandas as pd

    codes, texts = pd.factorize(column[present].astype("str").str.strip(), sort=True)
    are_ids = len(texts) == present.sum() > 1
    if len(texts) == 0 or are_ids or len(texts) > _MOST_CATEGORIES:
        return None, None
    values = np.full(len(column), np.nan)
    values[present] = codes
    return values, dict(enumerate(map(str, texts)))
