"""The server's jobs as the user who is asking sees them: their own, and those shared with them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from latentcore.errors import RequestError
from latentcore.jobs import JobRecord, JobRunner
from pages.access import claims, identity
from pages.access.claims import Access

# More than a workspace keeps.
_ALL = 1 << 30


class OwnJobs:
    """A runner that shows and changes what the present user may see and change.

    Methods are those of `latentcore.jobs.JobRunner`; a job belongs to whoever its run belongs to.
    One that several have asked for goes on until nobody wants it any more: who cancels it sees it
    cancelled meanwhile.
    """

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner

    def submit(self, verb: str, request: object, **how: Any) -> JobRecord:
        """Ask for a verb to be run; whoever asks for the same gets the same job, and has it too."""
        record = self._runner.submit(verb, request, **how)
        claims.claim("run", record.folder.name)
        return _as_theirs(record)

    def find(self, verb: str, request: object) -> JobRecord | None:
        """Return the job that answers a question; None where somebody else alone has asked it."""
        return _if_seen(self._runner.find(verb, request))

    def get(self, job: str) -> JobRecord | None:
        """Return a job as it stands, None where there is none that the user may see."""
        return _if_seen(self._runner.get(job))

    def known(self, job: str) -> JobRecord | None:
        """Return a job as it stands; to operators others' as well, without what its files say."""
        record = self._runner.get(job)
        if record is None or _access(record) or not identity.current_user().operator:
            return _if_seen(record)
        return replace(_as_theirs(record), message="", error="")

    def list(self, limit: int = 50, *, everyones: bool = False) -> list[JobRecord]:
        """Return the newest jobs; to operators, with `everyones`, all users'."""
        user = identity.current_user()
        if not user.name or (everyones and user.operator):
            return self._runner.list(limit)
        found = [
            _as_theirs(one)
            for one in self._runner.list(_ALL)
            if claims.of("run", one.folder.name).access(user, listed=True)
        ]
        return found[:limit]

    def may_change(self, record: JobRecord) -> bool:
        """Tell whether the user may start a job again, and name it."""
        return _access(record) in ("write", "own")

    def may_stop(self, record: JobRecord) -> bool:
        """Tell whether the user may cancel a job, for themselves or for all."""
        user = identity.current_user()
        alone = len(record.wanted_by) < 2
        return user.operator or user.name in record.wanted_by or (alone and self.may_change(record))

    def rerun(self, job: str, *, rest: bool = False) -> JobRecord:
        """Start a job again."""
        record = self.get(job)
        if record is not None and not self.may_change(record):
            raise RequestError(_not_yours(record))
        return _as_theirs(self._runner.rerun(job if record else "", rest=rest))

    def cancel(self, job: str, *, pause: bool = False) -> JobRecord:
        """Ask a job to stop; it goes on for others who have asked for it, too."""
        record = self.known(job)
        if record is None:
            return self._runner.cancel("")  # says that there is none
        if not self.may_stop(record):
            raise RequestError(_not_yours(record))
        name = identity.current_user().name
        user = name if name in record.wanted_by else None
        return _as_theirs(self._runner.cancel(job, pause=pause, user=user))

    def forget(self, job: str, *, delete_run: bool = False) -> None:
        """Remove a job's record and on wish its run; what others have as well stays theirs."""
        record, kept = self.known(job), self._runner.get(job)
        if record is None and not self.damage(job):
            self._runner.forget("")
        elif record and kept and kept.active and not record.active:
            claims.give_up("run", record.folder.name)  # the job is the others' now
        elif record is None or record.active or claims.give_up("run", record.folder.name):
            self._runner.forget(job, delete_run=delete_run)

    def delete_run(self, folder: Path) -> None:
        """Delete a run folder, unless others have the run as well."""
        if claims.give_up("run", folder.name):
            self._runner.delete_run(folder)

    def damage(self, job: str) -> str:
        """Return what is wrong with a job's record; whose it is, it can't say."""
        return self._runner.damage(job) if identity.current_user().operator else ""

    def damaged(self) -> dict[str, str]:
        """Return the jobs whose records can't be read; for operators."""
        return self._runner.damaged() if identity.current_user().operator else {}

    def wait(self, job: str, timeout: float | None = None) -> JobRecord:
        """Wait until a job has ended."""
        return _as_theirs(self._runner.wait(job, timeout))

    def ahead(self, job: str) -> tuple[JobRecord, ...]:
        """Return the jobs that come before a queued one; of others' only that they are there."""
        return tuple(
            _as_theirs(one)
            if claims.access("run", one.folder.name, listed=True)
            else replace(one, title="another user's job", message="")
            for one in self._runner.ahead(job)
        )

    def log_text(self, job: str) -> str:
        """Return the end of a job's log."""
        return self._runner.log_text(job) if self.get(job) else ""

    def warm_up(self) -> None:
        """Start the worker of automatic jobs now."""
        self._runner.warm_up()

    @property
    def warming(self) -> bool:
        """Whether the worker of automatic jobs still compiles."""
        return self._runner.warming


def _access(record: JobRecord) -> Access:
    return claims.access("run", record.folder.name)


def _if_seen(record: JobRecord | None) -> JobRecord | None:
    return _as_theirs(record) if record is not None and _access(record) else None


def _as_theirs(record: JobRecord) -> JobRecord:
    """Return a job under the name that the user has given it, and as it stands for them."""
    name = identity.acting_name()
    record = replace(record, title=record.titles.get(name, record.title))
    if not record.active or name not in record.left or not record.wanted_by:
        return record
    return replace(record, state="cancelled", ended=record.updated or time.time())


def _not_yours(record: JobRecord) -> str:
    if len(record.wanted_by) > 1:
        return f"Several people want the job {record.title!r}; each of them cancels it for one."
    return f"The job {record.title!r} belongs to somebody else, who lets you look at it only."
