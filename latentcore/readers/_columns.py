"""The columns of a table: where its rows are, and values as numbers, whatever they are written as.

Column names come in many spellings; for recognition they are lower-cased, stripped
and their blanks become ``_``. What is not a number becomes NaN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from latentcore.containers.tables import DAYS_PER_YEAR, EPOCH_YEAR
from latentcore.errors import MalformedFileError
from latentcore.readers._peek import Peek

if TYPE_CHECKING:
    import pandas as pd

_X_NAMES = ("x", "x_position", "xpos", "x_indice", "x_index", "ix", "col", "x_coord", "x_um")
_Y_NAMES = ("y", "y_position", "ypos", "y_indice", "y_index", "iy", "row", "y_coord", "y_um")
_INDEX_NAMES = ("", "index", "unnamed:_0", "coords", "__index_level_0__")
# "(20, 5)": how pandas prints the (x, y) index of old tables.
_INDEX_CELL = re.compile(r"^\(\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\)$")
# Bounded: a header of thousands of brackets or blanks must not take minutes to search.
_UNIT = re.compile(r"[\[(]\s{0,9}([^\s\[\]()](?:[^\[\]()]{0,60}[^\s\[\]()])?)\s{0,9}[\])]\s{0,9}$")
_MICROMETERS = ("um", "µm", "μm", "micron", "microns")
MOST_CATEGORIES = 4_096
_LABELS = re.compile(r"phase|grain|cluster|domain|region|label|partition|split")


_SYMBOLS = frozenset(
    re.findall(
        "[A-Z][a-z]?",
        "HHeLiBeBCNOFNeNaMgAlSiPSClArKCaScTiVCrMnFeCoNiCuZnGaGeAsSeBrKrRbSrYZrNbMoTcRuRhPdAgCdInSn"
        "SbTeIXeCsBaLaCePrNdPmSmEuGdTbDyHoErTmYbLuHfTaWReOsIrPtAuHgTlPbBiPoAtRnFrRaAcThPaUNpPuAm",
    )
)
_SUFFIXES = {"deg": "°", "um": "µm", "px": "px", "rad": "rad"}
_EULER = re.compile(r"^(eul|euler)_?[123]$")


@dataclass(frozen=True)
class Coordinates:
    """Where a table says its rows are.

    Attributes
    ----------
    x, y : ndarray of float64, shape (n,)
        NaN where a cell is no number.
    unit : str
        ``"µm"`` where the column's name says so, else ``""``.
    columns : tuple of str
        The columns they were read from, as written.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    unit: str
    columns: tuple[str, ...]


def normalized(name: str) -> str:
    """Return a column's name as it is compared: ``" Band Contrast"`` → ``"band_contrast"``."""
    return re.sub(r"\s+", "_", name.strip().lower())


def has_coordinates(peek: Peek) -> bool:
    """Tell whether a file is a table of points, from its head."""
    columns = peek.table_columns
    if _find_pair(columns) is not None:
        return True
    if not columns or normalized(columns[0]) not in _INDEX_NAMES:
        return False
    rows = peek.table_rows
    return peek.is_parquet or (len(rows) > 1 and _INDEX_CELL.match(rows[1][0]) is not None)


def read_coordinates(table: pd.DataFrame, name: str) -> Coordinates:
    """Find x and y among a table's columns.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    """
    columns = [str(column) for column in table.columns]
    pair = _find_pair(columns)
    if pair is not None:
        x_name, y_name = pair
        x, y = numbers(table[x_name]), numbers(table[y_name])
        return Coordinates(x, y, _unit_of(x_name), pair)
    if columns and normalized(columns[0]) in _INDEX_NAMES:
        found = _from_index(table[columns[0]])
        if found is not None:
            return Coordinates(*found, "", (columns[0],))
    shown = ", ".join(repr(column) for column in columns[:12])
    message = (
        f"{name!r} has no x and y columns. Its columns are {shown}. "
        "Name them 'x' and 'y' (x along columns, y downwards)."
    )
    raise MalformedFileError(message)


def numbers(column: pd.Series) -> NDArray[np.float64]:
    """Return a column as float64, NaN where a cell is no number; decimal commas are understood."""
    import pandas as pd

    if column.dtype.kind in "iufb":
        return cast("NDArray[np.float64]", column.to_numpy(np.float64))
    text = column.astype("str").str.strip()
    values = pd.to_numeric(text, errors="coerce")
    with_comma = values.isna() & text.str.contains(",", regex=False)
    if with_comma.any():
        decimal = text[with_comma].str.replace(",", ".", regex=False)
        values[with_comma] = pd.to_numeric(decimal, errors="coerce")
    return cast("NDArray[np.float64]", values.to_numpy(np.float64))


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
    if column.dtype.kind in "iufb" or np.isfinite(values).sum() >= column.notna().sum() / 2:
        return values, None
    return text_categories(column)


def _years(column: pd.Series) -> NDArray[np.float64]:
    plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz else column
    days = plain.to_numpy("datetime64[s]").astype(np.float64) / 86_400
    days[column.isna().to_numpy()] = np.nan
    return cast("NDArray[np.float64]", EPOCH_YEAR + days / DAYS_PER_YEAR)


def text_categories(
    column: pd.Series,
) -> tuple[NDArray[np.float64] | None, Mapping[int, str] | None]:
    """Give each distinct text of a column a number, in alphabetical order.

    Returns
    -------
    values : ndarray of float64, shape (n,), or None
        NaN where a cell is empty. None where texts are ids, a different one for every row, or more
        than any categories.
    names : Mapping of int to str, or None
        The text of each number.
    """
    import pandas as pd

    present = column.notna().to_numpy()
    codes, texts = pd.factorize(column[present].astype("str").str.strip(), sort=True)
    are_ids = len(texts) == present.sum() > 1
    if len(texts) == 0 or are_ids or len(texts) > MOST_CATEGORIES:
        return None, None
    values = np.full(len(column), np.nan)
    values[present] = codes
    return values, dict(enumerate(map(str, texts)))


def names_labels(name: str) -> bool:
    """Tell whether a column is called as columns of labels are."""
    return _LABELS.search(name.lower()) is not None


def unit_of(name: str) -> str:
    """Return a map's unit: ``%`` for elements (mass), ``°`` for ``phi1_deg``, ``""`` if unknown.

    Element tables and indexing tables of the field name no units; theirs are mass percent and
    degrees.
    """
    if name in _SYMBOLS:
        return "%"
    bracketed = _UNIT.search(name)
    if bracketed:
        return bracketed.group(1)
    if _EULER.match(name.lower()):
        return "°"
    return _SUFFIXES.get(name.lower().rpartition("_")[2], "")


def _find_pair(columns: Iterable[str]) -> tuple[str, str] | None:
    """Return the names, as written, of the x and y columns."""
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(_without_unit(column), column)
    for x_name, y_name in zip(_X_NAMES, _Y_NAMES, strict=True):
        if x_name in by_name and y_name in by_name:
            return by_name[x_name], by_name[y_name]
    return None


def _without_unit(column: str) -> str:
    return normalized(_UNIT.sub("", column))


def _unit_of(column: str) -> str:
    written = _UNIT.search(column)
    unit = written.group(1).lower() if written else normalized(column).rpartition("_")[2]
    return "µm" if unit in _MICROMETERS else ""


def _from_index(column: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    parts = column.astype("str").str.strip().str.extract(_INDEX_CELL)
    if parts[0].isna().all():
        return None
    return numbers(parts[0]), numbers(parts[1])
