"""A first map for scans that come without any: image quality, from the patterns themselves."""

from __future__ import annotations

import streamlit as st

from latentcore.analysis.patterns.blocks import pattern_shape
from latentcore.errors import InputError
from pages.access import places
from pages.frame import navigation
from pages.results.pattern_maps import offer_pattern_maps, request_for
from pages.scan import loading

_MAPS = ("image_quality",)


def offer_quality(samples: str) -> None:
    """Offer image quality in one click, where the samples are patterns of a scan."""
    try:
        pattern_shape(loading.samples(samples))
    except InputError:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "No map tells how good these patterns are. Image quality is computed from the "
            "patterns alone.",
            width="stretch",
        )
        offer_pattern_maps(
            request_for(samples, map=_MAPS), key="data.quality", label="Compute image quality",
            title=f"Image quality of {places.label(samples)}",
        )  # fmt: skip
        navigation.link("pattern_maps", "More maps of patterns")
