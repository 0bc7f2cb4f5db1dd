"""The sidebar as a rail of icons that opens under the pointer."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_RULES = Path(__file__).with_name("rail.css").read_text(encoding="utf-8")

# Streamlit lays the sidebar over the page of itself in windows narrower than this.
BESIDE = "(min-width: 769px)"
# A sidebar that is open takes a third of such a window.
NARROW = f"{BESIDE} and (max-width: 1000px)"


def rail(windows: str) -> None:
    """Make the sidebar a rail in the windows of a media query."""
    st.html(f"<style>@media {windows} {{\n{_RULES}}}</style>")
