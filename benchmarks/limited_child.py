"""A fork that does one thing after the other, with limits on memory and on processor time."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import resource
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

_GROWTH = 1 << 30
_PROCESSOR_S = 10.0
# On a busy machine ten seconds of work take longer; nothing at all may take as long as this.
_WALL_S = 120.0
_LOOK_EVERY_S = 0.2
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Child:
    """A fork that answers one path after the other; a new one where it ended.

    Parameters
    ----------
    answer : callable
        Called in the fork, with a path.

    Attributes
    ----------
    took_s : float
        Processor time of the last attempt.
    """

    def __init__(self, answer: Callable[[Path], str]) -> None:
        self._answer = answer
        self._pid = 0
        self._used_s = self.took_s = 0.0

    def attempt(self, path: Path) -> str:
        """Return the answer to one path, or what kept it from coming in time."""
        if not self._pid:
            self._begin()
        until = time.monotonic() + _WALL_S
        before, self.took_s = self._used_s, 0.0
        self._pipe.send(path)
        try:
            answered = self._pipe.poll(_LOOK_EVERY_S)
            while self._within(before) and not answered and time.monotonic() < until:
                answered = self._pipe.poll(_LOOK_EVERY_S)
            if self._within(before) and answered:
                return str(self._pipe.recv())
            os.kill(self._pid, signal.SIGKILL)
        except (EOFError, ConnectionError):
            return f"crashed ({self.end()})"
        self.end()
        return f"hung: ended after {self.took_s:.1f} s of processor time"

    def end(self) -> int:
        """End it, unless it has; return its status."""
        if not self._pid:
            return 0
        self._pipe.close()
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return status

    def _within(self, before: float) -> bool:
        self._used_s = processor_s(self._pid)
        self.took_s = self._used_s - before
        return self.took_s <= _PROCESSOR_S

    def _begin(self) -> None:
        self._pipe, pipe = multiprocessing.Pipe()
        self._pid = os.fork()
        if self._pid:
            pipe.close()
            self._used_s = 0.0
            return
        self._pipe.close()
        _limit_memory()
        try:
            while True:
                pipe.send(self._answer(pipe.recv()))
        finally:
            os._exit(0)


def processor_s(pid: int) -> float:
    """Return the processor time of a process and of all that it has started, ended or not."""
    ticks: dict[int, int] = {}
    started_by: defaultdict[int, list[int]] = defaultdict(list)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            stat = (process / "stat").read_text(encoding="utf-8", errors="replace")
            fields, number = stat.rpartition(")")[2].split(), int(process.name)
            started_by[int(fields[1])].append(number)
            # Its own, and of those that ended and were waited for.
            ticks[number] = sum(map(int, fields[11:15]))
    of_it = [pid]
    for number in of_it:
        of_it += started_by[number]
    return sum(ticks.get(number, 0) for number in of_it) / _TICKS_PER_S


def _limit_memory() -> None:
    faulthandler.disable()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + _GROWTH
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
