"""The jobs of all users: how each stands, and a way to stop it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from latentcore.encoders.gpu_lease import WAITING
from latentcore.jobs import JobRecord
from pages.access import identity
from pages.frame.errors import markdown_safe
from pages.frame.tables import show_table
from pages.frame.units import duration_text
from pages.jobs.panel import cancel, state_badge
from pages.jobs.server import server_runner
from pages.operation.people import called

_LOOK_EVERY_S = 3.0
_MOST = 500
_MOST_ACTIVE = 20
_MOST_ENDED = 200
_WIDTHS = (2.2, 1.4, 1.5, 3, 1.6, 0.7)


@st.fragment(run_every=_LOOK_EVERY_S)
def show() -> None:
    """Show the jobs, anew every few seconds."""
    records = server_runner().list(_MOST)
    active = {one.id: one for one in reversed(records) if one.active}
    if active:
        _show_active({job: len(server_runner().ahead(job)) for job in active}, active)
    else:
        st.caption("No job is running or waiting.")
    ended = [one for one in records if not one.active][:_MOST_ENDED]
    if ended:
        title = "1 job has ended" if len(ended) == 1 else f"{len(ended)} jobs have ended"
        with st.expander(title, icon=":material/history:"):
            show_table(_ended(ended), height=320)


def _show_active(ahead: Mapping[str, int], active: Mapping[str, JobRecord]) -> None:
    """Show the jobs in the order in which they are carried out."""
    turns = sorted(active, key=lambda job: (active[job].state != "running", ahead[job]))
    for job in turns[:_MOST_ACTIVE]:
        _line(active[job], ahead[job])
    if len(active) > _MOST_ACTIVE:
        st.caption(f"{len(active) - _MOST_ACTIVE:,} more wait.")


def _line(record: JobRecord, ahead: int) -> None:
    with st.container(key=f"operator_job_{record.id}"):
        cells = st.columns(_WIDTHS, vertical_alignment="center", gap="small")
        cells[0].markdown(markdown_safe(called(record)))
        cells[1].markdown(markdown_safe(record.verb))
        with cells[2]:
            state_badge(record)
        if record.state == "running":
            cells[3].progress(record.share, text=_progress(record))
        else:
            cells[3].caption(f"{ahead:,} before it" if ahead else "next")
        cells[4].caption(_times(record))
        cells[5].button(
            "",
            key=f"operator_cancel_{record.id}",
            icon=":material/stop_circle:",
            type="tertiary",
            disabled=record.cancelling,
            on_click=cancel,
            args=(record.id,),
            help="Cancel. What is done so far is kept for a resume.",
        )


def _progress(record: JobRecord) -> str:
    """Say how far a running job is; not by its own words, in which names of files may stand."""
    if record.message == WAITING:
        return WAITING
    return f"{100 * record.share:.0f} %" if record.total else "begins"


def _times(record: JobRecord) -> str:
    if record.state == "queued":
        return f"waits for {duration_text(max(0.0, time.time() - record.created))}"
    return f"works for {duration_text(record.elapsed())}"


def _ended(records: Sequence[JobRecord]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "Ended": pd.to_datetime([one.ended for one in records], unit="s", utc=True),
            "User": [called(one) for one in records],
            "Verb": [one.verb for one in records],
            "State": [one.state for one in records],
            "Waited": [_waited(one) for one in records],
            "Worked": [duration_text(one.elapsed()) if one.started else "" for one in records],
        }
    )
    return frame if identity.way_in() else frame.drop(columns="User")


def _waited(record: JobRecord) -> str:
    return duration_text(max(0.0, record.started - record.created)) if record.started else ""
