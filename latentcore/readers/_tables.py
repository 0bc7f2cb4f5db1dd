"""Tables of points: CSV, gzipped CSV, TSV and parquet, whatever their columns are called.

Column names come in many spellings; for recognition they are lower-cased, stripped
and their blanks become ``_``. Values are read as they stand; what is not a number becomes NaN.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnknownFormatError
from latentcore.readers._bounded import BoundedReader
from latentcore.readers._peek import Peek

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Coordinates",
    "has_coordinates",
    "normalized",
    "numbers",
    "read_coordinates",
    "read_table",
]

# Larger than any scan of the field by a factor of ten; a zip bomb stops here.
_MOST_ROWS = 64_000_000
_MOST_BYTES = 4 << 30
_MOST_COLUMNS = 50_000

_X_NAMES = ("x", "x_position", "xpos", "x_indice", "x_index", "ix", "col", "x_coord", "x_um")
_Y_NAMES = ("y", "y_position", "ypos", "y_indice", "y_index", "iy", "row", "y_coord", "y_um")
_INDEX_NAMES = ("", "index", "unnamed:_0", "coords", "__index_level_0__")
# "(20, 5)": how pandas prints the (x, y) index of old tables.
_INDEX_CELL = re.compile(r"^\(\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\)$")
_UNIT = re.compile(r"[\[(]\s*([^\])]+?)\s*[\])]\s*$")
_MICROMETRES = ("um", "µm", "μm", "micron", "microns")


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


def read_table(path: Path, *, header: bool = True) -> pd.DataFrame:
    """Read a table, every cell as it stands.

    Parameters
    ----------
    path : Path
        Text (plain or gzip, separated by comma, semicolon or tab) or parquet.
    header : bool
        Whether the first line of a text names the columns.

    Raises
    ------
    UnknownFormatError
        If it is neither text nor parquet.
    MalformedFileError
        If it can't be read, is empty, or is larger than any scan.
    """
    peek = Peek(path)
    try:
        table = _read_parquet(path) if peek.is_parquet else _read_text(peek, header=header)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        message = f"The table {path.name!r} can't be read: {error}. {peek.found}"
        raise MalformedFileError(message) from error
    if len(table) == 0:
        message = f"The table {path.name!r} has a header but no rows. {peek.found}"
        raise MalformedFileError(message)
    return table


def read_coordinates(table: pd.DataFrame, name: str) -> Coordinates:
    """Find x and y among a table's columns.

    Parameters
    ----------
    name : str
        The file's name, for messages.

    Raises
    ------
    MalformedFileError
        If there are none.
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
    return "µm" if unit in _MICROMETRES else ""


def _from_index(column: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    parts = column.astype("str").str.strip().str.extract(_INDEX_CELL)
    if parts[0].isna().all():
        return None
    return numbers(parts[0]), numbers(parts[1])


def _read_parquet(path: Path) -> pd.DataFrame:
    from pyarrow import types
    from pyarrow.parquet import ParquetFile

    # ParquetFile, not read_table: that one would also read meaning into the folder's name.
    with ParquetFile(path) as file:
        metadata = file.metadata
        unpacked = sum(
            metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)
        )
        _refuse_large(path, metadata.num_rows, unpacked, metadata.num_columns)
        plain = [field.name for field in file.schema_arrow if not types.is_nested(field.type)]
        return file.read(columns=plain).to_pandas(ignore_metadata=True)


def _read_text(peek: Peek, *, header: bool) -> pd.DataFrame:
    import pandas as pd

    if not peek.is_text:
        message = f"{peek.path.name!r} is neither text nor parquet, so it is no table. {peek.found}"
        raise UnknownFormatError(message)
    _refuse_large(peek.path, 0, 0, len(peek.table_columns))
    _refuse_long_rows(peek)
    options: dict[str, Any] = {
        "header": 0 if header else None,
        "sep": peek.separator,
        "encoding": peek.encoding,
        "encoding_errors": "replace",
        "skipinitialspace": True,
        "nrows": _MOST_ROWS + 1,
        "low_memory": False,
        "index_col": False,
    }
    with _open_text(peek.path) as file:
        table = pd.read_csv(file, **options)
    _refuse_large(peek.path, len(table), 0, table.shape[1])
    table.columns = [str(name).strip() for name in table.columns]
    return table


def _open_text(path: Path) -> IO[bytes]:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", BoundedReader(path, zipped=zipped, most=_MOST_BYTES))


def _refuse_long_rows(peek: Peek) -> None:
    """Refuse rows with more cells than the header: pandas would take the first for an index."""
    if len(peek.table_rows) < 2:
        return
    header, row = peek.table_rows
    if any(row[len(header) :]):
        message = (
            f"The first row of {peek.path.name!r} has {len(row)} cells, but its header names "
            f"{len(header)} columns. Decimal commas need ; or tab between the columns."
        )
        raise MalformedFileError(message)


def _refuse_large(path: Path, rows: int, unpacked: int, columns: int) -> None:
    if rows > _MOST_ROWS or unpacked > _MOST_BYTES or columns > _MOST_COLUMNS:
        message = (
            f"The table {path.name!r} has more than {_MOST_ROWS:,} rows, {_MOST_COLUMNS:,} columns "
            f"or {_MOST_BYTES >> 30} GiB unpacked: more than any scan. Split it."
        )
        raise MalformedFileError(message)
