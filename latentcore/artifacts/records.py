"""Records in a workspace, read as what they are: files that may have been cut off or replaced.

Whoever reads one gets values of the expected types, or one message that says what is wrong. What a
kind of record must hold is a `Shape`: for each field the check that its value passes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from latentcore.errors import MalformedFileError, OtherVersionError
from latentcore.format_versions import WAY_OUT, other_version

Check = Callable[[Any], bool]
Shape = Mapping[str, Check]

_LARGEST = 16 << 20
_DEEPEST = 40
# What a double holds exactly, and a browser's numbers with it.
_MOST_COUNTED = 1 << 53


def text(value: Any) -> bool:
    """Whether a value is text."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """Whether a value is true or false."""
    return isinstance(value, bool)


def count(value: Any) -> bool:
    """Whether a value counts something."""
    return isinstance(value, int) and not flag(value) and 0 <= value < _MOST_COUNTED


def number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not flag(value) and abs(value) < math.inf


def mapping(value: Any) -> bool:
    """Whether a value maps names to whatever."""
    return isinstance(value, Mapping)


def optional(check: Check) -> Check:
    """Return a check that null passes as well."""
    return lambda value: value is None or check(value)


def one_of(*values: str) -> Check:
    """Return a check for one of some texts."""
    return lambda value: isinstance(value, str) and value in values


def listed(check: Check) -> Check:
    """Return a check for a list whose entries all pass another."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def shaped(shape: Shape, needed: tuple[str, ...] = ()) -> Check:
    """Return a check for a record of some shape; fields that aren't needed may be missing."""
    return lambda value: not _problem(value, shape, needed)


def read_record(
    path: Path,
    shape: Shape,
    needed: tuple[str, ...] = (),
    *,
    largest: int = _LARGEST,
    version: str = "",
) -> dict[str, Any]:
    """Read a record.

    Parameters
    ----------
    path : Path
        Of a JSON file.
    shape : Shape
        Fields that it doesn't name are left as they are.
    needed : tuple of str
        Fields that may not be missing.
    largest : int
        In bytes; more is not read.
    version : str
        The ``encoding-version`` that is known, where records of this kind have one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OtherVersionError
        If it is of another version.
    MalformedFileError
        If it can't be read, is no JSON, or of another shape.
    """
    try:
        record = _parsed(path, largest)
        problem = unsound(record)
        if version and not problem and mapping(record):
            _check_version(record, version, path)
        problem = problem or _problem(record, shape, needed)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(str(path)) from error
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
    except _DamagedError as error:
        problem = str(error)
    if problem:
        message = (
            f"The record {_shown(path)!r} is damaged: it {problem}.\n"
            "Nothing else is affected. Put the file back from a copy, or delete the folder that "
            "it lies in and ask again."
        )
        raise MalformedFileError(message)
    found: dict[str, Any] = record
    return found


def _check_version(record: Mapping[str, Any], known: str, path: Path) -> None:
    if other := other_version(record, known):
        message = f"The record {_shown(path)!r} {other}.\n{WAY_OUT}"
        raise OtherVersionError(message)


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])


class _DamagedError(Exception):
    pass


def _parsed(path: Path, largest: int) -> Any:
    state = path.stat()
    if not path.is_file():  # reading a pipe would wait for ever
        message = "is a folder" if path.is_dir() else "is no file"
        raise _DamagedError(message)
    if state.st_size > largest:
        message = f"has {state.st_size / 1e6:,.0f} MB, more than any record"
        raise _DamagedError(message)
    content = path.read_bytes()
    if not content.strip():
        message = "is empty"
        raise _DamagedError(message)
    try:
        return json.loads(content.decode())
    except UnicodeDecodeError as error:
        message = "holds bytes that are no text"
        raise _DamagedError(message) from error
    except json.JSONDecodeError as error:
        message = f"is no JSON, or cut off ({error.msg} in line {error.lineno})"
        raise _DamagedError(message) from error
    except RecursionError as error:
        message = "is nested too deeply"
        raise _DamagedError(message) from error
    except ValueError as error:  # a number of thousands of digits
        message = "holds a number that is none"
        raise _DamagedError(message) from error


def unsound(record: Any) -> str:
    """Describe what no program could show or pass on: endless nesting, broken text, NaN."""
    waiting = [(record, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEPEST:
            return "is nested too deeply"
        if isinstance(value, float) and not math.isfinite(value):
            return "holds a number that is none"
        if isinstance(value, str) and not _is_plain(value):
            return "holds characters that are none"
        if isinstance(value, dict):
            waiting += [(name, depth) for name in value]
            waiting += [(entry, depth + 1) for entry in value.values()]
        elif isinstance(value, list):
            waiting += [(entry, depth + 1) for entry in value]
    return ""


def _is_plain(value: str) -> bool:
    if value.isascii():
        return "\0" not in value
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _problem(record: Any, shape: Shape, needed: tuple[str, ...]) -> str:
    if not isinstance(record, dict):
        return "holds something else"
    lacking = [name for name in needed if name not in record]
    if lacking:
        return f"lacks {', '.join(lacking)}"
    wrong = [name for name, check in shape.items() if name in record and not check(record[name])]
    return f"has something else for {', '.join(wrong)}" if wrong else ""
