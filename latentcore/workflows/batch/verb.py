"""``batch``: one verb over many inputs, each on its own, until all are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latentcore.artifacts import RunFolder, from_json
from latentcore.encoders import Encoder
from latentcore.errors import InputError, RequestError
from latentcore.progress import Progress
from latentcore.requests.question import version_of_inputs
from latentcore.requests.stored import request_from
from latentcore.requests.verbs import option, verb
from latentcore.storage import remote_of
from latentcore.workflows.batch.executors import EXECUTORS
from latentcore.workflows.batch.inputs import expanded, names_of, request_for
from latentcore.workflows.batch.ledger import LEDGER, Ledger, read_ledger
from latentcore.workflows.batch.tables import combined_tables, states_table, summaries_table
from latentcore.workflows.batch.tasks import Row, Task, is_stored, stored_at, stored_row


@dataclass(frozen=True)
class BatchRequest:
    """Which verb, on what, where."""

    verb: str = option(help="the verb to run on each input", positional=True, metavar="VERB")
    location: tuple[str, ...] = option(
        help="inputs; s3://bucket/prefix/ means all objects below it, a pattern those that fit",
        positional=True,
        nargs="+",
        kind="file",
        metavar="LOCATION",
        fetched=False,
    )
    options: str = option(
        "{}",
        help="the verb's own options as JSON; on the command line they are given as its options",
        kind="state",
        wrapped=True,
        fetched=False,
    )
    upload: str | None = option(
        None,
        help="put each run folder's files here once they are written; "
        "what lies here already counts as done",
        metavar="s3://BUCKET/PREFIX",
        fetched=False,
    )
    clean_up: bool = option(
        False,
        help="remove the local copy of each object when its results are safe, and with --upload "
        "the local results too",
    )
    executor: str = option(
        "local",
        help="where the work is done",
        choices=EXECUTORS.names,
        metavar="NAME",
        changes_answer=False,
    )
    scheduler: str | None = option(
        None,
        help="address of a running Dask scheduler, for --executor dask",
        metavar="ADDRESS",
        changes_answer=False,
    )
    workers: int | None = option(
        None,
        help="how many inputs are worked on at once",
        metavar="N",
        convert=int,
        changes_answer=False,
    )
    clobber: bool = option(False, help="do again what is done already", changes_answer=False)
    resume: bool = option(
        False,
        help="with --clobber: keep what it had done before it was interrupted",
        changes_answer=False,
    )

    @property
    def afresh(self) -> bool:
        """Whether what is done already is done again."""
        return self.clobber and not self.resume


@verb(
    "batch",
    "Run a verb on many inputs; what fails is a row, what is done is not done again.",
    BatchRequest,
    pool="background",
)
def batch(
    request: BatchRequest,
    folder: RunFolder,
    progress: Progress,
    *,
    open_model: Callable[..., Encoder] | None = None,
) -> dict[str, Any]:
    """Run a verb on each of many inputs.

    Stopped or killed, the same call continues: an input is finished when its run folder is
    complete and neither it nor the request has changed since. With an upload it is finished when
    its results lie there, whichever machine computed them.

    Parameters
    ----------
    folder : RunFolder
        Gets a run folder per input, ``batch.csv`` (``location, state, seconds, error, folder,
        uploaded, ended``), ``batch.json`` (the same with every summary), ``summaries.csv``, and
        ``combined_<table>.csv`` for small tables that the runs share.
    open_model : callable, optional
        Who lends one may use checkpoints that are programs; each worker opens them itself.

    Returns
    -------
    dict
        ``n, finished, failed`` (inputs), ``done_before`` (of the finished ones), ``seconds`` and
        ``notes``: those that several inputs share, and why inputs failed.
    """
    executor = EXECUTORS.get(request.executor)(scheduler=request.scheduler, workers=request.workers)
    if request.upload is not None:
        remote_of(request.upload)  # refused before hours of work, not after
    progress.step(0, 0, "looking what there is to do")
    plan = _plan(request, folder.out, progress, trusted=open_model is not None)
    for task in plan.tasks:
        if not task.computed:
            # From here on a complete run folder is this task's answer, and no older one.
            (Path(task.out) / "run.json").unlink(missing_ok=True)
    ledger = Ledger(folder.out, plan.rows)
    if plan.tasks:
        folder.reopen()
        executor.run(plan.tasks, ledger.put, progress)
    return _report(request, folder, ledger, done_before=plan.finished)


def failures_in(verb: str, summary: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many inputs failed, and of how many, according to a verb's summary.

    Verbs other than ``batch`` raise when their input fails, so for them it is none of one.
    """
    return (summary["failed"], summary["n"]) if verb == "batch" else (0, 1)


