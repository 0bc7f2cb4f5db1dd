"""What the Domains page asks, in one value that the session holds and the URL carries.

ROI and selections are not part of it: they are the Explore page's, so that both look at the same
points.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.scan import state

_SESSION = "domains"
_ABOUT = "domains_about"
_LONGEST = 4_000
_MOST_PANELS = 5


@dataclass(frozen=True)
class Asked:
    """The state of the Domains page.

    Attributes
    ----------
    settings : Mapping of str to object
        Fields of the verb's request that differ from their defaults.
    threshold : float or None
        None is the automatic one.
    phase : str
        Name of the map whose borders no domain crosses; empty for none.
    truth : str
        Name of the label map that the domains are held against; empty for none.
    shown : tuple of str or None
        What the maps beside the domains show; None until somebody chose.
    lines : bool
        Whether maps show the borders.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    threshold: float | None = None
    phase: str = ""
    truth: str = ""
    shown: tuple[str, ...] | None = None
    lines: bool = True


def begin(about: str) -> None:
    """Read the question from the URL at the start of a session.

    `about` changes when the latents in view do; a threshold was meant for those before.
    """
    if _SESSION not in st.session_state:
        text = st.query_params.get(_SESSION, "") if state.is_as_linked() else ""
        st.session_state[_SESSION] = from_text(text)
        st.session_state[_ABOUT] = about
    if st.session_state[_ABOUT] != about:
        st.session_state[_ABOUT] = about
        update(threshold=None, phase="", truth="", shown=None)


def asked() -> Asked:
    """Return the question of this session."""
    found = st.session_state[_SESSION]
    assert isinstance(found, Asked)
    return found


def update(**fields: Any) -> None:
    """Change parts of the question."""
    st.session_state[_SESSION] = dataclasses.replace(asked(), **fields)


def write_url() -> None:
    """Make the address bar carry the question."""
    text = to_text(asked())
    # Each assignment is a message to the browser and an entry in its history.
    if not text and _SESSION in st.query_params:
        del st.query_params[_SESSION]
    elif text and st.query_params.get(_SESSION) != text:
        st.query_params[_SESSION] = text


def to_text(question: Asked) -> str:
    """Return the fields that differ from their defaults as JSON; empty where none does."""
    default = Asked()
    plain = {
        one.name: getattr(question, one.name)
        for one in dataclasses.fields(question)
        if getattr(question, one.name) != getattr(default, one.name)
    }
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False) if plain else ""


def from_text(text: str) -> Asked:
    """Read what `to_text` wrote; what can't be read is as if it weren't there."""
    try:
        plain = json.loads(text) if 0 < len(text) <= _LONGEST else {}
        return Asked(**{name: _READ[name](value) for name, value in plain.items()})
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return Asked()


def _positive(value: Any) -> float:
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(value)
    return number


_READ: Mapping[str, Callable[[Any], Any]] = {
    "settings": dict,
    "threshold": _positive,
    "phase": str,
    "truth": str,
    "shown": lambda value: tuple(map(str, value))[:_MOST_PANELS],
    "lines": bool,
}
