"""Tables of numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

_DIGITS = 5
_MOST = 15


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


def show_table(
    frame: pd.DataFrame, *, column_config: Mapping[str, Any] | None = None, **settings: Any
) -> None:
    """Show a table in full width, its decimals with significant digits.

    Parameters
    ----------
    column_config : Mapping, optional
        Settings of columns that are shown in another way.
    **settings
        Of ``st.dataframe``.
    """
    config = {**significant(frame), **(column_config or {})}
    st.dataframe(frame, hide_index=True, width="stretch", column_config=config, **settings)
