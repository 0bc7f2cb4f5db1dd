"""A request's identity, and the command that repeats it."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from latentcore.artifacts import from_json, to_json
from latentcore.requests.verbs import option_of
from latentcore.workflows import as_plain, request_from
from latentcore.workflows.batch.inputs import request_for
from latentcore.workflows.batch.verb import BatchRequest

__all__ = ["command_line", "question_id"]

# How to go about it, not what is asked: the answer is the same either way.
_MANNER = ("clobber", "resume")


def question_id(verb: str, request: object, out: Path | None) -> str:
    """Return the id of a question.

    The same verb with the same request about the same files has the same id. A file counts as
    the same while its size and its time of modification stay: reading many gigabytes to be told
    that a job exists already would take longer than some jobs.
    """
    plain = {name: value for name, value in as_plain(request).items() if name not in _MANNER}
    files = sorted({_file_state(path) for path in _files_in(plain)})
    text = to_json({"verb": verb, "request": plain, "files": files, "out": out})
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def command_line(verb: str, request: object, out: str | None = None) -> str:
    """Return the shell command that carries out a request.

    Parameters
    ----------
    out : str, optional
        The run folder.

    Returns
    -------
    str
        Quoted for a POSIX shell.
    """
    front, options = _request_words(request)
    if isinstance(request, BatchRequest):
        options += _wrapped_words(request)
    if out is not None:
        options += ["--out", out]
    return shlex.join(["python", "-m", "latentcore", verb, *front, *options])


def _request_words(request: object) -> tuple[list[str], list[str]]:
    """Return what stands without a flag, and the options that differ from their defaults."""
    front: list[str] = []
    options: list[str] = []
    for field in dataclasses.fields(request):  # type: ignore[arg-type]
        value = getattr(request, field.name)
        if option_of(field).positional:
            front += [] if value is None else _words(value)
        elif value is not None and value != field.default and not option_of(field).wrapped:
            options += _option_words(field, value)
    return front, options


def _wrapped_words(request: BatchRequest) -> list[str]:
    """Return the options of the verb that a batch carries out."""
    plain = request_for(request.verb, from_json(request.options), "")
    return _request_words(request_from(request.verb, plain))[1]


def _option_words(field: dataclasses.Field[Any], value: Any) -> list[str]:
    flag = "--" + field.name.replace("_", "-")
    if isinstance(field.default, bool):
        return [flag]
    if option_of(field).repeat and option_of(field).nargs is None:
        return [word for entry in value for word in [flag, *_words(entry)]]
    return [flag, *_words(value)]


def _words(value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [str(value)]
    return [str(entry) for entry in value]


def _files_in(value: Any) -> Iterator[Path]:
    if isinstance(value, str):
        # "FILE:COLUMN" names a file too.
        for text in {value, value.rpartition(":")[0]} - {""}:
            path = Path(text)
            if len(text) < 4096 and path.is_absolute() and path.exists():
                yield path
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _files_in(entry)
    elif isinstance(value, Sequence):
        for entry in value:
            yield from _files_in(entry)


def _file_state(path: Path) -> str:
    state = path.stat()
    return f"{path}|{state.st_size}|{state.st_mtime_ns}"
