"""The command that repeats a request."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Any

from latentcore.artifacts import from_json
from latentcore.requests.verbs import option_of, words_of
from latentcore.workflows import request_from
from latentcore.workflows.batch.inputs import request_for
from latentcore.workflows.batch.verb import BatchRequest


def command_line(verb: str, request: object, out: str | None = None) -> str:
    """Return the shell command that runs a request.

    Parameters
    ----------
    out : str, optional
        The run folder.

    Returns
    -------
    str
        Quoted for a POSIX shell.
    """
    front, options = _arguments(request)
    if isinstance(request, BatchRequest):
        options += _wrapped_options(request)
    if out is not None:
        options += ["--out", out]
    return shlex.join(["python", "-m", "latentcore", verb, *front, *options])


def _arguments(request: object) -> tuple[list[str], list[str]]:
    """Return what stands without a flag, and the options that differ from their defaults."""
    front: list[str] = []
    options: list[str] = []
    for field in dataclasses.fields(request):  # type: ignore[arg-type]
        value = getattr(request, field.name)
        if option_of(field).positional:
            front += [] if value is None else _texts(value)
        elif value is not None and value != field.default and not option_of(field).wrapped:
            options += _option(field, value)
    return front, options


def _wrapped_options(request: BatchRequest) -> list[str]:
    """Return the options of the verb that a batch runs."""
    plain = request_for(request.verb, from_json(request.options), "")
    return _arguments(request_from(request.verb, plain))[1]


def _option(field: dataclasses.Field[Any], value: Any) -> list[str]:
    flag = "--" + words_of(field.name).replace(" ", "-")
    if isinstance(field.default, bool):
        return [flag]
    words = option_of(field).nargs
    if option_of(field).repeat and isinstance(words, int):
        texts = _texts(value)
        groups = [texts[at : at + words] for at in range(0, len(texts), words)]
        return [text for group in groups for text in [flag, *group]]
    if option_of(field).repeat and words is None:
        entries = [value] if isinstance(value, str) else value  # one, as older runs have it
        return [text for entry in entries for text in [flag, *_texts(entry)]]
    return [flag, *_texts(value)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [str(value)]
    return [str(entry) for entry in value]
