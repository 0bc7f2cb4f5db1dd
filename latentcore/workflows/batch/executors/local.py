"""Run tasks on this machine: one after the other, or several at once in processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from latentcore.artifacts import from_json
from latentcore.errors import RequestError
from latentcore.progress import Progress
from latentcore.workers import Worker
from latentcore.workflows.batch.executors import EXECUTORS, Executor, Note
from latentcore.workflows.batch.tasks import Row, Steps, Task

_LOOK_EVERY_S = 0.1


@EXECUTORS.register("local")
def local(*, scheduler: str | None, workers: int | None) -> Executor:
    """Return a pipeline for one worker, processes for several."""
    if scheduler is not None:
        message = f"⟨scheduler⟩ {scheduler} needs ⟨executor⟩ dask; here the executor is local."
        raise RequestError(message)
    if workers is not None and workers < 1:
        message = f"⟨workers⟩ {workers}: at least one is needed."
        raise RequestError(message)
    return Pipeline() if workers in (None, 1) else Processes(workers)


@dataclass(frozen=True)
class Pipeline:
    """Run one task after the other in this process, while the next input comes and a result goes.

    Computing uses every core, so two computations at once gain nothing; what can overlap is the
    network. At most one input is fetched ahead and one result is on its way: disk and memory stay
    bounded whatever the length of the batch.
    """

    def run(self, tasks: Sequence[Task], note: Note, progress: Progress) -> None:
        """Run all tasks."""
        _PipelineRun(tasks, note, progress).all()


class _PipelineRun:
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
                self._overlap(inbound, outbound)
            finally:
                self._network.cancel()  # after a success there is nobody left to hear it

    def _overlap(self, inbound: ThreadPoolExecutor, outbound: ThreadPoolExecutor) -> None:
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
        """Return a progress for one task, which is part of the whole."""

        def step(done: int, total: int, message: str) -> None:
            share = f" {100 * done // total} %" if total else ""
            self._step(f"{name}: {message}{share}")

        return Progress(step)

    def _step(self, message: str) -> None:
        self._progress.step(self._ended, len(self._tasks), message)


@dataclass(frozen=True)
class Processes:
    """Run several tasks at once, each in a process of its own.

    A process per task costs a few seconds of imports and buys that whatever kills it (memory, a
    broken library) costs one row.

    Attributes
    ----------
    workers : int
        How many at once; the cores are shared out among them.
    """

    workers: int

    def run(self, tasks: Sequence[Task], note: Note, progress: Progress) -> None:
        """Run all tasks."""
        running: list[tuple[Task, Worker]] = []
        waiting = list(tasks)
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    task = waiting.pop(0)
                    running.append((task, self._start(task)))
                    note(Row(task.location, task.name, task.version, state="running"))
                ended = len(tasks) - len(waiting) - len(running)
                progress.step(ended, len(tasks), f"{len(running)} files at once")
                time.sleep(_LOOK_EVERY_S)
                for task, worker in tuple(running):
                    row = _row(task, worker)
                    if row is not None:
                        running.remove((task, worker))
                        worker.kill()
                        note(row)
            progress.step(len(tasks), len(tasks), "done")
        finally:
            for _, worker in running:
                worker.kill()

    def _start(self, task: Task) -> Worker:
        cores = str(max(1, (os.cpu_count() or 1) // self.workers))
        worker = Worker("latentcore.workflows.batch.child", environment={"OMP_NUM_THREADS": cores})
        worker.send(task.to_text())
        return worker


def _row(task: Task, worker: Worker) -> Row | None:
    """Return how a task ended, None while it runs."""
    dead = not worker.alive
    answer = worker.answer(_LOOK_EVERY_S if dead else 0)
    if answer:
        return Row(**from_json(answer))
    if not dead:
        return None
    error = (
        f"The process that did the work ended (status {worker.exit_status}). Most often memory ran "
        "out: use fewer --workers. The other files are not affected."
    )
    row = Row(task.location, task.name, task.version)
    return replace(row, state="failed", error=error)
