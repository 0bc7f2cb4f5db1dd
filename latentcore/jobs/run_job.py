"""Run one job, in whatever thread or process, and report how it ended."""

from __future__ import annotations

import json
import secrets
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from latentcore.artifacts import from_json, is_no_room, to_json, write_atomic
from latentcore.artifacts.records import read_record
from latentcore.errors import Cancelled, InputError, MalformedFileError
from latentcore.jobs.folder import JobFolder, ProgressWriter
from latentcore.jobs.records import SHAPE, JobRecord, State
from latentcore.progress import Progress
from latentcore.workflows import execute, request_from
from latentcore.workflows.batch.verb import failures_in

_OUTCOME = {name: SHAPE[name] for name in ("state", "error")}


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes
    ----------
    error : str
        Of a finished batch: how many of its inputs failed.
    """

    state: State
    error: str = ""


def run_job(
    folder: JobFolder,
    record: JobRecord,
    services: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Run a job and catch whatever happens: a job never ends its executor.

    Parameters
    ----------
    services : Mapping, optional
        What the server lends; a verb gets those that it has a parameter for.
    progress : Progress, optional
        To cancel from within the same process.
    """
    writer = ProgressWriter(folder)
    inner = progress or Progress()

    def report(done: int, total: int, message: str) -> None:
        if inner.cancelled:
            text = "The job was cancelled."
            raise Cancelled(text)
        writer.step(done, total, message)

    folder.add_to_log(f"{record.verb}: attempt {record.attempt}")
    try:
        request = request_from(record.verb, record.request)
        lent = services or {}
        summary = execute(record.verb, request, record.folder, Progress(report), **lent)
    except Cancelled:
        outcome = Outcome("cancelled")
    except Exception as error:  # noqa: BLE001 - whatever a verb raises must reach the page
        outcome = Outcome("failed", _explain(error, folder))
    else:
        outcome = _outcome_of(record.verb, summary)
    writer.flush()
    folder.add_to_log(f"{outcome.state} {outcome.error}")
    return outcome


def new_incident(folder: JobFolder, text: str) -> str:
    """Write something unexpected to the log and return the number to find it by."""
    incident = secrets.token_hex(4)
    folder.add_to_log(f"incident {incident}\n{text}")
    return incident


def write_outcome(folder: JobFolder, outcome: Outcome) -> None:
    """Leave the outcome where the server finds it, should this process end before it answers."""
    plain = {"state": outcome.state, "error": outcome.error}
    with suppress(OSError):
        write_atomic(folder.path / "outcome.json", to_json(plain).encode())


def outcome_line(outcome: Outcome) -> str:
    """Return the outcome as one line, for a worker's answer: it needs no room on a disk."""
    return json.dumps(asdict(outcome))


def outcome_in(line: str) -> Outcome | None:
    """Return what a worker's answer says; None where it says nothing."""
    return Outcome(**from_json(line)) if line else None


def read_outcome(folder: JobFolder) -> Outcome | None:
    """Take the outcome that a worker left, if it did."""
    path = folder.path / "outcome.json"
    try:
        plain = read_record(path, _OUTCOME, ("state", "error"))
        path.unlink()
    except (OSError, MalformedFileError):
        return None
    return Outcome(plain["state"], plain["error"])


def _outcome_of(verb: str, summary: Mapping[str, Any]) -> Outcome:
    failed, n = failures_in(verb, summary)
    if not failed:
        return Outcome("finished")
    which = "All inputs failed" if failed == n else f"{failed:,} of {n:,} inputs failed"
    error = f"{which}. The table of the batch says why; what is done is not done again."
    return Outcome("failed" if failed == n else "finished", error)


def _explain(error: Exception, folder: JobFolder) -> str:
    if isinstance(error, InputError):
        return str(error)
    if is_no_room(error):
        # No incident: its details would have no room either.
        return "The server's disk is full. Delete runs that nobody needs, then resume."
    incident = new_incident(folder, "".join(traceback.format_exception(error)))
    if isinstance(error, MemoryError):
        cause = "Memory ran out. Choose fewer points or a smaller batch size, or close other work."
    else:
        cause = "Something unexpected went wrong; the input may be fine. Try again, or report it."
    return f"{cause} The details are in the server's log as incident {incident}."
