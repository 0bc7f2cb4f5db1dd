"""The way to another page, asked for by a button's callback and taken by the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["follow", "go_to"]

_TARGET = "go_to_page"
_HERE = "page_in_view"


def go_to(title: str) -> None:
    """Ask for a page; for callbacks.

    A callback comes before the page is drawn again. In the midst of a page a click can be lost:
    where the run is broken off before it gets there, because a job has ended for example.

    Parameters
    ----------
    title : str
        Of the page.
    """
    st.session_state[_TARGET] = title


def follow(pages: Sequence[Any], page: Any) -> None:
    """Go where somebody asked to go, before anything is drawn; for the frame.

    Parameters
    ----------
    pages : sequence of st.Page
        All there are.
    page : st.Page
        The one about to run.
    """
    target = st.session_state.get(_TARGET, page.title)
    if page.title != st.session_state.get(_HERE) or page.title != target:
        st.session_state[_HERE] = page.title
        _end_fragments()
    if page.title != target:
        # The wish stays until the page is reached: this run, too, can be broken off.
        st.switch_page(next(one for one in pages if one.title == target))
    st.session_state.pop(_TARGET, None)


def _end_fragments() -> None:
    """Let go of the fragments of the page that was left.

    Its browser asks for those that run every second until it hears of the new page. Streamlit
    would answer in the name of the page that was left, whereupon the browser clears the new one;
    what asks for a fragment that there is no more is passed over.
    """
    context = get_script_run_ctx()
    if context is not None:
        context.fragment_storage.clear()
