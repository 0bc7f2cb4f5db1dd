"""Tables: CSV, gzipped CSV, TSV and parquet, read no further than a scan can be large."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from latentcore.cells import read_csv
from latentcore.errors import MalformedFileError, UnknownFormatError, cause
from latentcore.readers._peek import Peek

if TYPE_CHECKING:
    import pandas as pd

# Larger than any scan of the field by a factor of ten; a zip bomb stops here.
_MOST_ROWS = 64_000_000
_MOST_BYTES = 4 << 30
_MOST_COLUMNS = 50_000


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
        message = f"The table {path.name!r} can't be read: {cause(error)}. {peek.found}"
        raise MalformedFileError(message) from error
    if len(table) == 0:
        message = f"The table {path.name!r} has a header but no rows: export it again. {peek.found}"
        raise MalformedFileError(message)
    return table


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
        table = read_csv(file, **options)
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


class BoundedReader(io.RawIOBase):
    """Reads a file, plain or gzip, up to a number of bytes: a zip bomb unpacks no further.

    Parameters
    ----------
    zipped : bool
        Whether it is gzip.
    most : int
        Bytes that may be read, unpacked.
    """

    def __init__(self, path: Path, *, zipped: bool, most: int) -> None:
        self._source = gzip.GzipFile(path) if zipped else io.FileIO(path)
        self._left = most
        self._most = most
        self._name = path.name

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into a buffer.

        Raises
        ------
        MalformedFileError
            If the stream is longer than allowed.
        """
        block = self._source.read(len(buffer)) or b""
        self._left -= len(block)
        if self._left < 0:
            message = (
                f"{self._name!r} unpacks to more than {self._most:,} bytes: more than any scan. "
                "Split it."
            )
            raise MalformedFileError(message)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close the stream and what it reads."""
        if not self.closed:
            self._source.close()
        super().close()
