"""Maps computed from patterns by a job, which join the scan in view when it has finished."""

from __future__ import annotations

from typing import Any

import streamlit as st

from latentcore.errors import LatentError
from latentcore.jobs import JobRecord
from latentcore.outputs.pattern_maps import TABLE
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors
from pages.jobs.panel import job_panel, runner
from pages.scan import state

VERB = "patternmaps"


def request_for(samples: str, **asked: Any) -> Any:
    """Return a request of the verb ``patternmaps`` about the samples at a place."""
    return VERBS.get(VERB).request(location=places.location(samples), **asked)


def offer_pattern_maps(
    request: Any, *, key: str, label: str, title: str, disabled: bool = False
) -> None:
    """Offer to compute maps, then show the job; its maps come into view by themselves, once.

    Parameters
    ----------
    request : PatternMapsRequest
    key : str
        Tells these widgets from others'.
    label : str
        Of the button.
    title : str
        Of the job.
    disabled : bool
        Whether there is nothing to compute yet.
    """
    record = None if disabled else runner().find(VERB, request)
    if record is not None and record.active:
        job_panel(record.id)
        return
    waiting = st.session_state.get(f"{key}.asked")
    if record is not None and record.finished:
        place = places.place_of(record.folder / TABLE)
        if place in state.current().maps:
            st.success("These maps are in view.", icon=":material/check:")
            return
        if waiting == record.id:
            _show(key, place)
            st.rerun()
        st.button(
            label, key=f"{key}.show", icon=":material/layers:", on_click=_show, args=(key, place)
        )
        return
    if record is not None and waiting == record.id and record.error:
        errors.show(LatentError(record.error))
    st.button(
        label, key=f"{key}.compute", icon=":material/play_arrow:", disabled=disabled,
        on_click=_compute, args=(key, request, title),
    )  # fmt: skip


def _compute(key: str, request: Any, title: str) -> None:
    record: JobRecord = runner().submit(VERB, request, title=title)
    st.session_state[f"{key}.asked"] = record.id


def _show(key: str, place: str) -> None:
    st.session_state.pop(f"{key}.asked", None)
    state.choose(maps=(*state.current().maps, place))
