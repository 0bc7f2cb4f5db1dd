"""Which sides are compared: parts of the latents in view, or they and other scans."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from latentcore.workflows import VERBS
from pages.access import places
from pages.forms.request_form import form_for
from pages.frame.errors import markdown_safe
from pages.jobs.latents_names import name_of, names_with_scans
from pages.tasks.compare.others import other_latents
from pages.view.scene import Scene

_MOST_PARTITIONS = 500
_PARTS, _OTHERS = "parts", "others"
_WAYS = {_PARTS: "Parts of these latents", _OTHERS: "Other latents"}
_SETTINGS = ("exchange", "block", "gap", "permutations", "sample", "seed")


def ask(scene: Scene) -> Any | None:
    """Ask for both sides; None as long as one is missing."""
    first = scene.scan.latents
    assert first is not None
    parts = _partitions(scene)
    left, right = st.columns([6, 1], gap="medium", vertical_alignment="bottom")
    with left:
        way = _OTHERS
        if len(parts) > 1:
            way = st.segmented_control(
                "Sides", list(_WAYS), format_func=_WAYS.__getitem__, default=_PARTS,
                required=True, key="compare.sides.way", label_visibility="collapsed",
            )  # fmt: skip
        sides = _parts(parts) if way == _PARTS else _others(first)
    with right.popover("Settings", icon=":material/tune:", width="stretch"):
        request = VERBS.get("differ").request
        made = form_for(
            request,
            key="compare.sides.settings",
            skip=[one.name for one in dataclasses.fields(request) if one.name not in _SETTINGS],
            defaults={"latents": (places.location(first),)},
            details={"block": {"automatic": "by the data"}, "gap": {"automatic": "by the data"}},
        )
    if sides is None or made is None:
        return None
    return dataclasses.replace(made, **sides)


def _partitions(scene: Scene) -> list[str]:
    """Return the scans of a collection, or whatever else the latents are parted into."""
    partition = scene.latents.partition
    found = [] if partition is None else list(partition.names)
    return found if len(found) <= _MOST_PARTITIONS else []


def _parts(parts: list[str]) -> dict[str, Any] | None:
    sides = []
    for column, name, default in zip(st.columns(2), "AB", (parts[:1], parts[1:2]), strict=True):
        chosen = column.multiselect(
            f"Side {name}", parts, default, key=f"compare.sides.{name}.{'|'.join(parts[:20])}",
            placeholder="Choose one or more",
        )  # fmt: skip
        sides.append(",".join(chosen))
    return {"between": tuple(sides)} if all(sides) else None


def _others(first: str) -> dict[str, Any] | None:
    offered = other_latents(first)
    if not offered:
        return None
    names = names_with_scans(offered)
    chosen = st.multiselect(
        f"Where does {markdown_safe(name_of(first))} (side A) differ from",
        offered, format_func=names.__getitem__, key=f"compare.sides.others.{first}",
        placeholder="Choose latents that the same encoder made of another scan",
    )  # fmt: skip
    return {"against": tuple(map(places.location, chosen))} if chosen else None
