"""A request as text and back, so that it travels to threads, processes and other machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latentcore.artifacts import from_json, to_json
from latentcore.errors import RequestError
from latentcore.requests.verbs import VERBS, as_plain


def request_from(verb: str, plain: Mapping[str, Any]) -> Any:
    """Return a request from what was stored of it.

    Raises
    ------
    RequestError
        If it is of another version and doesn't fit.
    """
    kind = VERBS.get(verb).request
    try:
        return kind(**{name: _frozen(value) for name, value in plain.items()})
    except (TypeError, ValueError, AttributeError) as error:
        message = (
            f"The stored request doesn't fit the verb {verb!r} of this version ({error}). "
            "Ask for it anew."
        )
        raise RequestError(message) from error


def request_of(plain: Mapping[str, Any] | object) -> dict[str, Any]:
    """Return a request as it comes back from a file: JSON-like, with lists for tuples."""
    known = plain if isinstance(plain, Mapping) else as_plain(plain)
    stored: dict[str, Any] = from_json(to_json(known))
    return stored


def _frozen(value: Any) -> Any:
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value
