"""Whose turn it is: a worker's time is shared evenly between the users who wait for it."""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from latentcore.jobs.folder import JobFolder
from latentcore.jobs.records import JobRecord
from latentcore.jobs.usage import Usage

# Worker time counts half as much after each hour. So nobody who has worked all day waits behind
# others for longer than it takes them to catch up: about an hour for each doubling of the users.
_HALF_LIFE_S = 3600.0
# What a job is taken to need where none has ended yet.
_TYPICAL_S = 60.0


def in_turn(waiting: Sequence[JobRecord], used: Iterable[Usage], now: float) -> list[JobRecord]:
    """Return the jobs that wait for one worker in the order in which it takes them.

    The user who has had the least of it lately is next; of each user, the job that came first.

    Parameters
    ----------
    waiting : sequence of JobRecord
        Of one queue.
    used : iterable of Usage
        What has been worked in that queue, with what is being worked at `now`.

    Notes
    -----
    Only the first is certain. For the others, each job is taken to need as long as the mean of
    those before, as if nobody else came.
    """
    jobs: dict[str, deque[JobRecord]] = defaultdict(deque)
    for record in sorted(waiting, key=lambda one: one.created):
        for user in _askers(record):
            jobs[user].append(record)
    spent: dict[str, float] = defaultdict(float)
    seconds = []
    for one in used:
        spent[one.user] += _lately(one, now)
        seconds.append(one.seconds)
    typical = max(1.0, sum(seconds) / len(seconds)) if seconds else _TYPICAL_S
    order = []
    while jobs:
        user = min(jobs, key=lambda name: (spent[name], jobs[name][0].created))
        record = jobs[user][0]
        order.append(record)
        spent[user] += typical
        for name in _askers(record):
            jobs[name].remove(record)
            if not jobs[name]:
                del jobs[name]
    return order


def _askers(record: JobRecord) -> tuple[str, ...]:
    return record.wanted_by or (record.user,)


def _lately(used: Usage, now: float) -> float:
    """Return the seconds worked, each by what it counts now.

    All fade alike, so that the order of two users changes by work only, not by waiting.
    """

    def faded(at: float) -> float:
        return math.exp2(-max(0.0, now - at) / _HALF_LIFE_S)

    return _HALF_LIFE_S / math.log(2) * max(0.0, faded(used.ended) - faded(used.started))


class TurnQueue:
    """What waits for one worker; who is next is decided when the worker is ready for it.

    Parameters
    ----------
    choose : callable
        Returns which of those that wait is next.
    """

    def __init__(self, choose: Callable[[Sequence[JobFolder]], JobFolder]) -> None:
        self._choose = choose
        self._changed = threading.Condition()
        self._waiting: list[JobFolder] = []
        self._woken = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, folder: JobFolder) -> None:
        """Let a job wait; one that was cancelled and asked for again stands in there once."""
        with self._changed:
            if all(folder.path != other.path for other in self._waiting):
                self._waiting.append(folder)
            self._changed.notify()

    def wake(self) -> None:
        """Let the worker look around, though nothing new waits."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def wait(self) -> None:
        """Wait until there is a job, or somebody calls `wake`."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._woken)
            self._woken = False

    def take(self) -> JobFolder | None:
        """Take the next job; None where none waits."""
        with self._changed:
            waiting = tuple(self._waiting)
        if not waiting:
            return None
        chosen = self._choose(waiting)  # it reads records, which nobody should wait for
        with self._changed:
            self._waiting.remove(chosen)
        return chosen
