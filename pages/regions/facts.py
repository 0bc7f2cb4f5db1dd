"""What the list says of a region in a few words: points, area, connected parts."""

from __future__ import annotations

import streamlit as st

from latentcore.analysis.statistics import area
from latentcore.containers import LatentSet, Region
from pages.frame.errors import markdown_safe
from pages.regions.kept import Kept


def facts_of(latents: LatentSet, kept: Kept, region: Region) -> str:
    """Return ``812 · 203 µm²``, for Markdown."""
    return _facts(f"{kept.key}|{region.id}", latents, kept, region)


@st.cache_data(max_entries=2_000, show_spinner=False)
def _facts(key: str, _latents: LatentSet, _kept: Kept, _region: Region) -> str:
    del key
    mask = _kept.mask(_region)
    facts = [f"{int(mask.sum()):,}"]
    grid = _latents.grid
    if grid is not None and grid.unit:
        found = area(mask, grid)
        facts.append(f"{found.value:,.3g} {markdown_safe(found.unit)}")
    return " · ".join(facts)
