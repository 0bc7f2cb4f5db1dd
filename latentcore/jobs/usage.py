"""Who has worked for how long: a line for each job that ended, kept for a day.

Records of jobs don't say it: they are deleted, and a job that is started again begins anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from latentcore.artifacts import from_json, write_atomic
from latentcore.artifacts.records import Shape, number, shaped, text
from latentcore.jobs.queues import queue_of
from latentcore.jobs.records import JobRecord

_KEPT_S = 86_400.0
# About two thousand jobs; then lines older than a day go.
_LARGEST = 1 << 18
_SHAPE: Shape = {"user": text, "queue": text, "started": number, "ended": number}
_is_usage = shaped(_SHAPE, tuple(_SHAPE))


@dataclass(frozen=True)
class Usage:
    """One stretch of work.

    Attributes
    ----------
    user : str
        For whom.
    queue : str
        Where it waited.
    started, ended : float
        Seconds since 1970.
    """

    user: str
    queue: str
    started: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.started)

    def since(self, start: float) -> float:
        """Return how much of it came after a moment, in seconds."""
        return max(0.0, self.ended - max(start, self.started))


def usage_of(record: JobRecord, until: float) -> Usage:
    """Return the time that a job took of its worker, without that for which it waited."""
    started = min(record.started + record.waited, until)
    return Usage(record.payer, queue_of(record), started, until)


class UsageLog:
    """The work of the last day, of all servers on a folder.

    Parameters
    ----------
    path : Path
        The file; whoever calls `add` holds the folder's lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[tuple[int, int, int], tuple[Usage, ...]] | None = None

    def add(self, one: Usage) -> None:
        """Note down a stretch of work."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(_line(one))
                size = file.tell()
        except OSError:
            return  # a full disk must not keep a job from ending
        if size > _LARGEST:
            kept = "".join(map(_line, self.entries()))
            write_atomic(self._path, kept.encode())

    def entries(self) -> tuple[Usage, ...]:
        """Return what ended within the last day."""
        try:
            state = self._path.stat()
            key = (state.st_mtime_ns, state.st_ino, state.st_size)
            if self._seen is None or self._seen[0] != key:
                lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
                self._seen = key, tuple(_read(lines))
        except OSError:
            return ()
        since = time.time() - _KEPT_S
        return tuple(one for one in self._seen[1] if one.ended > since)


def _line(one: Usage) -> str:
    return json.dumps(asdict(one)) + "\n"


def _read(lines: Iterable[str]) -> Iterable[Usage]:
    for line in lines:
        try:
            found = from_json(line)
        except ValueError:
            continue  # half a line, of a server that was killed
        if _is_usage(found):
            yield Usage(**{name: found[name] for name in _SHAPE})
