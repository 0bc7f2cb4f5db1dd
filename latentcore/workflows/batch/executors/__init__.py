"""Where a batch's tasks run, one file per kind of executor.

An executor is a frozen dataclass with ``run(tasks, note, progress)``: it runs the tasks in any
order, hands each row to ``note`` whenever it changes, and raises `Cancelled` when the progress
says so. No task's failure ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from latentcore.progress import Progress
from latentcore.registry import Registry
from latentcore.workflows.batch.tasks import Row, Task

__all__ = ["EXECUTORS", "Executor", "ExecutorMaker", "Note"]

Note = Callable[[Row], None]


class Executor(Protocol):
    """Runs the tasks of a batch."""

    def run(self, tasks: Sequence[Task], note: Note, progress: Progress) -> None:
        """Run all tasks; the progress counts those that have ended."""
        ...


class ExecutorMaker(Protocol):
    """Makes an executor from a batch's options."""

    def __call__(self, *, scheduler: str | None, workers: int | None) -> Executor:
        """Return the executor."""
        ...


EXECUTORS: Registry[ExecutorMaker] = Registry("executor", "latentcore.workflows.batch.executors")
