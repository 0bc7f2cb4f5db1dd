"""How every input of a batch stands, on disk while it runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from latentcore.artifacts import to_json, write_atomic
from latentcore.artifacts.records import listed, number, one_of, read_record, shaped, text
from latentcore.artifacts.run_folder import SUMMARY
from latentcore.errors import MalformedFileError
from latentcore.workflows.batch.tasks import Row

LEDGER = "batch.json"

# A batch of many thousand inputs keeps the summary of each.
_LARGEST = 256 << 20


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
    """Return the rows that a batch left in its folder; none where there are none to be read."""
    try:
        plain = read_record(folder / LEDGER, _LEDGER, ("rows",), largest=_LARGEST)
    except (FileNotFoundError, MalformedFileError):
        return []
    return [Row(**{name: row[name] for name in _ROW if name in row}) for row in plain["rows"]]


def _is_name(value: Any) -> bool:
    """Whether a value names a folder inside of the batch's."""
    return text(value) and value not in ("", ".", "..") and "/" not in value


_ROW = {
    **dict.fromkeys(("location", "version", "error", "uploaded", "ended"), text),
    "name": _is_name,
    "state": one_of("queued", "running", "finished", "failed"),
    "seconds": number,
    "summary": shaped(SUMMARY),
}
_LEDGER = {"rows": listed(shaped(_ROW, ("location", "name")))}
