"""Several tasks at once, each in a process of its own.

A process per task costs a few seconds of imports and buys that whatever kills it (memory, a broken
library) costs one row.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from latentcore.artifacts import from_json
from latentcore.processes import kill_with_children
from latentcore.progress import Progress
from latentcore.version import IMPORT_FOLDER
from latentcore.workflows.batch.executors import Note
from latentcore.workflows.batch.tasks import Row, Task

__all__ = ["Processes"]

_LOOK_EVERY_S = 0.2
_CHILD = "latentcore.workflows.batch.child"


@dataclass(frozen=True)
class Processes:
    """Carry out tasks in processes.

    Attributes
    ----------
    workers : int
        How many at once; the cores are shared out among them.
    """

    workers: int

    def run(self, tasks: Sequence[Task], note: Note, progress: Progress) -> None:
        """Carry out all tasks."""
        running: dict[str, subprocess.Popen[str]] = {}
        rows: queue.SimpleQueue[Row] = queue.SimpleQueue()
        waiting = list(tasks)
        try:
            ended = 0
            while waiting or running:
                while waiting and len(running) < self.workers:
                    task = waiting.pop(0)
                    running[task.location] = _start(task, rows, self.workers)
                    note(Row(task.location, task.name, task.version, state="running"))
                progress.step(ended, len(tasks), f"{len(running)} files at once")
                with suppress(queue.Empty):
                    row = rows.get(timeout=_LOOK_EVERY_S)
                    running.pop(row.location)
                    note(row)
                    ended += 1
            progress.step(ended, len(tasks), "done")
        finally:
            for process in running.values():
                kill_with_children(process)


def _start(task: Task, rows: queue.SimpleQueue[Row], workers: int) -> subprocess.Popen[str]:
    cores = str(max(1, (os.cpu_count() or 1) // workers))
    paths = [str(IMPORT_FOLDER), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-m", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "OMP_NUM_THREADS": cores,
        },
        start_new_session=True,
        text=True,
        encoding="utf-8",
    )
    threading.Thread(target=_watch, args=(process, task, rows), daemon=True).start()
    return process


def _watch(process: subprocess.Popen[str], task: Task, rows: queue.SimpleQueue[Row]) -> None:
    """Give a process its task and wait for its row; its input stays open as a sign of life."""
    assert process.stdin is not None
    assert process.stdout is not None
    with process, suppress(OSError):
        process.stdin.write(task.to_text().replace("\n", " ") + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    row = Row(task.location, task.name, task.version)
    if answer.strip():
        row = Row(**from_json(answer))
    else:
        status = process.wait()
        error = (
            f"The process that did the work ended (status {status}). Most often memory ran out: "
            "use fewer ⟨workers⟩. The other files are not affected."
        )
        row = replace(row, state="failed", error=error)
    rows.put(row)
