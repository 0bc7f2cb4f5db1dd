"""Run tasks on a Dask cluster that exists already.

A task and its row travel as text; arrays never pass the scheduler. Inputs and results lie on S3 or
on a disk that all workers share, under the same path; which folder a worker runs in doesn't matter.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latentcore.artifacts import from_json
from latentcore.errors import RequestError
from latentcore.progress import Progress
from latentcore.requests.anywhere import anywhere
from latentcore.requests.question import version_of_inputs
from latentcore.settings import settings
from latentcore.workflows.batch.executors import EXECUTORS, Executor, Note
from latentcore.workflows.batch.tasks import Row, Task, run_task

_CONNECT_S = 10
_LOOK_EVERY_S = 0.2
# A worker that dies takes its task with it; a task that kills several workers is the one to blame.
_RETRIES = 2


@dataclass(frozen=True)
class DaskCluster:
    """Run tasks on the workers of a scheduler.

    Attributes
    ----------
    scheduler : str
        Its address, ``tcp://host:8786``.
    at_once : int or None
        How many tasks at most; None leaves it to the cluster.
    """

    scheduler: str
    at_once: int | None = None

    def run(self, tasks: Sequence[Task], note: Note, progress: Progress) -> None:
        """Run all tasks."""
        with self._client() as client:
            futures: dict[Any, Task] = {}
            waiting = list(tasks)
            try:
                while waiting or futures:
                    while waiting and (self.at_once is None or len(futures) < self.at_once):
                        task = waiting.pop(0)
                        futures[_submit(client, task)] = task
                        note(Row(task.location, task.name, task.version, state="running"))
                    done = len(tasks) - len(waiting) - len(futures)
                    workers = len(client.scheduler_info()["workers"])
                    progress.step(done, len(tasks), f"on {workers} workers")
                    for future in [future for future in futures if future.done()]:
                        note(_row(future, futures.pop(future)))
                    time.sleep(_LOOK_EVERY_S)
                progress.step(len(tasks), len(tasks), "done")
            finally:
                client.cancel(list(futures), force=True)

    def _client(self) -> Any:
        from distributed import Client

        try:
            client = Client(self.scheduler, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            message = (
                f"No Dask scheduler answers at {self.scheduler!r}. Start one (dask scheduler) and "
                "give its address, such as tcp://host:8786."
            )
            raise RequestError(message) from error
        if not client.scheduler_info()["workers"]:
            client.close()
            message = (
                f"The Dask scheduler at {self.scheduler!r} has no workers. Start some "
                f"(dask worker {self.scheduler}), each in an environment with this package."
            )
            raise RequestError(message)
        return client


@EXECUTORS.register("dask")
def dask(*, scheduler: str | None, workers: int | None) -> Executor:
    """Return an executor on an existing cluster."""
    scheduler = scheduler or settings().dask_scheduler
    if scheduler is None:
        message = (
            "⟨executor⟩ dask needs ⟨scheduler⟩ ADDRESS, such as tcp://host:8786, or the setting "
            "LATENT_DASK_SCHEDULER."
        )
        raise RequestError(message)
    try:
        import distributed  # noqa: F401 - checked before anything is done
    except ImportError as error:
        message = (
            "⟨executor⟩ dask needs the package 'distributed', which isn't installed here. "
            "Install it on this machine and on the workers: pip install distributed."
        )
        raise RequestError(message) from error
    return DaskCluster(scheduler, workers)


def _submit(client: Any, task: Task) -> Any:
    key = f"latentcore-{task.verb}-{task.name}-{task.version}"
    text = _for_any_folder(task).to_text()
    return client.submit(run_task, text, key=key, pure=False, retries=_RETRIES)


def _for_any_folder(task: Task) -> Task:
    request = anywhere(task.verb, task.request)
    version = version_of_inputs(task.verb, request)
    return replace(task, request=request, version=version, out=str(Path(task.out).absolute()))


def _row(future: Any, task: Task) -> Row:
    row = Row(task.location, task.name, task.version)
    if future.status == "finished":
        # Of the request as it was made here, by which the next batch knows it.
        return replace(Row(**from_json(future.result())), version=task.version)
    error = future.exception()
    reason = f"{type(error).__name__}: {error}" if error is not None else f"was {future.status}"
    return replace(row, state="failed", error=f"Dask gave it up: {reason}")
