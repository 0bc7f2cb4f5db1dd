"""One input's share of a batch: a request as text, and how it is run anywhere."""

from __future__ import annotations

import functools
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from latentcore.artifacts import from_json, read_run, remove_entry, to_json, unfinished
from latentcore.encoders import EVERYWHERE, open_checkpoint
from latentcore.errors import Cancelled, InputError
from latentcore.progress import Progress
from latentcore.requests.execution import answered, execute
from latentcore.requests.question import content_of_inputs, version_of_inputs
from latentcore.requests.remote_inputs import remote_inputs
from latentcore.requests.stored import request_from
from latentcore.settings import settings
from latentcore.storage import S3Location, remote_of


@dataclass(frozen=True)
class Task:
    """What is to be done with one input; plain values, so that it travels as text.

    Attributes
    ----------
    location : str
        The input.
    name : str
        Of its run folder within the batch's.
    version : str
        Changes when an input or the request does.
    request : Mapping
        JSON-like.
    out : str
        Its run folder.
    upload : str
        Where on S3 the run folder's files go; empty if they stay.
    clean_up : bool
        Whether local copies go away once everything is safe.
    computed : bool
        Whether the run folder holds the answer already, and only storing is left.
    trusted : bool
        Whether a checkpoint may be a program, wherever it lies: who asked could run programs of
        his own anyway. The operator's folder of models is trusted in any case.
    """

    location: str
    name: str
    version: str
    verb: str
    request: Mapping[str, Any]
    out: str
    upload: str = ""
    clean_up: bool = False
    computed: bool = False
    trusted: bool = False

    def to_text(self) -> str:
        """Return it as JSON."""
        return to_json(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the task that `to_text` wrote."""
        return cls(**from_json(text))


@dataclass(frozen=True)
class Row:
    """How one input stands: a line of ``batch.csv``.

    Attributes
    ----------
    location, name, version : str
        As in `Task`.
    state : str
        ``queued``, ``running``, ``finished`` or ``failed``.
    seconds : float
        Of work on it: fetching, computing, storing.
    error : str
        Why it failed.
    uploaded : str
        Where on S3 its files are.
    summary : Mapping
        What the verb returned.
    ended : str
        When, in UTC.
    """

    location: str
    name: str
    version: str = ""
    state: str = "queued"
    seconds: float = 0.0
    error: str = ""
    uploaded: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    ended: str = ""


class Steps:
    """A task's three steps, which may run in threads of their own.

    Whatever goes wrong becomes part of `row`, and the steps after it do nothing; only `Cancelled`
    is raised.

    Attributes
    ----------
    row : Row
        How the task stands.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.row = Row(task.location, task.name, task.version, state="running")
        self._request: Any = None

    def fetch(self, progress: Progress) -> None:
        """Bring what lies on S3 into the cache."""
        self._note(lambda: self._fetch(progress))

    def compute(self, progress: Progress) -> None:
        """Run the verb."""
        self._note(lambda: self._compute(progress))

    def store(self, progress: Progress) -> None:
        """Upload the results, and tidy up."""
        self._note(lambda: self._store(progress))

    def _fetch(self, progress: Progress) -> None:
        self._request = request_from(self.task.verb, self.task.request)
        locations = remote_inputs(self._request)
        if self.task.computed or not locations:
            return
        from latentcore.storage.download import fetch

        for location in locations:
            fetch(location, progress)

    def _compute(self, progress: Progress) -> None:
        out = Path(self.task.out)
        if self.task.computed:
            remove_entry(unfinished(out))  # a kill may have come just before
            self.row = replace(self.row, summary=_answer_in(out, out))
            return
        open_model = functools.partial(open_checkpoint, trusted_roots=_trusted_roots(self.task))
        summary = execute(self.task.verb, self._request, out, progress, open_model=open_model)
        self.row = replace(self.row, summary=summary)

    def _store(self, progress: Progress) -> None:
        if self.task.upload:
            self._upload(progress)
        if self.task.clean_up:
            self._clean_up()
        self.row = replace(self.row, state="finished")

    def _upload(self, progress: Progress) -> None:
        from latentcore.storage.upload import upload

        out = Path(self.task.out)
        goal = stored_at(self.task)
        files = (read_run(out) or {}).get("files", {})
        # The record goes last: where it is, everything is (see `is_stored`).
        for name in sorted(files):
            upload(out / name, goal.child(name), progress)
        upload(out / "run.json", goal.child("run.json"), progress, note=_answered(self.task))
        self.row = replace(self.row, uploaded=str(goal))

    def _clean_up(self) -> None:
        if self.task.upload:
            shutil.rmtree(self.task.out, ignore_errors=True)
        locations = remote_inputs(self._request)
        if not locations:
            return
        from latentcore.storage.cache import forget

        for location in locations:
            forget(location)

    def _note(self, action: Callable[[], None]) -> None:
        """Add the action's time to the row, and take down its error instead of raising it."""
        if self.row.state == "failed":
            return
        start = time.perf_counter()
        try:
            action()
        except Cancelled:
            raise
        except InputError as error:
            self.row = replace(self.row, state="failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - one bad file is a row, never the end
            traceback.print_exc()
            message = f"Unexpected {type(error).__name__}: {error}. The traceback is in the log."
            self.row = replace(self.row, state="failed", error=message)
        took = time.perf_counter() - start
        self.row = replace(self.row, seconds=self.row.seconds + took)


def _answered(task: Task) -> str:
    """Return what an upload answers, empty where the inputs have changed under the work.

    The version is found in no time where the files are the same ones, the content also where they
    are copies.
    """
    content = content_of_inputs(task.verb, task.request)
    version = version_of_inputs(task.verb, task.request)
    return f"{version} {content}" if version == task.version else ""


def is_stored(task: Task, progress: Progress) -> bool:
    """Whether a task's answer lies where it is to be uploaded, whoever put it there."""
    from latentcore.storage.upload import uploaded

    # The record was uploaded last: where it is, everything is.
    found = uploaded(stored_at(task).child("run.json"), progress)
    version, _, content = ("" if found is None else found.note).partition(" ")
    if not version:
        return False
    return version == task.version or content == content_of_inputs(task.verb, task.request)


def stored_row(task: Task, progress: Progress) -> Row:
    """Return the row of a task whose answer lies at its place already."""
    from latentcore.storage.download import fetch

    goal = stored_at(task)
    copy = fetch(goal.child("run.json"), progress).parent
    return Row(
        task.location,
        task.name,
        task.version,
        state="finished",
        uploaded=str(goal),
        summary=_answer_in(copy, Path(task.out)),
    )


def _answer_in(folder: Path, out: Path) -> Mapping[str, Any]:
    record = read_run(folder) or {}
    return answered({"summary": {}, "files": {}} | record, out)


def stored_at(task: Task) -> S3Location:
    """Return where a task's run folder is uploaded to."""
    return remote_of(task.upload).child(task.name)


def _trusted_roots(task: Task) -> tuple[Path, ...]:
    """Return the folders whose programs may run: else only the operator's, on whatever machine."""
    if task.trusted:
        return EVERYWHERE
    models = settings().model_folder
    return () if models is None else (models,)


def run_task(text: str) -> str:
    """Run a task that came as text, all of it, and return its row as text."""
    steps = Steps(Task.from_text(text))
    progress = Progress()
    steps.fetch(progress)
    steps.compute(progress)
    steps.store(progress)
    return to_json(asdict(steps.row))
