"""Latents ready to be searched, once for all sessions."""

from __future__ import annotations

import streamlit as st

from latentcore.analysis.similarity import SearchTable
from latentcore.containers import LatentSet

__all__ = ["search_table"]


@st.cache_resource(max_entries=4, show_spinner=False)
def search_table(about: str, _latents: LatentSet) -> SearchTable:
    """Return latents with the norms of their rows.

    Parameters
    ----------
    about : str
        Changes when the latents do.
    """
    del about
    return SearchTable.of(_latents.values)
