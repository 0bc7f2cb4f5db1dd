"""What pages say where the scan in view lacks what they need."""

from __future__ import annotations

import streamlit as st

from pages.frame import navigation
from pages.jobs.panel import job_panel
from pages.scan import demo
from pages.scan.state import ScanState, lacks_demo_latents


def no_latents(scan: ScanState) -> None:
    """Say how to come by latents; those of the demo scan are made, and their job is shown."""
    record = demo.ensure_demo_latents() if lacks_demo_latents(scan) else None
    if record is not None:
        st.info(
            "The demo scan's patterns are being turned into latents, once for this server.",
            icon=":material/hourglass_top:",
        )
        job_panel(record.id)
        return
    if scan.samples is None:
        st.info(
            "No latents are in view. Open latents, or samples to extract them from, on the Data "
            "page."
        )
    else:
        st.info(
            "No latents are in view. Extract them from the samples, or open a file of latents on "
            "the Data page."
        )
        navigation.link("extract", "Extract latents")
    navigation.link("data", "Open data")


def no_samples(purpose: str) -> None:
    """Say how to come by samples, and what they are needed for."""
    st.info(
        f"No samples are in view, so there is nothing to {purpose}. Open a file of samples on "
        "the Data page, or put the demo scan in view in the sidebar.",
        icon=":material/grid_on:",
    )
    navigation.link("data", "Open samples")
