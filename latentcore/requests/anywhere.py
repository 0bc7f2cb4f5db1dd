"""A request that holds in any folder, for a process that works in another one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentcore.requests.map_specs import file_of
from latentcore.requests.verbs import VERBS, Option, option_of
from latentcore.storage import is_remote, split_options


def anywhere(verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plain request with the whole path of each file that it names.

    What is no file here (``pca:16``, an object on S3) stays, but for what the verb works on.
    """
    fields = dataclasses.fields(VERBS.get(verb).request)
    options = {field.name: option_of(field) for field in fields}
    return {
        name: _whole(value, options[name]) if name in options else value
        for name, value in request.items()
    }


def _whole(value: Any, option: Option) -> Any:
    if isinstance(value, list | tuple):
        return [_whole(entry, option) for entry in value]
    if not option.names_file or not isinstance(value, str) or not value or is_remote(value):
        return value
    # Where no column may follow, "pca:16" is no folder called "pca".
    path = file_of(value) if option.may_name_column else split_options(value)[0]
    try:
        there = Path(path).exists()
    except (OSError, ValueError):  # no path at all
        return value
    whole = str(Path(path).absolute()) + value.removeprefix(path)
    return whole if there or option.positional else value
