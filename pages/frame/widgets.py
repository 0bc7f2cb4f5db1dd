"""Widgets that follow a value of the program and leave alone what is being typed or dragged."""

from __future__ import annotations

import streamlit as st

from pages.frame import navigation


def follow(key: str, value: object, *identity: object) -> None:
    """Let the widget of this key show a value, unless it shows it already.

    A value that is set makes the browser drop what its user has done since: a run that began
    before the third press of an arrow key would take that press back. ``identity`` is what makes
    Streamlit see another widget under the same key, a slider's ends: such a one begins anew, and
    so does one that two pages share.
    Only for widgets that are always mounted: one in a popover gets its value when that is opened,
    and only where the last run has set it.
    """
    seen, identity = f"{key}|identity", (navigation.here(), *identity)
    if st.session_state.get(key) != value or st.session_state.get(seen) != identity:
        st.session_state[key], st.session_state[seen] = value, identity
