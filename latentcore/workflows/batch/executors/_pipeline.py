"""One task after the other in this process, while the next input comes and the last result goes.

Computing uses every core, so two computations at once gain nothing; what can overlap is the
network. At most one input is fetched ahead and one result is on its way: disk and memory stay
bounded whatever the length of the batch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from latentcore.progress import Progress
from latentcore.workflows.batch.executors import Note
from latentcore.workflows.batch.tasks import Steps, Task

__all__ = ["Pipeline"]

_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Pipeline:
    """Fetch, compute and store, each task in turn, the three overlapping."""

    def run(self, tasks: Sequence[Task], note: Note, progress: Progress) -> None:
        """Carry out all tasks."""
        _Run(tasks, note, progress).all()


class _Run:
    def __init__(self, tasks: Sequence[Task], note: Note, progress: Progress) -> None:
        self._tasks = tasks
        self._note = note
        self._progress = progress
        self._network = Progress()  # what the threads ask whether to stop
        self._ended = 0
        self._lock = threading.Lock()

    def all(self) -> None:
        with (
            ThreadPoolExecutor(1, "batch-fetch") as inbound,
            ThreadPoolExecutor(1, "batch-store") as outbound,
        ):
            try:
                self._carry_out(inbound, outbound)
            finally:
                self._network.cancel()  # after a success there is nobody left to hear it

    def _carry_out(self, inbound: ThreadPoolExecutor, outbound: ThreadPoolExecutor) -> None:
        steps = [Steps(task) for task in self._tasks]
        coming: Future[None] | None = None
        going: Future[None] | None = None
        for number, one in enumerate(steps):
            self._note(one.row)
            present = coming or inbound.submit(one.fetch, self._network)
            self._wait(present, f"fetching {one.task.name}")
            coming = None
            if number + 1 < len(steps):
                coming = inbound.submit(steps[number + 1].fetch, self._network)
            one.compute(self._inner(one.task.name))
            if going is not None:
                self._wait(going, "storing results")
            going = outbound.submit(self._store, one)
        if going is not None:
            self._wait(going, "storing results")

    def _store(self, one: Steps) -> None:
        one.store(self._network)
        with self._lock:
            self._ended += 1
        self._note(one.row)

    def _wait(self, future: Future[None], message: str) -> None:
        """Wait for a thread's work, and meanwhile hear a request to stop."""
        while True:
            self._step(message)
            try:
                future.result(timeout=_LOOK_EVERY_S)
            except TimeoutError:
                continue
            return

    def _inner(self, name: str) -> Progress:
        """Return a progress for one task, told as part of the whole."""

        def step(done: int, total: int, message: str) -> None:
            share = f" {100 * done // total} %" if total else ""
            self._step(f"{name}: {message}{share}")

        return Progress(step)

    def _step(self, message: str) -> None:
        self._progress.step(self._ended, len(self._tasks), message)
