"""How every input of a batch stands, read from its ledger while it runs and afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from latentcore.jobs import JobRecord
from latentcore.workflows.batch.ledger import LEDGER, read_ledger
from latentcore.workflows.batch.tasks import Row
from pages.access import locations
from pages.frame.tables import told

# A table shows no icons, only letters.
_LOOKS = {
    "finished": "✓ finished",
    "failed": "✕ failed",
    "running": "▶ running",
    "queued": "· waiting",
    "stopped": "⏸ stopped",
}
_LONGEST_ERROR = 90


def rows_of(record: JobRecord) -> list[Row]:
    """Return a batch's rows as they stand."""
    path = record.folder / LEDGER
    try:
        state = path.stat()
    except OSError:
        return []
    return _read(str(record.folder), f"{state.st_mtime_ns}|{state.st_ino}")


@st.cache_data(max_entries=8, show_spinner=False)
def _read(folder: str, version: str) -> list[Row]:
    del version  # the cache's key: the file is read again when it was replaced
    return read_ledger(Path(folder))


def counts(rows: Sequence[Row], *, active: bool) -> str:
    """Return how many inputs are in which state."""
    states = Counter(_state(row, active) for row in rows)
    names = {"queued": "waiting"} | {name: name for name in _LOOKS if name != "queued"}
    counts = [f"**{states[name]:,}** {names[name]}" for name in _LOOKS if states[name]]
    return " · ".join(counts)


def rows_table(rows: Sequence[Row], *, active: bool, key: str) -> Row | None:
    """Show the rows; return the chosen one."""
    shown = frame(rows, active=active)
    event = st.dataframe(
        shown,
        alt=told(shown, "One row for each input"),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        placeholder="",
        column_config={
            "Input": st.column_config.TextColumn(width="medium"),
            "Error": st.column_config.TextColumn(width="large"),
            "Seconds": st.column_config.NumberColumn(
                format="%.1f", help="Of work on it: fetching, computing, storing"
            ),
            "Samples/s": st.column_config.NumberColumn(format="localized"),
        },
    )
    chosen = event.selection.rows
    return rows[chosen[0]] if chosen and chosen[0] < len(rows) else None


def frame(rows: Sequence[Row], *, active: bool) -> pd.DataFrame:
    """Return the table as it is shown; columns without any value are left out."""
    table = pd.DataFrame(
        {
            "Input": [locations.shown(row.location) for row in rows],
            "State": [_LOOKS[_state(row, active)] for row in rows],
            "Seconds": [row.seconds if row.ended else None for row in rows],
            "Samples/s": [rate_of(row.summary) for row in rows],
            "Error": [_short(error_of(row)) for row in rows],
        }
    )
    optional = {
        "Samples/s": table["Samples/s"].notna().any(),
        "Error": (table["Error"] != "").any(),
    }
    return table.drop(columns=[name for name, filled in optional.items() if not filled])


def error_of(row: Row) -> str:
    """Return why an input failed, with the input called as it is on the screen."""
    return row.error.replace(row.location, locations.shown(row.location))


def rate_of(summary: Mapping[str, Any]) -> float | None:
    """Return the samples per second that a summary holds, None where it holds none."""
    parts = summary.get("latents")
    reports = [summary, *(parts.values() if isinstance(parts, Mapping) else ())]
    rates = (one.get("rate") for one in reports if isinstance(one, Mapping))
    return next((round(float(rate), 1) for rate in rates if isinstance(rate, int | float)), None)


def _state(row: Row, active: bool) -> str:
    return "stopped" if row.state == "running" and not active else row.state


def _short(error: str) -> str:
    first = error.splitlines()[0] if error else ""
    return first if len(first) <= _LONGEST_ERROR else f"{first[: _LONGEST_ERROR - 1]}…"
