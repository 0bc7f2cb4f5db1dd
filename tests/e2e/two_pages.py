"""An app of two pages with one slider in common, for `test_widgets`."""

from __future__ import annotations

import streamlit as st

from pages.frame import navigation
from pages.frame.widgets import follow


def _show() -> None:
    roi = st.session_state.get("roi", (0, 9))
    follow("ends", roi, 0, 9)
    st.slider("ROI", 0, 9, key="ends", on_change=_adopt)
    st.text(f"from {roi[0]}")


def _adopt() -> None:
    st.session_state["roi"] = st.session_state["ends"]


def first() -> None:
    """Show the slider."""
    _show()


def second() -> None:
    """Show it, too."""
    _show()


pages = [st.Page(first, default=True), st.Page(second)]
page = st.navigation(pages)
navigation.follow(pages, page)
page.run()
