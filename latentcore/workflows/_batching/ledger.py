"""How every input of a batch stands, on disk while it runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from latentcore.artifacts import from_json, to_json, write_atomic
from latentcore.workflows._batching.tasks import Row

__all__ = ["LEDGER", "Ledger", "read_ledger"]

LEDGER = "batch.json"


class Ledger:
    """The rows of a batch by location; every change is written at once.

    Parameters
    ----------
    folder : Path
        The batch's folder.
    rows : sequence of Row
        How the inputs stand at the start.
    """

    def __init__(self, folder: Path, rows: Sequence[Row]) -> None:
        self._folder = folder
        self._rows = {row.location: row for row in rows}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._write()

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order of the inputs."""
        return list(self._rows.values())

    def put(self, row: Row) -> None:
        """Note how an input stands now."""
        if row.state in ("finished", "failed"):
            row = replace(row, ended=datetime.now(UTC).isoformat(timespec="seconds"))
        with self._lock:
            self._rows[row.location] = row
            self._write()

    def _write(self) -> None:
        text = to_json({"rows": [asdict(row) for row in self._rows.values()]})
        write_atomic(self._folder / LEDGER, text.encode())


def read_ledger(folder: Path) -> list[Row]:
    """Return the rows that a batch left in its folder, none where there was no batch."""
    try:
        plain = from_json((folder / LEDGER).read_text(encoding="utf-8"))
        return [Row(**row) for row in plain["rows"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
