"""Jobs in progress and past runs: how each was made, what it left, and how to make it again."""

from __future__ import annotations

import streamlit as st

from pages.frame import navigation
from pages.jobs.panel import job_panel
from pages.results import run_list
from pages.results.run_details import details

MOST_PANELS = 6

st.title("Runs")
listed = run_list.entries()
active = [entry for entry in listed if entry.job is not None and entry.job.active]

if not listed:
    st.info(
        "Nothing has been run yet. Extract latents from the scan in view, or export something on "
        "the Explore page: each becomes a run here, with everything needed to repeat it.",
        icon=":material/history:",
    )
    navigation.link("extract", "Extract latents")
    st.stop()

if active:
    st.header("In progress", divider="grey")
    # The oldest first: it is the one that works, the others wait for it.
    for entry in reversed(active[-MOST_PANELS:]):
        job_panel(entry.key)
    if len(active) > MOST_PANELS:
        st.caption(f"{len(active) - MOST_PANELS} more wait.")

past = [entry for entry in listed if entry not in active]
if past:
    st.header("Past runs", divider="grey")
    chosen = run_list.table(past)
    st.caption(run_list.disk_text(past))
    if chosen is None:
        st.caption("Choose a line to see its files, provenance and command.")
    else:
        details(past[chosen])
