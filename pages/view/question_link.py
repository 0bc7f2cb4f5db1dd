"""A question in the address of a page."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

from latentcore.errors import RequestError
from pages.view.question import Question
from pages.view.question_fields import READ

# Browsers and proxies cut URLs at about 8 KB; a selection longer than this stays out of the link
# (the session report holds it whole).
_LONGEST_SELECTION = 6_000
# What a hostile link may unpack to.
_MOST_UNPACKED = 2_000_000
_TEXTS = frozenset(
    {
        "reference", "color", "cmap", "missing", "embedding", "metric", "space", "method",
        "scaling", "sample", "learn_from", "active",
    }
)  # fmt: skip
# Fields of many numbers, and what they are called in the URL, where they are compressed.
_PACKED: Mapping[str, str] = {"selections": "sel", "only": "only"}
# The names in the URL: those of the fields, and those of what is compressed.
QUERY_KEYS = (*_PACKED.values(), *(name for name in READ if name not in _PACKED))


def to_query(question: Question) -> dict[str, str]:
    """Return the query parameters of a question, none where it is the default."""
    plain = question.as_plain()
    packed = {name: plain.pop(name) for name in _PACKED if name in plain}
    query = {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in plain.items()
    }
    for name, value in packed.items():
        text = _pack(json.dumps(value, separators=(",", ":")))
        if len(text) <= _LONGEST_SELECTION:
            query[_PACKED[name]] = text
    return query


def _pack(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def from_query(query: Mapping[str, str]) -> Question:
    """Read a question from query parameters; those of other pages are left alone.

    Raises `RequestError` if one of them can't be read.
    """
    plain: dict[str, Any] = {}
    for name in READ:
        if name in query and name not in _PACKED:
            text = query[name]
            plain[name] = text if name in _TEXTS else _json(name, text)
    for name, key in _PACKED.items():
        if key in query:
            plain[name] = _json(key, _unpack(query[key]))
    return Question.from_plain(plain)


def _unpack(text: str) -> str:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(packed, _MOST_UNPACKED)
        if unpacker.unconsumed_tail:
            message = "The link's selection unpacks to more than any selection can be."
            raise RequestError(message)
        return content.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        message = "The link's selection is damaged. Ask for the link again."
        raise RequestError(message) from error


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        message = f"The link's {name!r} is {text[:40]!r}, which can't be read."
        raise RequestError(message) from error
