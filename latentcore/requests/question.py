"""When two requests ask the same question: the one place that decides.

The id of a run and of a job, what counts as done already, what an interrupted run goes on from
and what is left of a batch: all of them compare what these functions return. Which fields of a
request take part, each says of itself (`Option.changes_answer`, `Option.changes_work`).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from latentcore.artifacts import from_json, to_json
from latentcore.containers import InputRecord
from latentcore.errors import UnknownNameError
from latentcore.requests.map_specs import file_of, split_map_spec
from latentcore.requests.verbs import VERBS, Option, as_plain, option_of
from latentcore.storage import content_fingerprint, is_remote, remote_of

_CONTENT = "content of inputs"


def question_of(verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a plain request that change its answer.

    A field that the verb doesn't know, as a record of another version may hold, counts as one
    that does.
    """
    options = _options(verb)
    found = {
        name: value
        for name, value in request.items()
        if name not in options or options[name].changes_answer
    }
    for name in found:
        if name in options and options[name].wrapped and isinstance(found[name], str):
            found[name] = _unwrapped_question(str(request.get("verb")), found[name])
    return found


def changes(
    verb: str,
    request: object,
    inputs: Sequence[InputRecord],
    record: Mapping[str, Any],
    *,
    ignored_roles: tuple[str, ...] = (),
) -> list[str]:
    """Return the names of what a finished run was asked otherwise; empty: it did the same work.

    Parameters
    ----------
    inputs : sequence of InputRecord
        What the request reads; their content counts, not where they lie.
    record : Mapping
        The finished run's ``run.json``. What it lacks had its default.
    ignored_roles : tuple of str
        Inputs whose content doesn't matter.
    """
    kind = VERBS.get(verb).request
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(kind)
        if field.default is not dataclasses.MISSING
    }
    before = {**defaults, **record.get("request", {})}
    contents = [(one.role, one.fingerprint) for one in inputs if one.role not in ignored_roles]
    earlier = [
        (one["role"], one["fingerprint"])
        for one in record.get("inputs", ())
        if one["role"] not in ignored_roles
    ]
    now = _read_back(_work_of(verb, as_plain(request)), contents)
    before = _read_back(_work_of(verb, before), earlier)
    return sorted(key for key in {*now, *before} if now.get(key) != before.get(key))


def work_digest(
    verb: str, request: object, inputs: Sequence[InputRecord], **circumstances: str
) -> str:
    """Return text that distinguishes work in progress: it is resumed only where it is the same.

    Parameters
    ----------
    **circumstances
        What else the work depends on, such as the device that computes.
    """
    contents = [(one.role, one.fingerprint) for one in inputs]
    asked = _read_back(_work_of(verb, as_plain(request)), contents)
    return _digest({**asked, **circumstances}, 16)


def job_id(verb: str, request: object, out: Path | None) -> str:
    """Return the id of a question about files as they are now.

    A file counts as the same while its size and its time of modification stay: reading many
    gigabytes to find out that a job exists already would take longer than some jobs.
    """
    asked = question_of(verb, as_plain(request))
    paths = {file_of(text) for text in _texts(asked) if Path(text).is_absolute()}
    states = {_file_state(path) for path in paths}
    return _digest({"verb": verb, "request": asked, "files": sorted(states - {""}), "out": out}, 6)


def version_of_inputs(verb: str, request: Mapping[str, Any]) -> str:
    """Return text that changes when the question does, or a file or object that it names.

    Sizes and times of local files and ETags of objects are looked at, not their content: a batch
    of terabytes must find out in seconds what is left to do.

    Raises
    ------
    StorageError
        If an object isn't there.
    """
    asked = question_of(verb, request)
    states = [_state(file_of(text)) for text in _texts(asked)]
    return _digest({"verb": verb, "request": asked, "states": states}, 12)


def content_of_inputs(verb: str, request: Mapping[str, Any]) -> str:
    """Return text that changes when the question does, or the content of what it names.

    Other than `version_of_inputs`, it is the same wherever local files lie and whenever they were
    copied there; their whole content is read for it. A folder is known by its time alone.

    Raises
    ------
    StorageError
        If an object isn't there.
    """
    asked = question_of(verb, request)
    return _digest({"verb": verb, "request": _with_content(asked)}, 12)


def _options(verb: str) -> dict[str, Option]:
    return {field.name: option_of(field) for field in dataclasses.fields(VERBS.get(verb).request)}


def _unwrapped_question(verb: str, text: str) -> str:
    """Return the options of a batch's verb without those that don't change the answer."""
    try:
        options = from_json(text)
        asked = question_of(verb, options) if isinstance(options, dict) else options
    except (ValueError, UnknownNameError):  # the batch itself refuses them
        return text
    return text if asked == options else to_json(asked).strip()


def _work_of(verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
    options = _options(verb)
    return {
        name: value
        for name, value in question_of(verb, request).items()
        if name not in options or options[name].changes_work
    }


def _read_back(asked: Mapping[str, Any], contents: list[tuple[str, str]]) -> dict[str, Any]:
    """Return what is asked as it reads from a file: lists for tuples, whole numbers as written."""
    plain: dict[str, Any] = from_json(to_json({**asked, _CONTENT: contents}))
    return plain


def _digest(value: object, size: int) -> str:
    return hashlib.blake2b(to_json(value).encode(), digest_size=size).hexdigest()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, Sequence):
        for entry in value:
            yield from _texts(entry)


def _state(location: str) -> str:
    if location.startswith("s3://") and not location.endswith("/"):
        from latentcore.storage.objects import version_of

        version = version_of(remote_of(location))
        return f"{location}|{version.etag}|{version.size}"
    return _file_state(location)


def _file_state(path: str) -> str:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{path}|{found.st_size}|{found.st_mtime_ns}"


def _with_content(value: Any) -> Any:
    """Put what a file holds, and its name, in place of its path."""
    if isinstance(value, Mapping):
        return {name: _with_content(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_with_content(entry) for entry in value]
    if not isinstance(value, str):
        return value
    location, columns = split_map_spec(value)
    path = Path(file_of(value))
    try:
        if not is_remote(location) and path.is_file():
            return [Path(location).name, content_fingerprint(path), columns]
    except (OSError, ValueError):  # no path at all, or one that may not be read
        pass
    return [value, _state(file_of(value))]
