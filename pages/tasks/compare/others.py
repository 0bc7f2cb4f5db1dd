"""Which latents there are beside those in view."""

from __future__ import annotations

import streamlit as st

from pages.frame import navigation
from pages.jobs.past_runs import extracted_latents
from pages.scan.sidebar import places_of_kind


def other_latents(first: str) -> list[str]:
    """Return places of latents other than `first`; where there are none, say how to make some."""
    known = (*extracted_latents(), *places_of_kind("latents"))
    offered = [place for place in dict.fromkeys(known) if place != first]
    if not offered:
        st.info(
            "There are no other latents here yet. Extract those of another scan with the same "
            "model, or open a file of them.",
            icon=":material/compare:",
        )
        navigation.link("batch", "Extract many scans")
    return offered
