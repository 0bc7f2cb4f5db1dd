"""Run a verb: fetch what its request names, compute, and leave a run folder."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentcore.analysis.parameters import check_seed
from latentcore.artifacts import RunFolder
from latentcore.progress import Progress
from latentcore.requests.question import question_of
from latentcore.requests.remote_inputs import fetched
from latentcore.requests.verbs import VERBS, Summary, Verb, as_plain


def execute(
    name: str,
    request: object,
    out: Path | None = None,
    progress: Progress | None = None,
    **services: object,
) -> Summary:
    """Run a verb.

    Parameters
    ----------
    request : dataclass
        An instance of the verb's request type.
    out : Path, optional
        Becomes the run folder; needed by verbs that write. It is filled at the end, all at
        once: a run that fails leaves nothing there.
    **services
        What the caller lends to a verb instead of its default, for example ``open_model``, which
        answers with an encoder that is already loaded; a verb gets those that it knows.

    Returns
    -------
    dict
        The verb's summary; for a verb that writes, with ``out`` and ``files`` added.

    Raises
    ------
    InputError
        If the request or its inputs can't be used.
    Cancelled
        If the progress was cancelled.
    """
    chosen = VERBS.get(name)
    progress = progress or Progress()
    lent = _understood(chosen, services)
    check_seed(getattr(request, "seed", 0))
    with fetched(request, progress):
        if not chosen.writes:
            return chosen.run(request, None, progress, **lent)
        if out is None:
            message = f"The verb {name!r} writes files: give the folder for them as out."
            raise ValueError(message)
        plain = as_plain(request)
        question = question_of(name, plain)
        with RunFolder(out, verb=name, request=plain, question=question) as folder:
            summary = chosen.run(request, folder, progress, **lent)
            record = folder.commit(summary)
    return answered({**record, "summary": summary}, out)


def answered(record: Mapping[str, Any], out: Path) -> Summary:
    """Return what `execute` says of a run folder, from its ``run.json``."""
    return {**record["summary"], "out": str(out), "files": sorted(record["files"])}


def _understood(chosen: Verb, services: Mapping[str, object]) -> dict[str, object]:
    """Return those services that a verb has a parameter for."""
    parameters = inspect.signature(chosen.run).parameters.values()
    if any(entry.kind is inspect.Parameter.VAR_KEYWORD for entry in parameters):
        return dict(services)
    names = {entry.name for entry in parameters}
    return {name: service for name, service in services.items() if name in names}
