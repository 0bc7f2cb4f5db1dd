"""What the Rank page asks, in one value that the session holds and the URL carries.

The ROI is not part of it: it is the Explore page's, so that both look at the same points.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

_SESSION = "rank"
_ROI = "roi"
_LONGEST = 4_000
_SYNTHESES = ("", "sum", "rgb")


@dataclass(frozen=True)
class RankQuestion:
    """The state of the Rank page.

    Attributes
    ----------
    synthesis : str
        ``"sum"``, ``"rgb"``, or empty for one map as it is.
    columns : tuple of str
        Names of the maps that make the reference; empty until the page has chosen.
    weights : tuple of float
        Of the columns of a sum; empty where all weigh the same.
    trend_degree : int
        Of the polynomial that the partial correlation removes.
    metrics : tuple of str
        Empty for all.
    sure : tuple of str
        The metrics that get intervals and p-values.
    by : str
        The metric that sorts the table.
    pick : int or None
        The dimension that is shown large; None for the strongest.
    all_points : bool
        Whether all points are scored, where usually a sample is.
    """

    synthesis: str = ""
    columns: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    trend_degree: int = 1
    metrics: tuple[str, ...] = ()
    sure: tuple[str, ...] = ("pearson",)
    by: str = "pearson"
    pick: int | None = None
    all_points: bool = False


def begin() -> None:
    """Read the question from the URL at the start of a session."""
    if _SESSION not in st.session_state:
        st.session_state[_SESSION] = from_text(st.query_params.get(_SESSION, ""))


def question() -> RankQuestion:
    """Return the question of this session."""
    found = st.session_state[_SESSION]
    assert isinstance(found, RankQuestion)
    return found


def update(**fields: Any) -> None:
    """Change parts of the question."""
    st.session_state[_SESSION] = dataclasses.replace(question(), **fields)


def write_url(roi: tuple[float, ...] | None) -> None:
    """Make the address bar carry the question, and the ROI as the Explore page writes it."""
    _set(_SESSION, to_text(question()))
    _set(_ROI, "" if roi is None else json.dumps(roi, separators=(",", ":")))


def to_text(asked: RankQuestion) -> str:
    """Return the fields that differ from their defaults as JSON; empty where none does."""
    default = RankQuestion()
    plain = {
        field.name: getattr(asked, field.name)
        for field in dataclasses.fields(asked)
        if getattr(asked, field.name) != getattr(default, field.name)
    }
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False) if plain else ""


def from_text(text: str) -> RankQuestion:
    """Read what `to_text` wrote; what can't be read is as if it weren't there."""
    try:
        plain = json.loads(text) if 0 < len(text) <= _LONGEST else {}
        return RankQuestion(**{name: _READ[name](value) for name, value in plain.items()})
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return RankQuestion()


def _set(key: str, value: str) -> None:
    # Each assignment is a message to the browser and an entry in its history.
    if not value and key in st.query_params:
        del st.query_params[key]
    elif value and st.query_params.get(key) != value:
        st.query_params[key] = value


def _synthesis(value: object) -> str:
    if value not in _SYNTHESES:
        raise ValueError(value)
    return str(value)


def _degree(value: Any) -> int:
    if value not in (1, 2, 3):
        raise ValueError(value)
    return int(value)


_READ: Mapping[str, Callable[[Any], Any]] = {
    "synthesis": _synthesis,
    "columns": lambda value: tuple(map(str, value)),
    "weights": lambda value: tuple(map(float, value)),
    "trend_degree": _degree,
    "metrics": lambda value: tuple(map(str, value)),
    "sure": lambda value: tuple(map(str, value)),
    "by": str,
    "pick": int,
    "all_points": bool,
}
