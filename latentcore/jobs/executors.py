"""Where jobs run: a thread that shares the loaded models, and worker processes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from latentcore.jobs.folder import JobFolder
from latentcore.jobs.records import JobRecord
from latentcore.jobs.run_job import Outcome, outcome_in, read_outcome, run_job
from latentcore.jobs.turns import TurnQueue
from latentcore.progress import Progress
from latentcore.workers import Worker

_LOOK_EVERY_S = 0.1
_PATIENCE_S = 2.0
# Of what leaves nothing to go on with, so that nothing is lost where it is ended.
SHORT_PATIENCE_S = 0.6
_CLOSING_S = 5.0

OnStart = Callable[[JobFolder, int], JobRecord | None]
OnEnd = Callable[[JobFolder, Outcome], None]
Services = Callable[[], contextlib.AbstractContextManager[Mapping[str, object]]]


class Executor(Protocol):
    """Runs jobs one after the other.

    ``on_start(folder, pid)`` is asked before each job and answers with the record to run,
    or None if the job is not wanted any more; ``on_end(folder, outcome)`` is called at its end.
    """

    @property
    def queue(self) -> TurnQueue:
        """What waits for it."""
        ...

    @property
    def works(self) -> bool:
        """Whether its thread is there."""
        ...

    def close(self) -> None:
        """Stop what runs and take no more."""
        ...


class ThreadExecutor:
    """One thread of this process, for work that shares a loaded encoder.

    Parameters
    ----------
    waiting : TurnQueue
        What it works off.
    on_start, on_end : callable
        See `Executor`.
    services : callable
        Entered for each job: a context manager of what the server lends to its verb.
    """

    def __init__(
        self, waiting: TurnQueue, on_start: OnStart, on_end: OnEnd, services: Services
    ) -> None:
        self.queue = waiting
        self._on_start = on_start
        self._on_end = on_end
        self._services = services
        self._progress = Progress()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="latent-jobs", daemon=True)
        self._thread.start()

    @property
    def works(self) -> bool:
        """Whether its thread is there."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop the running job at its next step."""
        self._closing = True
        self._progress.cancel()
        self.queue.wake()
        self._thread.join(_CLOSING_S)

    def _work(self) -> None:
        while not self._closing:
            self.queue.wait()
            folder = None if self._closing else self.queue.take()
            record = None if folder is None else self._on_start(folder, os.getpid())
            if folder is None or record is None:
                continue
            with self._services() as services:
                outcome = run_job(folder, record, services, self._progress)
            self._on_end(folder, outcome)


class ProcessExecutor:
    """One lasting worker process, for work that would stall the server.

    Parameters
    ----------
    waiting : TurnQueue
        What it works off.
    on_start, on_end : callable
        See `Executor`.
    log : Path
        Where the worker's own messages go.
    idle : bool
        Whether its jobs stand back where others want the processor.
    patience : float
        Seconds after which a job that doesn't obey a cancel (compiled code takes no steps) is
        ended by ending the worker; the next job gets a fresh one.
    """

    def __init__(
        self,
        waiting: TurnQueue,
        on_start: OnStart,
        on_end: OnEnd,
        log: Path,
        *,
        idle: bool = False,
        patience: float = _PATIENCE_S,
    ) -> None:
        self.queue = waiting
        self._on_start = on_start
        self._on_end = on_end
        self._log = log
        self._idle = idle
        self._patience = patience
        self._warm = threading.Event()
        self._compiles = False
        self._closing = threading.Event()
        self._worker: Worker | None = None
        self._thread = threading.Thread(target=self._work, name="latent-worker", daemon=True)
        self._thread.start()

    @property
    def works(self) -> bool:
        """Whether its thread is there."""
        return self._thread.is_alive()

    @property
    def warming(self) -> bool:
        """Whether the worker still compiles, so that jobs have to wait."""
        worker = self._worker
        return worker is not None and self._compiles and not worker.ready

    def warm_up(self) -> None:
        """Start a worker that compiles at once what is slow at its first use, now and later."""
        self._warm.set()
        self.queue.wake()

    def close(self) -> None:
        """End the worker, and with it what it does."""
        self._closing.set()
        self.queue.wake()
        self._thread.join(_CLOSING_S)

    def _work(self) -> None:
        while not self._closing.is_set():
            self.queue.wait()
            if len(self.queue):
                self._run_next()
            self._renew()
        if self._worker is not None:
            self._worker.kill()

    def _run_next(self) -> None:
        """Run whoever is next by the time that the worker is ready."""
        worker = self._living_worker()
        while not worker.ready:
            if self._closing.is_set():
                return
            if worker.answer(_LOOK_EVERY_S) is None and not worker.alive:
                worker = self._worker = self._new_worker(warm=False)
        folder = self.queue.take()
        if folder is None or self._on_start(folder, worker.pid) is None:
            return
        read_outcome(folder)  # one that an earlier attempt left must not be taken for this one's
        worker.send(str(folder.path))
        self._on_end(folder, self._watch(worker, folder))

    def _watch(self, worker: Worker, folder: JobFolder) -> Outcome:
        asked_at: float | None = None
        while True:
            answer = worker.answer(_LOOK_EVERY_S)
            if answer is not None:
                return read_outcome(folder) or outcome_in(answer) or _lost(worker)
            if not worker.alive:
                return read_outcome(folder) or _lost(worker)
            if asked_at is None and (self._closing.is_set() or folder.cancel_asked()):
                asked_at = time.monotonic()
            patience = 0.0 if self._closing.is_set() else self._patience
            if asked_at is not None and time.monotonic() - asked_at > patience:
                worker.kill()
                return Outcome("cancelled")

    def _living_worker(self) -> Worker:
        if self._worker is None or not self._worker.alive:
            self._worker = self._new_worker(warm=False)
        return self._worker

    def _new_worker(self, *, warm: bool) -> Worker:
        self._compiles = warm
        options = [name for name, wanted in (("--warm", warm), ("--idle", self._idle)) if wanted]
        return Worker("latentcore.jobs.worker", *options, log=self._log)

    def _renew(self) -> None:
        """Replace a missing worker while nobody waits: then there is time to compile."""
        missing = self._worker is None or not self._worker.alive
        idle = not len(self.queue) and not self._closing.is_set()
        if missing and idle and self._warm.is_set():
            self._worker = self._new_worker(warm=True)


def _lost(worker: Worker) -> Outcome:
    status = worker.exit_status
    if status is not None and status < 0:
        how = f"was ended by signal {-status} ({signal.Signals(-status).name})"
    else:
        how = f"ended without an answer (status {status})"
    worker.kill()
    message = (
        f"The process that did the work {how}. Most often memory ran out: choose fewer points or "
        "close other work, then start the job again. Other jobs are not affected."
    )
    return Outcome("failed", message)
