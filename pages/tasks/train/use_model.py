"""From a trained model to the page that uses it."""

from __future__ import annotations

import streamlit as st

from pages.forms import checkpoints
from pages.forms.extract_form import CHECKPOINT

__all__ = ["use_for_extraction"]


def use_for_extraction(place: str) -> None:
    """Go to the Extract page with a model chosen."""
    checkpoints.propose(place)
    st.session_state["extract.kind"] = CHECKPOINT
    st.switch_page("pages/tasks/extract/extract.py")
