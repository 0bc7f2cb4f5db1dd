"""One strip on a page that says what is seen and what to try, until somebody has closed it."""

from __future__ import annotations

import streamlit as st

from pages.scan import memory


def strip(page: str, text: str) -> None:
    """Show a page's strip; `text` is ours, as Markdown, and one or two sentences."""
    if memory.is_dismissed(page):
        return
    with st.container(
        key=f"visit_strip_{page}", horizontal=True, vertical_alignment="center", gap="small"
    ):
        st.markdown(f":material/lightbulb: {text}", width="stretch")
        st.button(
            "Got it",
            key=f"first_visit_close_{page}",
            type="tertiary",
            icon=":material/close:",
            on_click=memory.dismiss,
            args=(page,),
        )
