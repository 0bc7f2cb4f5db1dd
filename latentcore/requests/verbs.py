"""What a verb is: a request, a function, and one line of help.

The request is a frozen dataclass. Its fields become the command line's options, the page's
widgets and the lines of ``run.json``; nobody keeps a second list of them.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from latentcore.artifacts import RunFolder
from latentcore.progress import Progress
from latentcore.registry import Registry
from latentcore.requests.remote_inputs import at_hand

__all__ = ["VERBS", "Option", "Place", "Verb", "execute", "option", "option_of", "verb"]

Summary = dict[str, Any]
Place = Literal["thread", "process", "embedding", "background"]


@dataclass(frozen=True)
class Option:
    """How a request's field appears on the command line.

    Attributes
    ----------
    help : str
        One sentence.
    positional : bool
        Whether it stands without a flag.
    nargs : int, ``"+"`` or None
        How many words it takes.
    repeat : bool
        Whether the flag may be given several times; the values are collected.
    choices : callable or sequence or None
        The allowed values; a callable is asked when the parser is built.
    metavar : str or tuple of str or None
        What the value is called in the help text.
    convert : callable or sequence of callables
        Makes the value (or, with a sequence, each of `nargs` values) from its text.
    wrapped : bool
        Whether the command line holds it in another form: the options of a batch's verb.
    fetched : bool
        Whether objects on S3 that it names are fetched before the verb begins.
    """

    help: str
    positional: bool = False
    nargs: int | Literal["+"] | None = None
    repeat: bool = False
    choices: Callable[[], Sequence[str]] | Sequence[str] | None = None
    metavar: str | tuple[str, ...] | None = None
    convert: Callable[[str], object] | Sequence[Callable[[str], object]] = str
    wrapped: bool = False
    fetched: bool = True


def option(default: object = dataclasses.MISSING, **details: Any) -> Any:
    """Declare a request's field; `details` are the fields of `Option`."""
    metadata = {"option": Option(**details)}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def option_of(field: dataclasses.Field[Any]) -> Option:
    """Return the `Option` of a request's field."""
    found = field.metadata["option"]
    assert isinstance(found, Option)
    return found


@dataclass(frozen=True)
class Verb:
    """One task of the program.

    Attributes
    ----------
    summary : str
        One sentence, for ``--help`` and the pages.
    request : type
        A frozen dataclass whose fields were declared with `option`.
    run : callable
        ``run(request, folder, progress, **services) → summary``; a verb that writes nothing
        gets None as its folder. The summary is JSON-like.
    writes : bool
        Whether it leaves a run folder.
    place : str
        Where the server runs it: ``"thread"`` shares the loaded model, ``"process"`` keeps a
        numba- or Python-heavy verb from stalling the server, ``"embedding"`` and
        ``"background"`` are processes for work of minutes and of hours, so that nobody else waits
        behind it.
    """

    name: str
    summary: str
    request: type
    run: Callable[..., Summary]
    writes: bool = True
    place: Place = "process"


VERBS: Registry[Verb] = Registry("verb", "latentcore.workflows")


def verb(
    name: str,
    summary: str,
    request: type,
    *,
    writes: bool = True,
    place: Place = "process",
) -> Callable[[Callable[..., Summary]], Callable[..., Summary]]:
    """Return a decorator that registers a function as a verb."""

    def file_under_name(run: Callable[..., Summary]) -> Callable[..., Summary]:
        VERBS.register(name)(Verb(name, summary, request, run, writes, place))
        return run

    return file_under_name


def execute(
    name: str,
    request: object,
    out: Path | None = None,
    progress: Progress | None = None,
    **services: object,
) -> Summary:
    """Carry out a verb.

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
    with at_hand(request, progress):
        if not chosen.writes:
            return chosen.run(request, None, progress, **lent)
        if out is None:
            message = f"The verb {name!r} writes files: give the folder for them (--out)."
            raise ValueError(message)
        with RunFolder(out, verb=name, request=as_plain(request)) as folder:
            summary = chosen.run(request, folder, progress, **lent)
            record = folder.commit(summary)
    return {**summary, "out": str(out), "files": sorted(record["files"])}


def as_plain(request: object) -> Mapping[str, object]:
    """Return a request as a JSON-like dictionary."""
    return dataclasses.asdict(request)  # type: ignore[call-overload,no-any-return]


def _understood(chosen: Verb, services: Mapping[str, object]) -> dict[str, object]:
    """Return those services that a verb has a parameter for."""
    parameters = inspect.signature(chosen.run).parameters.values()
    if any(entry.kind is inspect.Parameter.VAR_KEYWORD for entry in parameters):
        return dict(services)
    names = {entry.name for entry in parameters}
    return {name: service for name, service in services.items() if name in names}
