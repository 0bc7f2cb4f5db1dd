"""The page of the browser tests: four panels and a few ways to change them from outside."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from functools import lru_cache

import numpy as np
import streamlit as st

from latentcore.analysis.selection import select
from pages.panels.linked_panels import linked_panels
from tests.linked_panels.apps.scene import inside_roi, make_points, make_view

ROWS = int(os.environ.get("PANELS_ROWS", "45"))
COLUMNS = int(os.environ.get("PANELS_COLUMNS", "80"))

st.set_page_config(layout="wide", page_title="Linked panels")


@lru_cache(maxsize=1)
def scene() -> tuple:
    """Make the points once for all sessions."""
    points = make_points(ROWS, COLUMNS)
    return points, make_view(points, (ROWS, COLUMNS), f"scene-{ROWS}-{COLUMNS}")


points, base = scene()
changes: dict = {}
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
with st.container(horizontal=True):
    recolor = st.checkbox("Color the embedding by latent")
    hidden = st.checkbox("Hide the panels")
    thinned = st.checkbox("Keep every third point")
    on_globe = st.checkbox("Take the embedding for degrees")
    if st.button("Set the ROI"):
        st.session_state["roi"] = (1.0, 4.0, 0.5, 3.0)
if hidden:
    st.stop()
if recolor:
    changes["panels"] = (replace(base.panels[0], color="latent"), *base.panels[1:])
    changes["messages"] = ("UMAP is being computed; PCA is shown meanwhile.",)
kept = np.arange(base.points.n) % 3 == 0 if thinned else np.ones(base.points.n, bool)
if thinned:
    arrays = {**base.points.arrays, "kept": kept.astype(np.int32)}
    changes["points"] = replace(base.points, arrays=arrays)
if on_globe:
    changes["panels"] = (replace(base.panels[0], graticule=True), *base.panels[1:])
if "roi" in st.session_state:
    changes["roi"] = st.session_state["roi"]

# A slow page, to see what becomes of a brush that is faster than the answer to the one before.
time.sleep(float(st.query_params.get("delay", "0")))
view = replace(base, **changes)
state = linked_panels(view, key="explorer")

within = kept & inside_roi(points, state.roi)
axes = {name: (points[x], points[y]) for name, (x, y) in view.axes.items()}
answer = {
    "runs": st.session_state["runs"],
    "revision": state.revision,
    "pinned": state.pinned,
    "roi": state.roi,
}
for slot in ("A", "B"):
    ids = np.flatnonzero(select(state.selections[slot], axes, view.points.n, within))
    answer[slot] = {"count": int(ids.size), "sum": int(ids.sum())}
st.code(json.dumps(answer), language="json")
