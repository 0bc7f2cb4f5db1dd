"""Text files of millions of rows: a header by lines, then rows of numbers by blocks.

Blocks bound the memory, and each core parses one of its own. A line that is no row of numbers is
left out and counted, so that a damaged one doesn't cost the scan.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError
from latentcore.readers._columns import numbers
from latentcore.readers._ebsd.fields import as_float32, visible
from latentcore.readers._tables import BoundedReader

if TYPE_CHECKING:
    import pyarrow as pa

# Larger than any scan of the field by a factor of ten.
_MOST_ROWS = 64_000_000
_MOST_BYTES = 8 << 30
_BLOCK_BYTES = 1 << 21
_HEADER_BYTES = 1 << 18
_LONGEST_LINE = 1 << 20
_LONGEST_ROW = 1 << 14
_MOST_HEADER_LINES = 100_000
_LONGEST_SHOWN = 400
_LINE_END = re.compile(rb"\r\n|\n|\r")
_ANYTHING = re.compile(rb"\S")
_BOM, _WIDE_BOMS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_BLANK, _TAB, _NEWLINE, _RETURN = b" \t\n\r"
_COMMA = b","
_MOST_WORKERS = 4

Signs = NDArray[np.uint8]


class TextFile:
    """A text file, plain or gzip, that is read once from its beginning.

    Parameters
    ----------
    path : Path

    Raises
    ------
    MalformedFileError
        By whatever reads on, if the file unpacks to too much, or is not lines of 8-bit text.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        self._file = BoundedReader(path, zipped=zipped, most=_MOST_BYTES)
        self._held = b""
        self._at = 0
        self._lines = 0
        self.name = path.name
        self._fill()
        if self._held.startswith(_WIDE_BOMS) or b"\x00" in self._held[:1024]:
            message = (
                f"{self.name!r} is no plain text, or text with two bytes per character (UTF-16). "
                "Save it as UTF-8."
            )
            raise MalformedFileError(message)
        if self._held.startswith(_BOM):
            self._at = len(_BOM)

    def line(self) -> str | None:
        """Return the next line of the header, None at the end of the file."""
        found = _LINE_END.search(self._held, self._at)
        # A line end at the very end of what is held may be the first half of one.
        if (found is None or found.end() == len(self._held)) and self._fill():
            return self.line()
        if self._at == len(self._held):
            return None
        stop, after = (found.start(), found.end()) if found else (len(self._held),) * 2
        self._lines += 1
        if stop - self._at > _LONGEST_LINE or self._lines > _MOST_HEADER_LINES:
            message = f"{self.name!r} has a header without an end. Export the scan again."
            raise MalformedFileError(message)
        line = self._held[self._at : stop]
        self._at = after
        return _decoded(line)

    def ahead(self, count: int) -> list[str]:
        """Return the next lines, at most so many, and leave them to be read."""
        at, lines = self._at, self._lines
        found = [line for line in (self.line() for _ in range(count)) if line is not None]
        self._at, self._lines = at, lines
        return found

    def blocks(self) -> Iterator[memoryview]:
        """Yield all that is left in blocks of whole lines; the last may lack its line end."""
        left: bytes | bytearray = self._held[self._at :]
        more = True
        while more:
            # A new one for each block, as somebody may still hold the last.
            held = bytearray(len(left) + _BLOCK_BYTES)
            held[: len(left)] = left
            filled = len(left) + self._read_into(memoryview(held)[len(left) :])
            more = filled == len(held)
            end = held.rfind(b"\n", 0, filled) + 1 if more else filled
            if end == 0 and filled > _LONGEST_LINE:
                message = f"{self.name!r} is no text of lines: one has more than a million bytes."
                raise MalformedFileError(message)
            if _ANYTHING.search(held, 0, end):
                yield memoryview(held)[:end]
            left = held[end:filled]

    def _read_into(self, space: memoryview) -> int:
        """Fill a space as far as the file goes; return how many bytes there were."""
        filled = 0
        while filled < len(space) and (read := self._file.readinto(space[filled:])):
            filled += read
        return filled

    def _fill(self) -> bool:
        """Read on for the header; tell whether there was more."""
        space = bytearray(_HEADER_BYTES)
        read = self._read_into(memoryview(space))
        self._held += space[:read]
        return read > 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


