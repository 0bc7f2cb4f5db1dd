"""A job's folder on disk: record, progress, log, and the wish to stop."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from latentcore.artifacts import from_json, remove_entry, to_json, write_atomic
from latentcore.artifacts.records import read_record, shaped
from latentcore.encoders.gpu_lease import WAITING
from latentcore.errors import Cancelled, MalformedFileError
from latentcore.jobs.records import NEEDED, PROGRESS, SHAPE, JobRecord

_SECONDS_BETWEEN = 0.2
_LARGEST_PROGRESS = 1 << 19
_TAIL = 4096
_IS_PROGRESS = shaped(PROGRESS)


class JobFolder:
    """Reads and writes what belongs to one job.

    Parameters
    ----------
    path : Path
        Created by `create`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log(self) -> Path:
        """The file that holds tracebacks and what the verb printed."""
        return self.path / "log.txt"

    def create(self, record: JobRecord) -> None:
        """Make the folder, or make it ready for another attempt."""
        if self.damage() or self.path.is_symlink() or self.path.is_file():
            self.remove()
        self.path.mkdir(parents=True, exist_ok=True)
        for name in ("cancel", "progress.jsonl"):
            (self.path / name).unlink(missing_ok=True)
        try:
            self.save(record)
        except OSError:
            with suppress(OSError):  # one that was there before stays
                self.path.rmdir()
            raise

    def save(self, record: JobRecord) -> None:
        """Write ``job.json``."""
        write_atomic(self.path / "job.json", to_json(record.to_plain()).encode())

    def stored(self) -> JobRecord | None:
        """Return what ``job.json`` says, or None where there is none that makes sense."""
        try:
            return self._read()
        except (FileNotFoundError, MalformedFileError):
            return None

    def damage(self) -> str:
        """Return what is wrong with ``job.json``; empty where it is good or missing."""
        try:
            self._read()
        except FileNotFoundError:
            return ""
        except MalformedFileError as error:
            return str(error)
        return ""

    def with_progress(self, record: JobRecord) -> JobRecord:
        """Return the record with the newest line of progress, and whether it shall stop."""
        return replace(record, cancelling=self.cancel_asked(), **(self._last_line() or {}))

    def ask_to_cancel(self) -> None:
        """Ask the job to stop, whichever process runs it: it looks for this file."""
        (self.path / "cancel").touch()

    def cancel_asked(self) -> bool:
        """Whether somebody asked to stop."""
        return (self.path / "cancel").exists()

    def add_to_log(self, text: str) -> None:
        """Append to the log, with the time, where the disk has room."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with suppress(OSError), self.log.open("a", encoding="utf-8") as file:
            file.write(f"{now} {text.rstrip()}\n")

    def remove(self) -> None:
        """Remove the job's own folder, or what lies in its place; its run folder stays."""
        remove_entry(self.path)

    def _read(self) -> JobRecord:
        path = self.path / "job.json"
        record = JobRecord.from_plain(read_record(path, SHAPE, NEEDED))
        if record.id != self.path.name:
            message = (
                f"The record {self.path.name}/job.json belongs to another job, {record.id!r}.\n"
                "Nothing else is affected. Delete the folder that it lies in."
            )
            raise MalformedFileError(message)
        return record

    def _last_line(self) -> dict[str, Any] | None:
        try:
            with (self.path / "progress.jsonl").open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _TAIL))
                lines = file.read().split(b"\n")
        except OSError:
            return None
        # What follows the last line break is still being written.
        for line in reversed(lines[:-1]):
            try:
                found = from_json(line.decode())
            except ValueError:
                continue
            if _IS_PROGRESS(found):
                return {name: found[name] for name in PROGRESS if name in found}
        return None


class ProgressWriter:
    """Writes progress at most five times a second, and notices the wish to stop as often.

    Notes
    -----
    Each line is a complete report, so that a reader needs only the last one, and the file can
    start anew when it has grown large.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._path = folder.path / "progress.jsonl"
        self._last = 0.0
        self._pending: dict[str, Any] | None = None
        self._stage_at = 0.0
        self._stage_done = 0
        self._seen = (-1, 0)
        self._waited = 0.0
        self._waits_since = 0.0

    def step(self, done: int, total: int, message: str) -> None:
        """Take one report.

        Raises
        ------
        Cancelled
            If somebody asked to stop.
        """
        now = time.time()
        seen_total, seen_done = self._seen
        if total != seen_total or done < seen_done:
            self._stage_at, self._stage_done = now, done
        self._seen = (total, done)
        if self._waits_since:
            self._waited += now - self._waits_since
        self._waits_since = now if message == WAITING else 0.0
        self._pending = {
            "done": int(done),
            "total": int(total),
            "message": str(message)[:500],
            "stage_at": self._stage_at,
            "stage_done": int(self._stage_done),
            "updated": now,
            "waited": self._waited,
        }
        if now - self._last >= _SECONDS_BETWEEN:
            self._last = now
            self.flush()
            if self._folder.cancel_asked():
                text = "The job was cancelled."
                raise Cancelled(text)

    def flush(self) -> None:
        """Write the newest report, if it isn't written yet, and the disk has room."""
        if self._pending is None:
            return
        line = json.dumps(self._pending).encode() + b"\n"
        self._pending = None
        with suppress(OSError):
            self._write(line)

    def _write(self, line: bytes) -> None:
        if self._path.exists() and self._path.stat().st_size > _LARGEST_PROGRESS:
            write_atomic(self._path, line)
            return
        with self._path.open("ab") as file:
            file.write(line)
