"""Find samples like one, and tell how much of a label is in the latents."""

from __future__ import annotations

import streamlit as st

from pages.jobs.panel import job_panel
from pages.scan import demo, loading, state
from pages.tasks.search import probe_view, similar

_TASKS = {
    "similar": ":material/image_search: Similar samples",
    "probe": ":material/labs: Probe",
}


def show_nothing(scan: state.ScanState) -> None:
    """Tell what to do where there are no latents."""
    record = demo.ensure_demo_latents() if state.lacks_demo_latents(scan) else None
    if record is not None:
        st.info(
            "The demo scan's patterns are being turned into latents, once for this server.",
            icon=":material/hourglass_top:",
        )
        job_panel(record.id)
        return
    st.info(
        "No latents are in view, so there is nothing to search. Open some on the Data page, or "
        "extract them from samples.",
        icon=":material/image_search:",
    )
    st.page_link(
        "pages/tasks/extract/extract.py", label="Extract latents", icon=":material/compress:"
    )


def show_task(scan: state.ScanState, latents_place: str) -> None:
    """Show the task that was chosen."""
    # A link to a probe carries its job.
    first = "probe" if "job" in st.query_params else "similar"
    task = st.segmented_control(
        "Task", list(_TASKS), format_func=lambda name: _TASKS[name], default=first,
        required=True, key="search.task", label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    latents = loading.latents(latents_place)
    if not latents.encoded.any():
        st.warning("Not one sample of this file has a latent: every row is NaN.")
    elif task == "probe":
        probe_view.show(scan, latents)
    else:
        similar.show(scan, latents)


current = state.current()
st.title("Search")
if current.latents is None:
    show_nothing(current)
else:
    show_task(current, current.latents)
