"""Run one verb on many inputs, overnight if need be."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from latentcore.artifacts import to_json
from latentcore.errors import InputError
from latentcore.requests.verbs import option_of
from latentcore.workflows import VERBS
from latentcore.workflows.batch.inputs import batchable, input_field
from latentcore.workflows.batch.verb import BatchRequest
from pages.access.locations import shown
from pages.frame import errors
from pages.jobs.panel import runner, state_badge, unwatch, watch, watched
from pages.tasks.batch.execution import ask_execution
from pages.tasks.batch.inputs import choose_inputs
from pages.tasks.batch.options import ask_options
from pages.tasks.batch.results import show_batch

PAGE = "batch"
FIRST_VERB = "extract"
MOST_EARLIER = 6
EXPLAINED = (
    "In any text `{folder}`, `{stem}` and `{name}` stand for each input's folder, its file name "
    "up to the first dot, and its whole file name."
)


def show_form() -> None:
    """Ask for everything and start the job."""
    what, how = st.columns(2, gap="large")
    verbs = batchable()
    with what:
        verb = st.selectbox(
            "What to do with each input",
            verbs,
            index=verbs.index(FIRST_VERB),
            format_func=lambda name: f"{name}: {VERBS.get(name).summary.rstrip('.')}",
            key="batch.verb",
            persist_state="session",
        )
        takes_latents = option_of(input_field(verb)).kind == "latents"
        inputs = choose_inputs(PAGE, latents=takes_latents)
    with how:
        options = ask_options(verb, PAGE, inputs)
        st.caption(EXPLAINED)
        execution = ask_execution(PAGE)
        ready = bool(inputs) and options is not None and execution is not None
        if st.button(
            _start_label(inputs), type="primary", icon=":material/play_arrow:", disabled=not ready
        ):
            start(verb, inputs, options or {}, execution or {})


def start(
    verb: str, inputs: tuple[str, ...], options: dict[str, Any], execution: dict[str, Any]
) -> None:
    """Submit the job and let the page show it."""
    try:
        request = BatchRequest(verb, inputs, options=to_json(options), **execution)
        watch(runner().submit("batch", request, title=_title(verb, inputs)).id, PAGE)
    except InputError as error:
        errors.show(error)
        return
    st.rerun()


def show_earlier(present: str | None) -> None:
    """Offer the batches of before."""
    records = [one for one in runner().list(200) if one.verb == "batch" and one.id != present]
    if not records:
        return
    st.header("Other batches", divider="grey")
    for record in records[:MOST_EARLIER]:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f"**{errors.markdown_safe(record.title)}**", width="content")
            state_badge(record)
            begun = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(record.created))
            st.caption(begun, width="content")
            st.button("Show", key=f"show_{record.id}", on_click=watch, args=(record.id, PAGE))


def _start_label(inputs: tuple[str, ...]) -> str:
    if not inputs:
        return "Start the batch"
    return "Start with one input" if len(inputs) == 1 else f"Start with {len(inputs):,} inputs"


def _title(verb: str, inputs: tuple[str, ...]) -> str:
    more = f" and {len(inputs) - 1:,} more" if len(inputs) > 1 else ""
    return f"{verb} of {shown(inputs[0])}{more}"


st.title("Batch")
job = watched(PAGE)
if job is None:
    show_form()
else:
    if show_batch(job) is None:
        unwatch(PAGE)
    st.button("New batch", icon=":material/add:", on_click=unwatch, args=(PAGE,))
show_earlier(job)
