"""JSON with every digit, that any reader understands."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def to_json(value: object, *, indent: int | None = 2) -> str:
    """Write a value as JSON text, on a single line where `indent` is None.

    Floats keep all digits. NaN and infinity, which JSON lacks, become null. NumPy scalars and
    arrays, paths, tuples, mappings and dataclasses are understood; keys become text.
    """
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Any:
    """Read JSON text.

    Raises
    ------
    ValueError
        If it is none, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        message = "The text is nested too deeply."
        raise ValueError(message) from error


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case np.generic():
            return _plain(value.item())
        case np.ndarray():
            return [_plain(entry) for entry in value.tolist()]
        case Path():
            return str(value)
        case Mapping():
            return {str(key): _plain(entry) for key, entry in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(entry) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    message = f"A {type(value).__name__} can't be written as JSON."
    raise TypeError(message)
