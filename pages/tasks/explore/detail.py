"""More points of what is zoomed into, where the browser has but some of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from latentcore.analysis.panel_ids import MAP_PANELS, panel_axes
from latentcore.analysis.representatives import (
    Detail,
    Representatives,
    detail_of_points,
    detail_of_window,
    window_of,
)
from latentcore.analysis.selection import select
from latentcore.errors import RequestError
from pages.panels.linked_panels import Focus
from pages.view.embeddings import EmbeddingView
from pages.view.scene import Scene

# Of what is seen, on each side: a little move needs no other points.
_MARGIN = 0.15


def with_detail(
    scene: Scene,
    shown: Representatives | None,
    focus: Focus | None,
    embeddings: Mapping[str, EmbeddingView],
) -> Representatives | None:
    """Return the points that the browser gets, with more of the part that it has zoomed into."""
    if shown is None or focus is None:
        return shown
    view = embeddings.get(focus.panel)
    key = f"{scene.key}|{scene.most_in_detail}|{focus}|{'' if view is None else view.key}"
    return replace(shown, detail=_detail(key, scene, focus, view))


@st.cache_resource(max_entries=16, show_spinner=False)
def _detail(key: str, _scene: Scene, _focus: Focus, _view: EmbeddingView | None) -> Detail | None:
    del key  # only part of the cache's key
    grid, most = _scene.latents.grid, _scene.most_in_detail
    seen = _focus.widened(_MARGIN)
    if _focus.panel in MAP_PANELS and grid is not None:
        window = window_of(grid, seen.x, seen.y)
        return None if window is None else detail_of_window(grid, window, most)
    try:
        axes = panel_axes(
            {"A": (seen.shape,)},
            latents=_scene.latents,
            maps=_scene.map_values(),
            embeddings={} if _view is None else {_focus.panel: _view.coordinates},
        )
    except RequestError:
        return None  # the panel is gone, or never was
    inside = select([seen.shape], axes, len(_scene.latents))
    return detail_of_points(np.flatnonzero(inside), most)
