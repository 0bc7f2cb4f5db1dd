"""Texts in CSV tables: no spreadsheet computes them, and they are read back as they were meant.

A text that begins like a formula gets an apostrophe before it, as spreadsheets write it themselves;
so does one that begins with apostrophes before such a sign, and reading takes one away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# OWASP's list of how a cell begins that spreadsheets compute:
# https://owasp.org/www-community/attacks/CSV_Injection
_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
_LIKE_A_FORMULA = re.compile(rf"'*[{re.escape(''.join(_SIGNS))}]")
_MARKED = re.compile(rf"'{_LIKE_A_FORMULA.pattern}")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet computes; a number stays as it is."""
    return f"'{text}" if _LIKE_A_FORMULA.match(text) and not _is_number(text) else text


def is_harmless(table: pd.DataFrame) -> bool:
    """Tell whether no spreadsheet would compute a text of a table, or a name of a column."""
    texts = (one for held in (table.columns, *_texts_of(table)) for one in held)
    return all(harmless(one) == one for one in texts if isinstance(one, str))


def as_meant(text: str) -> str:
    """Return the text of which `harmless` made this one."""
    return text[1:] if _MARKED.match(text) else text


def write_csv(table: pd.DataFrame, target: Path | IO[str], *, header: bool = True) -> None:
    """Write a table as CSV, its texts harmless; floats keep all digits, NaN is an empty cell."""
    made = _changed(table, (*_SIGNS, "'"), harmless)
    # Python's writer quotes cells with a line feed, but not those with a carriage return.
    parted = any(_any_holds(texts, "\r") for texts in (made.columns, *_texts_of(made)))
    made.to_csv(
        target,
        index=False,
        header=header,
        lineterminator="\n",
        quoting=csv.QUOTE_NONNUMERIC if parted else csv.QUOTE_MINIMAL,
    )


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return what `write_csv` would write."""
    text = io.StringIO(newline="")
    write_csv(table, text)
    return text.getvalue().encode()


def read_csv(source: Path | IO[bytes], **options: Any) -> pd.DataFrame:
    """Read a table as pandas does, its texts as they were meant.

    Parameters
    ----------
    source : Path or file
    **options
        Of ``pandas.read_csv``.
    """
    import pandas as pd

    return _changed(pd.read_csv(source, **options), ("'",), as_meant)


def _changed(
    table: pd.DataFrame, begins: tuple[str, ...], change: Callable[[str], str]
) -> pd.DataFrame:
    """Return a table with every text changed that begins in one of some ways, names too."""
    import pandas as pd

    def changed(texts: Iterable[object]) -> list[object]:
        return [change(one) if isinstance(one, str) else one for one in texts]

    made = table.copy(deep=False)
    made.columns = changed(table.columns)
    for place, dtype in enumerate(table.dtypes):
        column = table.iloc[:, place]
        if isinstance(dtype, pd.CategoricalDtype):
            made.isetitem(place, column.cat.rename_categories(changed(dtype.categories)))
        elif isinstance(dtype, pd.StringDtype):
            some = column.str.startswith(begins).fillna(value=False).to_numpy(bool)
            if some.any():
                made.isetitem(place, column.where(~some, column[some].map(change)))
        elif dtype.kind == "O":
            made.isetitem(place, pd.Series(changed(column), column.index, dtype=object))
    return made


def _texts_of(table: pd.DataFrame) -> Iterator[pd.Series | pd.Index]:
    """Yield what holds the texts of each column that may have some."""
    import pandas as pd

    for place, dtype in enumerate(table.dtypes):
        if isinstance(dtype, pd.CategoricalDtype):
            yield dtype.categories
        elif isinstance(dtype, pd.StringDtype) or dtype.kind == "O":
            yield table.iloc[:, place]


def _any_holds(texts: pd.Series | pd.Index, sign: str) -> bool:
    import pandas as pd

    if isinstance(texts.dtype, pd.StringDtype):
        return bool(texts.str.contains(sign, regex=False).any())
    return any(isinstance(one, str) and sign in one for one in texts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
