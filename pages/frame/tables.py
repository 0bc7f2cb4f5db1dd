"""Tables of numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from latentcore.cells import is_harmless

# How a column of percentages is written, as sentences do: ``17.2 %``.
PERCENT = "%.1f %%"
_DIGITS = 5
_MOST = 15
# What Streamlit gives a table: a line, which the names of the columns are, too, in sizes of the
# theme's letters; and pixels for its border.
_LINE_REM, _BORDER = 2.1875, 2
_USUAL_SIZE = 16
# ``frame.css`` knows it, too.
_NOT_HARMLESS = ", with texts like formulas"


def significant(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the column settings that show decimals with significant digits.

    Streamlit's own format rounds at the fourth decimal: a standard deviation of 0.00019 would be
    0.0002, and one of 0.00004 nothing at all. No digit before the decimal point is rounded away.
    """
    found = {}
    for name in frame.select_dtypes("floating").columns:
        largest = frame[name].abs().replace(np.inf, np.nan).max()
        digits = _DIGITS if not largest >= 1 else max(_DIGITS, 1 + int(np.log10(largest)))
        found[str(name)] = st.column_config.NumberColumn(format=f"%.{min(digits, _MOST)}g")
    return found


def shortened(names: Iterable[str], most: int = 16) -> dict[str, str]:
    """Return what to call each of some names where there is little room.

    Names in one file often begin and end alike: those that are too long keep their start and the
    last part in which they differ. Where there is no such part, all are kept whole.
    """
    whole = list(names)
    start = most // 3
    tail = most - start - 2
    for end in range(max(map(len, whole), default=0)):
        short = [
            one
            if len(one) <= most
            else f"{one[:start]}…{one[: len(one) - end][-tail:]}{'…' if end else ''}"
            for one in whole
        ]
        if len(set(short)) == len(set(whole)):
            return dict(zip(whole, short, strict=True))
    return dict(zip(whole, whole, strict=True))


def told(frame: pd.DataFrame, alt: str = "Table") -> str:
    """Return what describes a table to those who can't see it, as every table on a page must.

    Streamlit offers each table as CSV, its texts as they are. Where a spreadsheet would compute
    some of them the description says so, and ``frame.css`` takes the offer away: our own files
    have these texts harmless.
    """
    return alt if is_harmless(frame) else f"{alt}{_NOT_HARMLESS}"


def table_height(rows: int, most: int = 10) -> int:
    """Return the pixels that a table of so many rows takes, of which it shows at most so many.

    Given none, Streamlit finds out when it draws the table, and all below it moves.
    """
    size = st.get_option("theme.baseFontSize") or _USUAL_SIZE
    return round(_LINE_REM * size) * (1 + min(max(1, rows), most)) + _BORDER


def show_table(
    frame: pd.DataFrame,
    *,
    column_config: Mapping[str, Any] | None = None,
    alt: str = "Table",
    **settings: Any,
) -> None:
    """Show a table in full width, its decimals with significant digits, a dash for no value.

    Parameters
    ----------
    column_config : Mapping, optional
        Settings of columns that are shown in another way.
    alt : str
        Describes it to those who can't see it.
    **settings
        Of ``st.dataframe``.
    """
    config = {**significant(frame), **(column_config or {})}
    given = {"height": table_height(len(frame)), **settings}
    st.dataframe(
        frame, hide_index=True, width="stretch", column_config=config, placeholder="–",
        alt=told(frame, alt), **given,
    )  # fmt: skip
