"""The side panel: which of its tabs is open, and what that shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.errors import InputError
from pages.frame import errors
from pages.regions import labelling, listing, region_tab
from pages.regions.kept import Kept
from pages.tasks.explore import (
    against,
    cluster_numbers,
    clusters,
    downloads,
    earth,
    gallery,
    in_view,
    numbers,
    patterns,
    worth_view,
)
from pages.view.question import Question
from pages.view.scene import Scene

_TABS = {
    "selection": "Selection",
    "against": "A against B",
    "clusters": "Clusters",
    "regions": "Regions",
    labelling.TAB: "Label",
    "patterns": "Patterns",
    "gallery": "Gallery",
    "worth": "Worth",
    earth.TAB: "Earth",
    "downloads": "Download",
}


def chosen_tab(scene: Scene) -> str:
    """Ask what the side panel shows."""
    tabs = _tabs(scene)
    if st.session_state.get("explore.tab") not in tabs:
        st.session_state["explore.tab"] = tabs[0]
    chosen: str = st.selectbox(
        "Show in the side panel", tabs, format_func=lambda name: _tab_title(scene, name),
        key="explore.tab", label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    return chosen


def _tabs(scene: Scene) -> list[str]:
    """Return the tabs that have something to say about these latents."""
    hidden = set()
    if scene.sample_rows is None or len(scene.latents.dims) < 2:
        hidden.add("gallery")
    if scene.latents.grid is None and scene.scan.samples is None:
        hidden.add("patterns")
    if scene.places is None:
        hidden.add(earth.TAB)
    return [name for name in _TABS if name not in hidden]


def _tab_title(scene: Scene, name: str) -> str:
    if name == "patterns" and scene.latents.grid is None:
        return _TABS[name].replace("Patterns", "Samples")
    return _TABS[name]


def show(
    scene: Scene,
    question: Question,
    masks: Mapping[str, NDArray[np.bool_]],
    regions: Kept,
    tab: str,
) -> None:
    """Show what a tab says of the points in view and of those that are selected."""
    inside = scene.inside(question)
    found = clusters.clusters(scene, question)
    clustering = found.clustering
    active = masks[question.active]
    shown: Mapping[str, Callable[[], None]] = {
        "against": partial(against.show_comparison, scene, masks),
        "clusters": partial(cluster_numbers.show_clusters, scene, question, found),
        labelling.TAB: partial(labelling.show, scene, question, regions, active),
        "patterns": partial(patterns.show, scene, question, inside, masks),
        "gallery": partial(gallery.show, scene, question, inside),
        "worth": partial(worth_view.show, scene, question),
        earth.TAB: partial(earth.show, scene, question, active),
        "downloads": partial(downloads.show, scene, question, inside, masks, found),
    }
    try:
        if tab in shown:
            shown[tab]()
        elif tab == "regions":
            listing.show(scene, question, regions, listing.Selected(masks, inside, clustering))
            region_tab.show(scene, question, regions, numbers.quantities(scene, question))
        else:
            cards = st.container()
            patterns.show_pinned(scene, question)
            numbers.show_selection(scene, question, inside, masks, clustering, cards)
            in_view.offer_view_of(scene, question, active)
            listing.show(scene, question, regions, listing.Selected(masks, inside, clustering))
    except InputError as error:
        errors.show(error)
