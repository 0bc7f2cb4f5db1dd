"""The one place that accepts jobs, remembers them, and knows how they stand."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import fields, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

from latentcore.artifacts import read_run, remove_entry, unfinished
from latentcore.errors import RequestError
from latentcore.jobs.executors import (
    SHORT_PATIENCE_S,
    Executor,
    ProcessExecutor,
    Services,
    ThreadExecutor,
)
from latentcore.jobs.folder import JobFolder
from latentcore.jobs.owners import Owner
from latentcore.jobs.queues import AUTOMATIC, queue_of
from latentcore.jobs.records import JobRecord
from latentcore.jobs.run_job import Outcome
from latentcore.jobs.store import RecordStore
from latentcore.jobs.turns import TurnQueue, in_turn
from latentcore.jobs.usage import Usage, UsageLog, usage_of
from latentcore.requests.question import job_id
from latentcore.workflows import VERBS, request_from, request_of

_LOOK_EVERY_S = 0.1
# So often users' bounds are looked at while their jobs work.
_ADMIT_EVERY_S = 15.0

# Seconds that each user's jobs have worked since a moment.
Worked = Callable[[float], Mapping[str, float]]


class JobRunner:
    """Runs jobs one after the other and keeps their records; thread-safe; a context manager.

    Each pool of workers (`Verb.pool`) has a queue of its own. So has what pages start unasked: no
    job that a person asked for waits behind it. In each queue, turns are shared evenly between
    users (`latentcore.jobs.turns.in_turn`).

    Several runners, in one process or in several, may share a folder: each runs what was
    submitted to it and sees the jobs of the others.

    Parameters
    ----------
    folder : Path
        Where the records live; the run folders go to ``runs`` beside it.
    services : callable, optional
        Makes a context manager that is entered for each job in the thread and gives what its
        verb is lent, for example ``{"open_model": …}``; left when the job has ended.
    keep : int
        How many records of ended jobs are kept; run folders stay.
    who : callable, optional
        Names the user who asks, where `submit` is not told.
    admit : callable, optional
        Asked with the user and `used` before a job that somebody asked for is queued, when it
        begins, and while it works; raises a `RequestError` where the user may take no more.
    ended : callable, optional
        Told of each job that has ended here.
    """

    def __init__(
        self,
        folder: Path,
        *,
        services: Services | None = None,
        keep: int = 500,
        who: Callable[[], str] = str,
        admit: Callable[[str, Worked], None] | None = None,
        ended: Callable[[JobRecord], object] | None = None,
    ) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.runs = self._folder.parent / "runs"
        self._keep = keep
        self._who = who
        self._admit = admit
        self._ended = ended
        self._usage = UsageLog(self._folder / ".usage.jsonl")
        self._closing = False
        self._closed = threading.Event()
        self._changed = threading.Condition()
        self._queued: list[str] = []
        self._store = RecordStore(self._folder)
        self._exclusive = self._store.exclusive
        with self._exclusive():
            self._owner = Owner(self._folder)
        self._automatic = self._process_executor(
            AUTOMATIC, "automatic", idle=True, patience=SHORT_PATIENCE_S
        )
        self._executors: dict[str, Executor] = {
            "thread": ThreadExecutor(
                self._turns("thread"), self._on_start, self._on_end, services or _no_services
            ),
            "process": self._process_executor("process", "worker"),
            "embedding": self._process_executor(
                "embedding", "embedding", patience=SHORT_PATIENCE_S
            ),
            "background": self._process_executor("background", "background"),
            AUTOMATIC: self._automatic,
        }
        if admit is not None:
            threading.Thread(target=self._keep_to_bounds, name="latent-bounds", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def submit(
        self,
        verb: str,
        request: object,
        *,
        out: Path | None = None,
        title: str = "",
        automatic: bool = False,
        user: str | None = None,
    ) -> JobRecord:
        """Ask for a verb to be run.

        Parameters
        ----------
        request : dataclass
            An instance of the verb's request type.
        out : Path, optional
            The run folder; ``runs/<verb>-<id>`` if not given.
        title : str
            What people call it.
        automatic : bool
            Whether nobody asked for it: it keeps nobody's job waiting, and is not started again
            where it was cancelled or failed.
        user : str, optional
            For whom; the runner's `who` says it if not given. What waits or works already because
            another user asked for it is theirs as well, and gets whichever turn comes first.

        Returns
        -------
        JobRecord
            The job. Where the same question is queued, running or answered already, that one;
            where it was cancelled, failed or interrupted, that one started again.

        Raises
        ------
        UnknownNameError
            If there is no such verb.
        RequestError
            If the verb leaves nothing behind, so that there is nothing to run for, or `admit`
            refuses it.
        """
        if not VERBS.get(verb).writes:
            message = f"The verb {verb!r} writes no files, so it is no job. Call it directly."
            raise RequestError(message)
        user = self._who() if user is None else user
        job = job_id(verb, request, out)
        record = JobRecord(
            id=job,
            verb=verb,
            request=request_of(request),
            out=str(out or self.runs / f"{verb}-{job}"),
            title=title or verb,
            automatic=automatic,
            user=user,
        )
        with self._exclusive():
            known = self.get(job)
            if known is not None and (known.active or known.finished):
                return self._asked_for(known, record)
            if known is not None and automatic and known.state in ("cancelled", "failed"):
                return known
            if known is not None:
                titles = _titles(known) | {user: record.title}
                record = replace(record, attempt=known.attempt, titles=titles)
            record = self._enqueue(record)
            self._prune()
        return record

    def find(self, verb: str, request: object, *, out: Path | None = None) -> JobRecord | None:
        """Return the job that answers a question, as it stands, or None; starts none."""
        return self.get(job_id(verb, request, out))

    def rerun(self, job: str, *, rest: bool = False) -> JobRecord:
        """Start a job again: resume it if it was stopped, answer anew if it had finished.

        Parameters
        ----------
        rest : bool
            Of a job that had finished, do only what is missing: the failed inputs of a batch.

        Raises
        ------
        RequestError
            If there is no such job.
        """
        with self._exclusive():
            known = self._known(job)
            if known.active:
                return self._asked_for(known, replace(known, user=self._who(), automatic=False))
            request = request_from(known.verb, known.request)
            request = replace(request, **_again(request, afresh=known.finished and not rest))
            fresh = JobRecord(
                id=job,
                verb=known.verb,
                request=request_of(request),
                out=known.out,
                title=known.title,
                attempt=known.attempt,
                user=self._who() or known.user,
                titles=_titles(known),
            )
            return self._enqueue(fresh)

    def get(self, job: str) -> JobRecord | None:
        """Return a job as it stands, or None."""
        if not job.isalnum():  # it comes from a URL and names a folder
            return None
        self._store.save_again(job)
        record = self._store.stored(job)
        if record is None:
            return None
        if record.active and not self._owner.sees(record.owner):
            return self._interrupted(record)
        return self._store.at(job).with_progress(record) if record.active else record

    def list(self, limit: int = 50) -> list[JobRecord]:
        """Return the newest jobs, newest first."""
        records = [record for job in self._store.jobs() if (record := self.get(job)) is not None]
        return sorted(records, key=lambda record: record.created, reverse=True)[:limit]

    def damage(self, job: str) -> str:
        """Return what is wrong with the record of a job; empty where it is good or missing."""
        return self._store.damage(job) if job.isalnum() else ""

    def damaged(self) -> dict[str, str]:
        """Return the jobs whose records can't be read, each with what is wrong."""
        found = {job: self._store.damage(job) for job in self._store.jobs()}
        return {job: problem for job, problem in found.items() if problem}

    def cancel(self, job: str, *, pause: bool = False, user: str | None = None) -> JobRecord:
        """Ask a job to stop; what it has done so far stays for a resume.

        Parameters
        ----------
        pause : bool
            Note down that it is meant to go on later (`JobRecord.paused`).
        user : str, optional
            For whom. It goes on as long as others want it. If not given, it stops for all.

        Raises
        ------
        RequestError
            If there is no such job.
        """
        with self._exclusive():
            record = self._known(job)
            if not record.active:
                return record
            if user is not None:
                record = replace(record, left=(*record.left, user))
            if user is not None and record.wanted_by:
                self._store.save(record)
                return record
            self._store.at(job).ask_to_cancel()
            record = replace(record, paused=pause)
            if record.state == "queued":
                record = replace(record, state="cancelled", ended=time.time())
                self._leave_queue(job)
            self._store.save(record)
        return self._known(job)

    def forget(self, job: str, *, delete_run: bool = False) -> None:
        """Remove a job's record, be it damaged, and on wish its run folder.

        Of a damaged record nobody knows which folder that is.

        Raises
        ------
        RequestError
            If there is no such job, or it is still active.
        """
        with self._exclusive():
            if self.damage(job):
                self._store.drop(job)
                return
            record = self._known(job)
            if record.active:
                message = f"The job {record.title!r} is {record.state}. Cancel it first."
                raise RequestError(message)
            if delete_run:
                self.delete_run(record.folder)
            self._store.drop(job)

    def delete_run(self, folder: Path) -> None:
        """Delete a run folder of this workspace, and what an unfinished attempt left beside it.

        Raises
        ------
        RequestError
            If the folder lies elsewhere.
        """
        # Of a link only the link goes, wherever it leads.
        folder = Path(os.path.abspath(folder))  # noqa: PTH100
        if folder.parent.resolve() != self.runs.resolve():
            message = (
                f"The run folder {folder.name!r} lies outside the workspace and is not deleted. "
                "Remove it by hand."
            )
            raise RequestError(message)
        remove_entry(folder)
        remove_entry(unfinished(folder))

    def wait(self, job: str, timeout: float | None = None) -> JobRecord:
        """Wait until a job has ended.

        Returns
        -------
        JobRecord
            As it stands then, or when the time was up.

        Raises
        ------
        RequestError
            If there is no such job.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            record = self._known(job)
            if not record.active or (end is not None and time.monotonic() >= end):
                return record
            with self._changed:
                self._changed.wait(_LOOK_EVERY_S)

    def ahead(self, job: str) -> tuple[JobRecord, ...]:
        """Return the jobs of its server that come before a queued one, the next one first.

        As things stand: whoever comes later and has waited for less may still go first.
        """
        record = self.get(job)
        if record is None or record.state != "queued":
            return ()
        queue, records, now = queue_of(record), self._all(), time.time()
        rivals = [
            other
            for other in reversed(records)
            if other.active and other.owner == record.owner and queue_of(other) == queue
        ]
        running = [other for other in rivals if other.state == "running"]
        queued = [other for other in rivals if other.state == "queued"]
        turns = in_turn(queued, self._used((queue,), records, now), now)
        return (*running, *takewhile(lambda other: other.id != job, turns))

    def used(self, since: float) -> dict[str, float]:
        """Return for how many seconds each user's jobs have worked since a moment of the last day.

        All users are named whose jobs have worked, with those that still work.
        """
        spent: dict[str, float] = {}
        for one in self._used(tuple(self._executors), self._all(), time.time()):
            spent[one.user] = spent.get(one.user, 0.0) + one.since(since)
        return spent

    def stop_refused(self) -> None:
        """Stop the jobs at work here for whose users `admit` has no more, and say so."""
        for record in self._all():
            mine = record.state == "running" and record.owner == self._owner.token
            refusal = self._refusal(record) if mine and not record.cancelling else ""
            if refusal:
                with self._exclusive():
                    latest = self._store.stored(record.id)
                    if latest is not None and latest.state == "running":
                        self._store.save(replace(latest, error=refusal))
                        self._store.at(record.id).ask_to_cancel()

    def warm_up(self) -> None:
        """Start the worker of automatic jobs now; it compiles what is slow at its first use."""
        self._automatic.warm_up()

    @property
    def warming(self) -> bool:
        """Whether the worker of automatic jobs still compiles, so that they have to wait."""
        return self._automatic.warming

    @property
    def works(self) -> bool:
        """Whether it takes jobs and carries them out."""
        return not self._closing and all(one.works for one in self._executors.values())

    def log_text(self, job: str, limit: int = 20_000) -> str:
        """Return the end of a job's log."""
        try:
            return self._store.at(job).log.read_text(encoding="utf-8", errors="replace")[-limit:]
        except OSError:
            return ""

    def close(self) -> None:
        """Stop; what was queued or running becomes ``interrupted`` and can be resumed."""
        if self._closing:
            return
        self._closing = True
        self._closed.set()
        for executor in self._executors.values():
            executor.close()
        with self._exclusive():
            for record in self._all():
                if record.active and record.owner == self._owner.token:
                    self._end(replace(record, state="interrupted", ended=time.time()))
        self._owner.leave()

    def _enqueue(self, record: JobRecord) -> JobRecord:
        if self._closing:
            message = "The server is stopping and takes no more jobs. Ask again when it is back."
            raise RequestError(message)
        if self._admit is not None and not record.automatic:
            self._admit(record.user, self.used)
        record = replace(
            record, state="queued", owner=self._owner.token, attempt=record.attempt + 1
        )
        folder = self._store.at(record.id)
        folder.create(record)
        self._queued.append(record.id)
        self._executors[queue_of(record)].queue.put(folder)
        return record

    def _asked_for(self, known: JobRecord, asked: JobRecord) -> JobRecord:
        """Let a job be that of the user who asks for it now as well, under the title they give it.

        One that waits among the automatic ones then stands in both queues, and whichever comes to
        it first carries it out. Whoever has cancelled it for themselves gets it back by asking,
        not by a page that does.
        """
        user, record = asked.user, known
        if user not in (known.user, *known.also):
            also = (*known.also, user) if known.active else known.also
            record = replace(known, also=also, titles={**known.titles, user: asked.title})
        if not asked.automatic:
            record = replace(record, left=tuple(name for name in known.left if name != user))
        waits = record.state == "queued" and record.owner == self._owner.token
        if waits and record.automatic and not asked.automatic:
            record = replace(record, automatic=False, created=time.time())
            self._executors[queue_of(record)].queue.put(self._store.at(record.id))
        if record != known:
            self._store.save(record)
        return record

    def _keep_to_bounds(self) -> None:
        while not self._closed.wait(_ADMIT_EVERY_S):
            self.stop_refused()

    def _refusal(self, record: JobRecord) -> str:
        """Return why nobody who wants a job may have it done; empty where somebody may."""
        if self._admit is None or record.automatic:
            return ""
        refusal = ""
        for user in record.wanted_by:
            try:
                self._admit(user, self.used)
            except RequestError as error:
                refusal = refusal or str(error)
            else:
                return ""
        return refusal

    def _process_executor(self, queue: str, log: str, **how: Any) -> ProcessExecutor:
        log_file = self._folder / f"{log}.log"
        return ProcessExecutor(self._turns(queue), self._on_start, self._on_end, log_file, **how)

    def _turns(self, queue: str) -> TurnQueue:
        return TurnQueue(partial(self._next, queue))

    def _next(self, queue: str, waiting: Sequence[JobFolder]) -> JobFolder:
        """Return which of the jobs that wait for a worker is next."""
        folders = {folder.path.name: folder for folder in waiting}
        records = map(self._store.stored, folders)
        queued = [record for record in records if record and record.state == "queued"]
        if gone := folders.keys() - {record.id for record in queued}:
            return folders[gone.pop()]  # it was cancelled: the worker passes over it
        now = time.time()
        return folders[in_turn(queued, self._used((queue,), self._all(), now), now)[0].id]

    def _used(
        self, queues: Collection[str], records: Iterable[JobRecord], now: float
    ) -> Iterator[Usage]:
        """Yield what was worked in queues within the last day, with what is being worked."""
        yield from (one for one in self._usage.entries() if one.queue in queues)
        for record in records:
            if record.state == "running" and queue_of(record) in queues:
                yield usage_of(record, now)

    def _on_start(self, folder: JobFolder, pid: int) -> JobRecord | None:
        with self._exclusive():
            record = self._store.stored(folder.path.name)
            wanted = (
                not self._closing
                and record is not None
                and record.state == "queued"
                and record.owner == self._owner.token
                and record.id in self._queued
            )
            if record is None or not wanted:
                return None
            self._leave_queue(record.id)
            if refusal := self._refusal(record):
                ended = replace(record, state="cancelled", error=refusal, ended=time.time())
                self._store.save(ended)
                return None
            record = replace(record, state="running", started=time.time(), pid=pid)
            self._store.save(record)
            return record

    def _on_end(self, folder: JobFolder, outcome: Outcome) -> None:
        with self._exclusive():
            stored = self._store.stored(folder.path.name)
            if stored is None or not stored.active:
                return
            record = folder.with_progress(stored)
            state = outcome.state
            if state == "cancelled" and self._closing and not folder.cancel_asked():
                state = "interrupted"
            run = read_run(record.folder) if state == "finished" else None
            record = replace(
                record,
                state=state,
                error=outcome.error or (stored.error if state == "cancelled" else ""),
                ended=time.time(),
                run_id="" if run is None else str(run.get("run_id", "")),
                cancelling=False,
            )
            self._leave_queue(record.id)
            self._end(record)
        with self._changed:
            self._changed.notify_all()
        if self._ended is not None:
            self._ended(record)

    def _interrupted(self, record: JobRecord) -> JobRecord:
        """Note down that the server of an active job is gone; return the job as it stands."""
        with suppress(OSError), self._exclusive():
            record = self._store.stored(record.id) or record
            if not record.active or self._owner.sees(record.owner):
                return record
            self._end(self._ended_early(record))
        # A disk that can't be written, not even locked, is still looked at.
        return self._ended_early(record)

    def _ended_early(self, record: JobRecord) -> JobRecord:
        record = self._store.at(record.id).with_progress(record)
        ended = record.updated or record.started or record.created
        return replace(record, state="interrupted", ended=ended, cancelling=False)

    def _all(self) -> Sequence[JobRecord]:
        """Return all jobs, newest first: what has ended is pruned, what waits never."""
        return self.list(sys.maxsize)

    def _known(self, job: str) -> JobRecord:
        record = self.get(job)
        if record is None:
            message = f"There is no job {job!r}. It may have been deleted; see the list of jobs."
            raise RequestError(message)
        return record

    def _end(self, record: JobRecord) -> None:
        """Save the record of a job that has ended, and how long it has worked."""
        self._store.save(record)
        if record.started:
            self._usage.add(usage_of(record, record.ended))

    def _leave_queue(self, job: str) -> None:
        if job in self._queued:
            self._queued.remove(job)

    def _prune(self) -> None:
        ended = [record for record in self._all() if not record.active]
        for record in ended[self._keep :]:
            self._store.drop(record.id)


def _titles(known: JobRecord) -> dict[str, str]:
    """Return what each user has called a job that is begun anew, maybe by somebody else."""
    return {known.user: known.title, **known.titles}


def _again(request: Any, *, afresh: bool) -> dict[str, bool]:
    """Return the options that let a verb replace an answer it finds, or go on with its work."""
    wanted = {"clobber": True, "resume": False} if afresh else {"resume": True}
    return {entry.name: wanted[entry.name] for entry in fields(request) if entry.name in wanted}


def _no_services() -> AbstractContextManager[Mapping[str, object]]:
    return nullcontext({})
