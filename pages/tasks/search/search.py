"""Find samples like one, and probe how much of a label is in the latents."""

from __future__ import annotations

import streamlit as st

from pages.scan import loading, state
from pages.scan.missing import no_latents
from pages.tasks.search import probe_view, similar

_TASKS = {
    "similar": ":material/image_search: Similar samples",
    "probe": ":material/labs: Probe",
}


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
    no_latents(current)
else:
    show_task(current, current.latents)
