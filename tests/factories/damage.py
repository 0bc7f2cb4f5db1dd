"""Every way in which a record of a workspace may be damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["CONTENTS", "KINDS", "damage"]

_LARGE = 40_000_000

# What may stand in any JSON file that ought to hold a record.
CONTENTS: Mapping[str, bytes] = {
    "truncated": b'{"verb": "extract", "inputs": [{"role": "sam',
    "empty": b"",
    "blank": b" \n\n",
    "binary": bytes(range(256)),
    "wide": '{"verb": "extract"}'.encode("utf-16"),
    "list": b"[]",
    "text": b'"extract"',
    "nothing": b"null",
    "foreign": b'{"a": 1}',
    "nan": b'{"verb": "extract", "seed": NaN}',
    "overflow": b'{"verb": "extract", "seed": 1e999}',
    "digits": b'{"verb": "extract", "seed": ' + b"7" * 20_000 + b"}",
    "surrogate": b'{"verb": "extract", "created": "\\ud800"}',
    "zero": b'{"verb": "extract", "created": "a\\u0000b"}',
    "deep": b'{"verb": "extract", "request": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested": b'{"verb": "extract", "request": {"a": ' + b"[" * 300 + b"]" * 300 + b"}}",
}
KINDS = (*CONTENTS, "large", "folder", "pipe", "loop")


def damage(path: Path, kind: str, record: Mapping[str, Any] | None = None) -> None:
    """Put something damaged where a record belongs.

    Parameters
    ----------
    path : Path
        Of the record; its folder is made.
    kind : str
        One of `KINDS`, or any name for the content `record`.
    record : Mapping, optional
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if record is not None:
        path.write_text(json.dumps(record))
    elif kind in CONTENTS:
        path.write_bytes(CONTENTS[kind])
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(_LARGE)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
