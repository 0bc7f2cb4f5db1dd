"""An app with nothing but the list of jobs in its sidebar, for `test_sidebar_jobs`."""

from __future__ import annotations

import streamlit as st

from pages.results.sidebar_jobs import show_jobs

st.session_state["runs"] = st.session_state.get("runs", 0) + 1
show_jobs(st.sidebar.container())
st.text(f"run {st.session_state['runs']}")
