"""Latents that another page asked for: waited for, then put in view and compared."""

from __future__ import annotations

import streamlit as st

from latentcore.artifacts import read_run
from latentcore.errors import InputError
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors
from pages.jobs.awaited import Awaited, awaited, wait_no_more
from pages.jobs.latents_names import lasting_name
from pages.jobs.panel import job_panel, runner, watch
from pages.results.run_files import latents_in
from pages.scan import state


def waiting(page: str) -> bool:
    """Show what is waited for; once all has ended, put it in view and let `page` watch its job."""
    asked = awaited()
    if asked is None:
        return False
    records = [runner().get(job) for job in asked.jobs]
    if any(record is not None and record.active for record in records):
        _show(asked, [record for record in records if record is not None])
        return True
    found = [place for record in records for place in _latents(record)]
    lost = len(asked.jobs) - len(found)
    if len(found) < 2:
        st.warning(
            "Latents of two encoders are needed, but they could not be extracted. See why:",
            icon=":material/compare:",
        )
        _show(asked, [record for record in records if record is not None])
        return True
    wait_no_more()
    if lost:
        st.toast(f"{lost} of {len(asked.jobs)} encoders gave no latents: see the Runs page.")
    try:
        state.choose(samples=asked.samples, latents=found[0])
        _submit(page, asked, found)
    except InputError as error:
        errors.show(error)
    else:
        st.rerun()
    return True


def _latents(record: JobRecord | None) -> list[str]:
    if record is None or not record.finished:
        return []
    return latents_in(read_run(record.folder) or {}, record.folder)[:1]


def _show(asked: Awaited, records: list[JobRecord]) -> None:
    st.caption(f"Latents of {len(asked.jobs)} encoders are extracted; then they are compared.")
    for record in records:
        if not record.finished:
            job_panel(record.id)
    st.button(
        "Don't wait", icon=":material/close:", on_click=wait_no_more, key="compare.wait_no_more",
        help="The extractions go on; what they give can be chosen here later.",
    )  # fmt: skip


def _submit(page: str, asked: Awaited, found: list[str]) -> None:
    request = VERBS.get("compare").request(
        latents=tuple(places.location(place) for place in found), labels=asked.labels
    )
    title = f"{lasting_name(found[0])} against PCA and others"
    # The form shows what was compared.
    st.session_state[f"compare.others.{found[0]}"] = found[1:]
    watch(runner().submit("compare", request, title=title).id, page)
