"""What to compare: other latents of the scan in view, and by which labels."""

from __future__ import annotations

from typing import Any

import streamlit as st

from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import navigation
from pages.frame.errors import markdown_safe
from pages.jobs.latents_names import name_of, names_of
from pages.regions.files import offer_as_labels
from pages.scan.joining import label_maps
from pages.scan.sidebar import latents_on_offer
from pages.view.scene import Scene

_MOST_OTHERS = 11
_NO_LABELS = ""


def ask(scene: Scene) -> Any | None:
    """Ask for everything; None as long as something is missing, which is said."""
    first = scene.scan.latents
    assert first is not None
    offered = [place for place in dict.fromkeys(latents_on_offer(scene.scan)) if place != first]
    if not offered:
        st.info(
            "There are no other latents of this scan yet: extract them with another encoder, or "
            "train one, and come back.",
            icon=":material/compare:",
        )
        navigation.link("extract", "Extract latents")
        navigation.link("train", "Train")
        return None
    offer_as_labels(scene.latents)
    others, by, neighbors = st.columns([5, 2, 1], gap="medium", vertical_alignment="bottom")
    with others:
        chosen = _others(first, offered)
    with by:
        labels = _labels(scene)
    with neighbors:
        k = st.number_input(
            "Neighbors", 1, 200, 10, key="compare.k",
            help="So many nearest neighbors of each point are held against each other.",
        )  # fmt: skip
    if not chosen:
        return None
    return VERBS.get("compare").request(
        latents=tuple(places.location(place) for place in (first, *chosen)),
        labels=labels,
        k=int(k),
    )


def _others(first: str, offered: list[str]) -> list[str]:
    names = names_of(offered)
    key = f"compare.others.{first}"
    st.session_state.setdefault(key, offered[:1])
    return st.multiselect(
        f"Hold {markdown_safe(name_of(first))} against",
        offered,
        format_func=names.__getitem__,
        max_selections=_MOST_OTHERS,
        key=key,
        placeholder="Choose latents of the same samples",
        help="Latents of the same samples, joined by x and y, or by sample id where there is no "
        "scan grid. The latents in view are chosen in the sidebar.",
        persist_state="session",
    )


def _labels(scene: Scene) -> str | None:
    names = label_maps(scene.maps) if scene.latents.grid is not None else []
    name = st.selectbox(
        "Judge by",
        [*names, _NO_LABELS],
        format_func=lambda name: name or "no labels",
        key=f"compare.labels.{'|'.join(names)}",
        help="A map of labels, such as grains or phases: how well each encoder separates them.",
    )
    if not name:
        return None
    place, column = scene.maps.origin[name]
    return f"{places.location(place)}:{column}"
