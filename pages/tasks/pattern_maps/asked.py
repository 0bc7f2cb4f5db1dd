"""The detectors of the session: what the page asks, in one value that the address carries, too."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from latentcore.analysis.patterns.detectors import (
    OPERATIONS,
    REDUCTIONS,
    Detector,
    Disk,
    Rectangle,
    read_detectors,
)
from latentcore.errors import InputError
from pages.panels.detector_board.component import Shown
from pages.scan import state

NAMES = "ABCDEF"

_SESSION = "pattern_maps.detectors"
_URL = "detectors"
_SHOWN = "shown"
_LONGEST = 2_000


@dataclass(frozen=True)
class Asked:
    """The detectors, and what the map shows of them.

    Attributes
    ----------
    about : str
        Changes when the patterns do: detectors were meant for those before.
    detectors : Mapping of str to Detector
        At least one.
    reduction : str
        ``"sum"`` or ``"mean"``.
    revision : int
        What the browser did last.
    """

    about: str
    detectors: Mapping[str, Detector]
    active: str
    shown: Shown = field(default_factory=Shown)
    reduction: str = "sum"
    revision: int = 0


def begin(about: str, shape: tuple[int, int]) -> Asked:
    """Return what is asked of these patterns; at first what the address says, or a detector."""
    known: Asked | None = st.session_state.get(_SESSION)
    if known is None or known.about != about:
        linked = known is None and state.is_as_linked()
        known = (_from_url(about, shape) if linked else None) or _first(about, shape)
        st.session_state[_SESSION] = known
    return known


def current() -> Asked:
    """Return what is asked now."""
    found = st.session_state[_SESSION]
    assert isinstance(found, Asked)
    return found


def update(**changes: Any) -> None:
    """Change parts of it."""
    asked = dataclasses.replace(current(), **changes)
    shown = asked.shown
    if shown.operation and not {shown.first, shown.second} <= asked.detectors.keys():
        asked = dataclasses.replace(asked, shown=Shown())
    st.session_state[_SESSION] = asked


def put(name: str, detector: Detector) -> None:
    """Add a detector, or give one another shape; it is the chosen one then."""
    update(detectors={**current().detectors, name: detector}, active=name)


def remove(name: str) -> None:
    """Remove a detector, unless it is the last one."""
    rest = {other: one for other, one in current().detectors.items() if other != name}
    if rest:
        update(detectors=rest, active=next(reversed(rest)))


def new_shape(kind: str, shape: tuple[int, int], number: int) -> Detector:
    """Return a detector that is seen well, each at another place."""
    height, width = shape
    high, wide = max(1, height // 4), max(1, width // 4)
    x0 = min((1 + 2 * number) * wide % width, width - wide)
    y0 = min((1 + number // 2) * high, height - high)
    if kind == "disk":
        return Disk(x0 + wide / 2, y0 + high / 2, max(1.0, min(high, wide) / 2))
    return Rectangle(x0, x0 + wide, y0, y0 + high)


def specs(asked: Asked) -> tuple[str, ...]:
    """Return the detectors as the command line writes them."""
    return tuple(f"{name}={one.spec}" for name, one in asked.detectors.items())


def combined(shown: Shown) -> str:
    """Return what the map shows as the command line writes it; empty for a single detector."""
    return f"{shown.first}{shown.operation}{shown.second}" if shown.operation else ""


def write_url() -> None:
    """Make the address bar carry the detectors."""
    asked = current()
    texts = {
        _URL: " ".join([*specs(asked), *([asked.reduction] if asked.reduction != "sum" else [])]),
        _SHOWN: combined(asked.shown),
    }
    for key, text in texts.items():
        # Each assignment is a message to the browser and an entry in its history.
        if not text and key in st.query_params:
            del st.query_params[key]
        elif text and st.query_params.get(key) != text:
            st.query_params[key] = text


def _first(about: str, shape: tuple[int, int]) -> Asked:
    return Asked(about, {NAMES[0]: new_shape("rectangle", shape, 0)}, NAMES[0])


def _from_url(about: str, shape: tuple[int, int]) -> Asked | None:
    words = st.query_params.get(_URL, "")[:_LONGEST].split()
    reduction = words.pop() if words and words[-1] in REDUCTIONS else "sum"
    try:
        found = read_detectors(tuple(words))
        for detector in found.values():
            detector.spans(shape)
    except InputError:
        return None
    if not found or not set(found) <= set(NAMES):
        return None
    text = st.query_params.get(_SHOWN, "")
    shown = Shown()
    if len(text) == 3 and text[1] in OPERATIONS and {text[0], text[2]} <= found.keys():
        shown = Shown(text[1], text[0], text[2])
    return Asked(about, found, next(iter(found)), shown, reduction)
