"""The server's jobs in the sidebar of every page: how far each is, and what it left.

The list asks for itself only, never for the page, and asks no more once no job is active: with
every two runs, also of a fragment, Streamlit forgets a file that a download button has just made.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from latentcore.artifacts import read_run
from latentcore.jobs import JobRecord
from pages.frame import navigation
from pages.frame.errors import markdown_safe
from pages.jobs.panel import cancel, progress_text, runner, state_look, waiting_text
from pages.results import run_files

_LOOK_EVERY_S = 2.0
# How long after its end a job is still listed when a page is drawn.
_LINGERS_S = 40.0
_MOST = 4
_OF_ALL = 20


def show_jobs(place: DeltaGenerator) -> bool:
    """List the jobs in a container of the sidebar; return whether there are any."""
    jobs = _listed()
    with place:
        if any(job.active for job in jobs):
            _live()
        elif jobs:
            _list(jobs)
    return bool(jobs)


@st.fragment(run_every=_LOOK_EVERY_S)
def _live() -> None:
    jobs = _listed()
    if not any(job.active for job in jobs):
        navigation.ask_no_more()
    if jobs:
        _list(jobs)


def _list(jobs: list[JobRecord]) -> None:
    with st.container(key="sidebar_jobs", gap="small"):
        for record in jobs[:_MOST]:
            _line(record)
        if len(jobs) > _MOST:
            st.caption(f"{len(jobs) - _MOST} more are on the Runs page.")


def _listed() -> list[JobRecord]:
    """Return the jobs in progress, the oldest first, and those that have ended just now.

    Nobody waits for the end of what a page has started by itself.
    """
    since = time.time() - _LINGERS_S
    jobs = runner().list(_OF_ALL)
    active = [job for job in reversed(jobs) if job.active]
    told = ("finished", "failed")
    return active + [
        job for job in jobs if job.state in told and job.ended > since and not job.automatic
    ]


def _line(record: JobRecord) -> None:
    with st.container(key=f"sidebar_job_{record.id}", gap=None):
        if record.active:
            _active(record)
        else:
            _ended(record)


def _active(record: JobRecord) -> None:
    waits = record.state == "queued"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[{markdown_safe(record.title)}]", width="stretch")
        st.button(
            "",
            key=f"sidebar_cancel_{record.id}",
            icon=":material/close:",
            type="tertiary",
            disabled=record.cancelling,
            on_click=cancel,
            args=(record.id,),
            help="Cancel. What is done so far is kept for a resume.",
        )
    text = "Stops at the next step." if record.cancelling else progress_text(record)
    st.progress(record.share, text=markdown_safe(waiting_text(record) if waits else text))


def _ended(record: JobRecord) -> None:
    _, icon, color = state_look(record)
    st.markdown(f":small[:{color}[{icon}] {markdown_safe(record.title)}]")
    run = read_run(record.folder) if record.finished else None
    found = run_files.latents_in(run, record.folder) if run else []
    key = f"sidebar_open_{record.id}"
    if run and len(found) == 1:
        st.button(
            "Open in Explore", key=key, type="tertiary", icon=":material/hub:",
            on_click=_open, args=(found[0], run),
        )  # fmt: skip
    else:
        label = "See what went wrong" if record.state == "failed" else "See what it found"
        navigation.link("runs", label, query_params={"run": record.id})


def _open(place: str, run: Mapping[str, Any]) -> None:
    run_files.show_in_explore(place, run)
    st.rerun()  # the page as well, where this is a button of the list that asks for itself
