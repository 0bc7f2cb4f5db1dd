"""What is known about one job."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from latentcore.artifacts import read_run
from latentcore.artifacts.records import Shape, count, flag, listed, mapping, number, one_of, text

State = Literal["queued", "running", "finished", "cancelled", "failed", "interrupted"]
ACTIVE_STATES: frozenset[State] = frozenset({"queued", "running"})

_LEAST_SECONDS = 0.5
# The year 2255: times of nanoseconds end soon after, and tables with them.
_LATEST = 9e9


def _moment(value: Any) -> bool:
    return number(value) and 0 <= value < _LATEST


# What `JobRecord.to_plain` writes, and what of it a line of progress holds.
PROGRESS: Shape = {
    **dict.fromkeys(("done", "total", "stage_done"), count),
    **dict.fromkeys(("stage_at", "updated", "waited"), _moment),
    "message": text,
}
SHAPE: Shape = {
    **PROGRESS,
    **dict.fromkeys(("id", "verb", "out", "title", "error", "run_id", "owner", "user"), text),
    **dict.fromkeys(("created", "started", "ended"), _moment),
    **dict.fromkeys(("pid", "attempt"), count),
    **dict.fromkeys(("cancelling", "paused", "automatic"), flag),
    "request": mapping,
    **dict.fromkeys(("also", "left"), listed(text)),
    "titles": lambda value: mapping(value) and all(map(text, value.values())),
    "state": one_of(*get_args(State)),
}
NEEDED = ("id", "verb", "request", "out")


@dataclass(frozen=True)
class JobRecord:
    """One job, as it stood when it was looked at.

    Times are seconds since 1970 in UTC; 0 where something has not happened yet.

    Attributes
    ----------
    id : str
        A hash of the question; the same question is the same job.
    request : Mapping
        JSON-like.
    out : str
        The run folder that it becomes.
    title : str
        What people call it.
    state : str
        ``"interrupted"`` means that the server stopped while the job was queued or running.
    done, total : int
        Units of the present stage; `total` is 0 while nothing is known.
    message : str
        What the stage does.
    stage_at : float
        When this attempt's present stage began.
    stage_done : int
        How much of it was already done then: more than 0 where work was resumed.
    updated : float
        When progress was last heard of.
    waited : float
        For how many seconds this attempt has waited for a GPU.
    error : str
        What went wrong and what to do; for surprises the number of an incident, whose traceback
        is only in the job's log. A finished batch has one too where some inputs failed, and a
        cancelled job where its users had used up what they may take.
    run_id : str
        That of the finished run.
    pid : int
        The process that does the work.
    attempt : int
        Counts the starts.
    owner : str
        The server that answers for it while it is active.
    cancelling : bool
        Whether somebody asked to stop.
    paused : bool
        Whether whoever asked means to go on later. How it stops is the same.
    automatic : bool
        Whether a page started it and nobody asked for it: such jobs have a queue of their own.
    user : str
        Who asked for it; empty where nobody says who they are, and for what the server does
        for all.
    also : tuple of str
        Other users who asked for it while it waited or worked.
    left : tuple of str
        Those of all these who have cancelled it for themselves.
    titles : Mapping of str to str
        What the job is called for those users who asked after the first.
    """

    id: str
    verb: str
    request: Mapping[str, Any]
    out: str
    title: str = ""
    state: State = "queued"
    created: float = field(default_factory=time.time)
    started: float = 0.0
    ended: float = 0.0
    done: int = 0
    total: int = 0
    message: str = ""
    stage_at: float = 0.0
    stage_done: int = 0
    updated: float = 0.0
    waited: float = 0.0
    error: str = ""
    run_id: str = ""
    pid: int = 0
    attempt: int = 0
    owner: str = ""
    cancelling: bool = False
    paused: bool = False
    automatic: bool = False
    user: str = ""
    also: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it is queued or running."""
        return self.state in ACTIVE_STATES

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.out)

    @property
    def finished(self) -> bool:
        """Whether it finished and its run folder is still there, complete."""
        return self.state == "finished" and read_run(self.folder) is not None

    @property
    def partly_failed(self) -> bool:
        """Whether it is a batch that finished without some of its inputs."""
        return self.state == "finished" and self.error != ""

    @property
    def wanted_by(self) -> tuple[str, ...]:
        """The users who still want it, the first one first."""
        return tuple(name for name in (self.user, *self.also) if name not in self.left)

    @property
    def payer(self) -> str:
        """The user whose time it takes."""
        return next(iter(self.wanted_by), self.user)

    @property
    def share(self) -> float:
        """How much of the present stage is done, 0 … 1; 0 while nothing is known."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def elapsed(self, now: float | None = None) -> float:
        """Return how long this attempt has worked, in seconds; waiting for a GPU is no work."""
        if not self.started:
            return 0.0
        end = self.ended or (time.time() if now is None else now)
        return max(0.0, end - self.started - self.waited)

    def to_plain(self) -> dict[str, Any]:
        """Return the record as a JSON-like dictionary."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> JobRecord:
        """Make a record from a dictionary, passing over what it doesn't know.

        Raises
        ------
        TypeError
            If something essential is missing.
        """
        known = {entry.name for entry in dataclasses.fields(cls)}
        fields = {name: value for name, value in plain.items() if name in known}
        return cls(**{**fields, **{name: tuple(fields.get(name, ())) for name in ("also", "left")}})


def rate_and_eta(record: JobRecord, now: float | None = None) -> tuple[float, float] | None:
    """Return how fast the present stage goes and how long it will still take.

    Only what this attempt did itself counts: what a resumed job found done is not speed.

    Parameters
    ----------
    now : float, optional
        Seconds since 1970, for the time left to shrink between two reports.

    Returns
    -------
    tuple of float or None
        Units per second and seconds left. None as long as they aren't known, and where nothing was
        heard for longer than the rest should have taken: then it goes slower than it went.
    """
    own = record.done - record.stage_done
    spent = record.updated - record.stage_at
    if record.state != "running" or own <= 0 or spent < _LEAST_SECONDS:
        return None
    rate = own / spent
    silent = 0.0 if now is None else max(0.0, now - record.updated)
    left = (record.total - record.done) / rate - silent
    return (rate, left) if left > 0 else None
