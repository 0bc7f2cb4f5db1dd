"""A batch's tables: how its inputs stand, and their results side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentcore.artifacts import read_run
from latentcore.cells import read_csv
from latentcore.workflows.batch.tasks import Row

if TYPE_CHECKING:
    import pandas as pd

# A table with a row per point of a scan is looked at file by file; side by side belong tables with
# a row per latent dimension, per cluster, per neighbor.
_LARGEST_COMBINED = 1_000_000


def states_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return ``location, state, seconds, error`` and where the results are, a row per input."""
    import pandas as pd

    return pd.DataFrame(
        {
            "location": [row.location for row in rows],
            "state": [row.state for row in rows],
            "seconds": [round(row.seconds, 3) for row in rows],
            "error": [row.error for row in rows],
            "folder": [row.name for row in rows],
            "uploaded": [row.uploaded for row in rows],
            "ended": [row.ended for row in rows],
        }
    )


def summaries_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return the plain values of every finished input's summary, a row per input."""
    import pandas as pd

    finished = [row for row in rows if row.state == "finished"]
    return pd.DataFrame([{"location": row.location, **_plain(row.summary)} for row in finished])


def combined_tables(folder: Path, rows: Sequence[Row]) -> dict[str, pd.DataFrame]:
    """Return the CSV tables that several inputs' runs have by the same name, one below the other.

    Each row begins with its input's location. Tables of more than 1 MB are left out.
    """
    import pandas as pd

    parts: dict[str, list[pd.DataFrame]] = {}
    for row in rows:
        for name in _small_tables(folder / row.name) if row.state == "finished" else ():
            table = read_csv(folder / row.name / name)
            table.insert(0, "location", row.location)
            parts.setdefault(name, []).append(table)
    return {
        name: pd.concat(tables, ignore_index=True)
        for name, tables in sorted(parts.items())
        if len(tables) > 1
    }


def _small_tables(out: Path) -> list[str]:
    files: Mapping[str, Mapping[str, Any]] = (read_run(out) or {}).get("files", {})
    return [
        name
        for name, details in files.items()
        if name.endswith(".csv") and details["bytes"] <= _LARGEST_COMBINED
    ]


def _plain(summary: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten a summary; what stands there per file is about the one file that an input has."""
    found: dict[str, Any] = {}
    for key, value in summary.items():
        name = str(key)  # a cluster's number becomes text anyway where the row travels as JSON
        if isinstance(value, Mapping):
            found |= _plain(value, prefix if _is_file_name(name) else f"{prefix}{name}.")
        elif isinstance(value, str | int | float | bool) and name != "out":
            found[prefix + name] = value
    return found


def _is_file_name(name: str) -> bool:
    return "." in name
