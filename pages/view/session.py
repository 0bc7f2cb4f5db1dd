"""Keeps the Explore page's question: the session holds it, the URL carries it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from latentcore.analysis.panel_ids import ROW_PANEL
from latentcore.analysis.selection import row_shapes
from latentcore.errors import RequestError
from pages.frame import navigation
from pages.scan import loading, state
from pages.scan.state import ScanState
from pages.view.question import NO_SELECTION, Question
from pages.view.question_link import QUERY_KEYS, from_query, to_query

_QUESTION = "explore"
_ABOUT = "explore_about"
_GENERATION = "explore_generation"


def begin(about: str) -> str | None:
    """Read the question at the start of a session, and drop what was asked of other latents.

    `about` changes when the latents in view do. Returns what could not be read from the URL, for
    the person to see.
    """
    problem = None
    if _QUESTION not in st.session_state:
        asked = st.query_params.to_dict() if state.is_as_linked() else {}
        try:
            st.session_state[_QUESTION] = from_query(asked)
        except RequestError as error:
            st.session_state[_QUESTION] = Question()
            problem = str(error)
        st.session_state[_ABOUT] = about
    if st.session_state[_ABOUT] != about:
        st.session_state[_QUESTION] = question().changed(
            dim=None,
            limits=None,
            sample="",
            landmarks=None,
            roi=None,
            filters={},
            by_order=False,
            selections=NO_SELECTION,
            only=(),
            pinned=None,
        )
        st.session_state[_ABOUT] = about
    return problem


def question() -> Question:
    """Return the question of this session."""
    found = st.session_state[_QUESTION]
    assert isinstance(found, Question)
    return found


def update(**fields: Any) -> None:
    """Change parts of the question."""
    st.session_state[_QUESTION] = question().changed(**fields)


def replace_question(new: Question, about: str) -> None:
    """Take another question, as from a session report, about the latents that `about` names."""
    st.session_state[_QUESTION] = new
    st.session_state[_ABOUT] = about
    st.session_state[_GENERATION] = generation() + 1


def generation() -> int:
    """Return how often the whole question was replaced: forms then begin anew."""
    return int(st.session_state.get(_GENERATION, 0))


def replace_parts(completed: Question) -> None:
    """Take the question back after its open parts were filled in."""
    st.session_state[_QUESTION] = completed


def write_url() -> None:
    """Make the address bar carry the question."""
    wanted = to_query(question())
    for key in QUERY_KEYS:
        # Each assignment is a message to the browser and an entry in its history.
        if key not in wanted and key in st.query_params:
            del st.query_params[key]
        elif key in wanted and st.query_params.get(key) != wanted[key]:
            st.query_params[key] = wanted[key]


def highlight(scan: ScanState, rows: Sequence[int], *, pinned: int | None = None) -> None:
    """Select rows of the latents in slot A, pin one, and go to the Explore page."""
    assert scan.latents is not None
    begin(loading.version(scan.latents))
    before = question()
    update(
        selections={**before.selections, "A": row_shapes(ROW_PANEL, rows)},
        active="A",
        pinned=pinned,
        roi=None,  # else those outside would not be shown
        only=(),
    )
    navigation.switch_to("explore")