@dataclass(frozen=True)
class RowFormat:
    """How the rows of a file are written.

    Attributes
    ----------
    columns : int
        How many numbers a row has.
    places : tuple of int
        The columns of x and y; a row without them is none.
    in_radians : tuple of int
        Columns of angles that are turned into degrees.
    separator : str
        A tab, or a blank for any number of blanks and tabs.
    expected : float
        How many rows the header claims, 0 where it doesn't say.
    """

    columns: int
    places: tuple[int, int]
    in_radians: tuple[int, ...] = ()
    separator: str = "\t"
    expected: float = 0.0


@dataclass(eq=False)
class TextRows:
    """n rows of k numbers.

    Attributes
    ----------
    values : ndarray of float32, shape (k, n)
        NaN where a cell is empty, or no number.
    x, y : ndarray of float64, shape (n,)
    dropped : int
        Lines that are no rows, or have no place.
    notes : list of str
        On these, and on cells that are no numbers.
    """

    values: NDArray[np.float32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    dropped: int
    notes: list[str]


def read_rows(file: TextFile, rows: RowFormat) -> TextRows:
    """Read all rows that are left of a file; decimal commas are understood.

    Raises
    ------
    MalformedFileError
        If there are none, or more than any scan has.
    """
    reading = _Reading(rows)
    for part in _in_order(reading.parsed, reading.whole_lines(file.blocks())):
        reading.keep(part)
        if reading.n > _MOST_ROWS:
            message = f"{file.name!r} has more than {_MOST_ROWS:,} rows: more than any scan."
            raise MalformedFileError(message)
    reading.add_open_line()
    if reading.n == 0:
        message = (
            f"{file.name!r} holds no rows of {rows.columns} numbers with a place. "
            f"{' '.join(reading.notes)} Export the scan again."
        )
        raise MalformedFileError(message)
    return TextRows(
        np.concatenate([part.values for part in reading.parts], axis=1),
        np.concatenate([part.x for part in reading.parts]),
        np.concatenate([part.y for part in reading.parts]),
        reading.dropped,
        reading.notes,
    )


def _in_order(
    parse: Callable[[memoryview], _Part], blocks: Iterable[memoryview]
) -> Iterator[_Part]:
    """Yield what each block is parsed to, in their order; a few are in work at a time."""
    ahead: deque[Future[_Part]] = deque()
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    with ThreadPoolExecutor(workers, "latentcore-rows") as pool:
        for block in blocks:
            ahead.append(pool.submit(parse, block))
            if len(ahead) > workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@dataclass(eq=False)
class _Part:
    """The rows of a block: k numbers of each of m, (k, m), with their places, (m,)."""

    values: NDArray[np.float32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    dropped: int = 0
    first_dropped: str = ""
    texts: int = 0


@dataclass
class _Reading:
    """What was read so far."""

    rows: RowFormat
    parts: list[_Part] = field(default_factory=list)
    n: int = 0
    dropped: int = 0
    first_dropped: str = ""
    texts: int = 0
    previous: bytes = b""
    last: bytes = b""
    open_end: bool = False

    def whole_lines(self, blocks: Iterable[memoryview]) -> Iterator[memoryview]:
        """Yield blocks without the last line of a file that ends within it, which is kept."""
        for block in blocks:
            whole = len(block)
            if block[-1] not in (_NEWLINE, _RETURN):
                whole = bytes(block[-_LONGEST_LINE:]).rfind(b"\n") + 1
                whole = whole and len(block) - min(len(block), _LONGEST_LINE) + whole
            self.last = bytes(block[whole:])
            if whole:
                tail = bytes(block[max(0, whole - _LONGEST_ROW) : whole]).rstrip(b"\r\n")
                self.previous = tail[max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1 :]
                yield block[:whole]

    def keep(self, part: _Part) -> None:
        """Add the rows of a block."""
        self.parts.append(part)
        self.n += len(part.x)
        self.dropped += part.dropped
        self.first_dropped = self.first_dropped or part.first_dropped
        self.texts += part.texts

    def add_open_line(self) -> None:
        """Add the last line of a file that ends within it, unless its last number may be cut.

        It is whole where it is as long as the line before, as in columns of fixed width, or where
        it is the last row that the header counts.
        """
        if not self.last.strip():
            return
        as_long = len(self.last) == len(self.previous)
        counted = self.n + 1 == self.rows.expected
        if as_long or counted or not self.n:
            before = self.n
            self.keep(self.parsed(self.last))
            self.open_end = self.n > before and not as_long
        else:
            self.dropped += 1
            self.first_dropped = self.first_dropped or visible(_decoded(self.last))

    @property
    def notes(self) -> list[str]:
        """What is to be said of the rows."""
        found = []
        if self.dropped:
            lines = "line is no whole row" if self.dropped == 1 else "lines are no whole rows"
            found.append(
                f"{self.dropped:,} {lines} of {self.rows.columns} numbers with a place, left out; "
                f"the first is {self.first_dropped!r}."
            )
        if self.texts:
            found.append(f"{self.texts:,} cells hold no number, and are left empty.")
        if self.open_end:
            found.append("The file ends without a line end: its last number may be cut.")
        return found

    def parsed(self, block: bytes | memoryview) -> _Part:
        """Parse whole lines; changes nothing here, so that several can be parsed at a time."""
        text = bytes(block)
        if not text.isascii():
            text = text.decode("latin-1").encode()
        signs = np.frombuffer(text, np.uint8)
        if self.rows.separator == " ":
            signs = _single_blanks(signs)
        dropped: list[str] = []
        comma = _COMMA in text
        columns, texts = self._columns(signs, comma, dropped)
        return self._placed(columns, texts, dropped)

    def _columns(
        self, lines: Signs, comma: bool, dropped: list[str]
    ) -> tuple[list[NDArray[np.floating]], int]:
        """Return the columns of lines, and how many cells hold text."""
        import pyarrow as pa

        exact = (*self.rows.places, *self.rows.in_radians)
        kinds = [pa.float64() if one in exact else pa.float32() for one in range(self.rows.columns)]
        try:
            table = self._table(lines, kinds, comma, dropped)
            return [column.to_numpy() for column in table.columns], 0
        except pa.ArrowInvalid:  # a cell is no number
            dropped.clear()
            table = self._table(lines, [pa.string()] * self.rows.columns, comma, dropped)
        columns: list[NDArray[np.floating]] = []
        texts = 0
        for column in table.columns:
            cells = column.to_pandas()
            found = numbers(cells)
            texts += int((np.isnan(found) & cells.notna().to_numpy()).sum())
            columns.append(found)
        return columns, texts

    def _table(
        self, lines: Signs, kinds: Sequence[pa.DataType], comma: bool, dropped: list[str]
    ) -> pa.Table:
        import pyarrow as pa
        from pyarrow import csv

        names = [str(number) for number in range(self.rows.columns)]

        def skip(row: csv.InvalidRow) -> str:
            if row.text.strip():
                dropped.append(row.text[:_LONGEST_SHOWN] if not dropped else "")
            return "skip"

        return csv.read_csv(
            pa.BufferReader(pa.py_buffer(lines)),
            read_options=csv.ReadOptions(
                column_names=names, use_threads=False, block_size=max(1, len(lines))
            ),
            parse_options=csv.ParseOptions(
                delimiter=self.rows.separator, quote_char=False, invalid_row_handler=skip
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict(zip(names, kinds, strict=True)),
                decimal_point="," if comma else ".",
                strings_can_be_null=True,
            ),
        )

    def _placed(self, table: list[NDArray[np.floating]], texts: int, dropped: list[str]) -> _Part:
        """Return the rows that have a place."""
        x, y = (table[place] for place in self.rows.places)
        placed = np.isfinite(x) & np.isfinite(y)
        unplaced = int((~placed).sum())
        if unplaced:
            first = int(np.argmin(placed))
            dropped.append(" ".join(f"{column[first]:g}" for column in table))
            table = [column[placed] for column in table]
            x, y = x[placed], y[placed]
        values = np.empty((len(table), len(x)), np.float32)
        for number, column in enumerate(table):
            angle = number in self.rows.in_radians
            values[number] = as_float32(np.degrees(column) if angle else column)
        count = len(dropped) + max(0, unplaced - 1)
        return _Part(
            values,
            x.astype(np.float64, copy=False),
            y.astype(np.float64, copy=False),
            count,
            visible(dropped[0]) if dropped else "",
            texts,
        )


def _single_blanks(signs: Signs) -> Signs:
    """Return lines with a single blank between numbers, and none about them."""
    tabs = signs == _TAB
    if tabs.any():
        signs = np.where(tabs, np.uint8(_BLANK), signs)
    # Of several blanks the first stays, unless a line begins there.
    kept = signs != _BLANK
    kept[1:] |= signs[:-1] > _BLANK
    lean: Signs = signs[kept]
    before_end = (lean[:-1] == _BLANK) & (lean[1:] < _BLANK)
    return lean[~np.append(before_end, lean[-1:] == _BLANK)] if before_end.any() else lean