@dataclass(frozen=True)
class _Plan:
    """How the inputs stand at the start, and what is to be done."""

    rows: tuple[Row, ...]
    tasks: tuple[Task, ...]

    @property
    def finished(self) -> int:
        """How many inputs need nothing more."""
        return sum(row.state == "finished" for row in self.rows)


def _plan(request: BatchRequest, out: Path, progress: Progress, *, trusted: bool) -> _Plan:
    options = _options(request)
    before = {row.location: row for row in read_ledger(out)}
    locations = expanded(request.location)
    names = names_of(locations, {location: row.name for location, row in before.items()})
    rows: list[Row] = []
    tasks: list[Task] = []
    for location in locations:
        row = before.get(location, Row(location, names[location]))
        try:
            task = replace(_task(request, options, row, out), trusted=trusted)
        except InputError as error:  # a missing object is one row's trouble
            rows.append(Row(location, row.name, state="failed", error=str(error)))
            continue
        finished = None if request.afresh else _finished(request, row, task, progress)
        rows.append(finished or Row(location, task.name, task.version))
        if finished is None:
            tasks.append(task)
    return _Plan(tuple(rows), tuple(tasks))


def _options(request: BatchRequest) -> dict[str, Any]:
    """Return the verb's options, checked to fit it."""
    try:
        options = from_json(request.options)
        assert isinstance(options, dict)
    except (ValueError, AssertionError) as error:
        message = f"The options {request.options!r} are no JSON object. Give the verb's fields."
        raise RequestError(message) from error
    request_from(request.verb, request_for(request.verb, options, "any"))
    return options


def _task(request: BatchRequest, options: dict[str, Any], row: Row, out: Path) -> Task:
    asked = request_for(request.verb, options, row.location)
    version = version_of_inputs(request.verb, asked)
    complete = (out / row.name / "run.json").is_file()
    return Task(
        location=row.location,
        name=row.name,
        version=version,
        verb=request.verb,
        request={**asked, **_execution(request, asked)},
        out=str(out / row.name),
        upload=request.upload or "",
        clean_up=request.clean_up,
        computed=complete and row.version == version and not request.afresh,
    )


def _execution(request: BatchRequest, asked: dict[str, Any]) -> dict[str, bool]:
    """Let a verb replace the answer to an older version, and go on where it was interrupted."""
    fields = getattr(request_from(request.verb, asked), "__dataclass_fields__", {})
    wanted = {"clobber": True, "resume": not request.afresh}
    return {name: value for name, value in wanted.items() if name in fields}


def _finished(request: BatchRequest, row: Row, task: Task, progress: Progress) -> Row | None:
    """Return the row of an input whose results are where they should be, else None."""
    known = row.state == "finished" and row.version == task.version
    if not task.upload:
        return row if known and task.computed else None
    if request.clobber and not known:
        return None  # what lies there may be what is to be replaced
    if not is_stored(task, progress):
        return None
    at_goal = known and row.uploaded == str(stored_at(task))
    return row if at_goal else stored_row(task, progress)


def _report(
    request: BatchRequest, folder: RunFolder, ledger: Ledger, *, done_before: int
) -> dict[str, Any]:
    rows = ledger.rows
    folder.write_csv("batch.csv", states_table(rows))
    folder.write_csv("summaries.csv", summaries_table(rows))
    folder.path(LEDGER).write_bytes((folder.out / LEDGER).read_bytes())
    for name, table in combined_tables(folder.out, rows).items():
        folder.write_csv(f"combined_{Path(name).name}", table)
    states = Counter(row.state for row in rows)
    failed = [row for row in rows if row.state == "failed"]
    return {
        "verb": request.verb,
        "n": len(rows),
        "finished": states["finished"],
        "failed": states["failed"],
        "done_before": done_before,
        "seconds": round(sum(row.seconds for row in rows), 3),
        "notes": [
            *_common_notes(rows),
            *(f"{row.location} failed: {row.error.splitlines()[0]}" for row in failed),
        ],
    }


def _common_notes(rows: Sequence[Row]) -> list[str]:
    """Return the notes of more than one input: they are about the batch, and stand there once."""
    counts = Counter(note for row in rows for note in row.summary.get("notes", ()))
    return [note for note, count in counts.items() if count > 1]
