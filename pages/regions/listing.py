"""The list of regions in the side panel: keep, choose, name, color, order, undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.panel_ids import region_stroke
from latentcore.containers import Clustering, LatentSet, Region, RegionSet
from pages.access import identity
from pages.frame import errors
from pages.frame.errors import markdown_safe
from pages.regions import making
from pages.regions.facts import facts_of
from pages.regions.kept import (
    SPACE,
    Candidate,
    Kept,
    attempt,
    change,
    free_color,
    keep,
    problem,
    revision,
    space,
    spaces,
    store,
)
from pages.view import session
from pages.view.question import Question
from pages.view.scene import Scene

_LOOK_EVERY_S = 4.0
_CHOSEN = "regions_chosen"
_ALL = "regions_all"
# A list longer than this is shown when somebody asks for it.
_MOST_LISTED = 24


@dataclass(frozen=True, eq=False)
class Selected:
    """What is selected on the page, and may be kept.

    Attributes
    ----------
    masks : Mapping of {"A", "B"} to ndarray of bool, shape (n,)
    inside : ndarray of bool, shape (n,)
        The points in view.
    clustering : Clustering or None
    """

    masks: Mapping[str, NDArray[np.bool_]]
    inside: NDArray[np.bool_]
    clustering: Clustering | None


def show(scene: Scene, question: Question, kept: Kept, selected: Selected) -> None:
    """Show the regions, and what can be done with them."""
    _keep_buttons(scene, question, selected)
    st.markdown("**Regions**")
    _ask_space()
    _tools(kept)
    found = problem()
    if found is not None:
        errors.show(found)
    _rows(scene.latents, question, kept)
    _look(scene.latents, kept.stored.revision)
    if making.is_open():
        making.ask(scene, question, selected.inside, selected.clustering)


def _ask_space() -> None:
    """Ask whose regions to see, where there are several."""
    groups = spaces()
    if groups:
        st.selectbox(
            "Whose regions",
            ["", *groups],
            key=SPACE,
            format_func=lambda group: f"Those of {group}" if group else "My own",
            help="All members of a group see and change its regions.",
            label_visibility="collapsed",
            persist_state="session",
        )


@st.fragment(run_every=_LOOK_EVERY_S)
def _look(latents: LatentSet, seen: int) -> None:
    """Run the page again where somebody has changed the regions in another browser."""
    if revision(latents) != seen:
        st.rerun()


def _keep_buttons(scene: Scene, question: Question, selected: Selected) -> None:
    for slot, mask in selected.masks.items():
        n = int(mask.sum())
        if n or slot == "A":  # it has its place before anything is selected
            st.button(
                f"Keep selection {slot}" + (f" · {n:,}" if n else ""),
                disabled=not n,
                key=f"regions.keep.{slot}",
                icon=":material/bookmark_add:",
                type="primary" if slot == question.active else "secondary",
                width="stretch",
                on_click=_keep_selection,
                args=(scene.latents, question, slot, mask),
                help=f"Keeps these {scene.points} as a region of the scan: it stays when another "
                f"selection is drawn, and {_who_sees()} sees it.",
            )


def _who_sees() -> str:
    if not identity.way_in():
        return "whoever opens this scan on this server"
    return f"whoever of {markdown_safe(space())} opens this scan" if space() else "nobody but you"


def _keep_selection(
    latents: LatentSet, question: Question, slot: str, mask: NDArray[np.bool_]
) -> None:
    strokes = [shape.as_plain() for shape in question.selections.get(slot, ())]
    source = {"kind": "brush", "strokes": strokes, "roi": question.roi}

    def act() -> None:
        (region,) = keep(latents, [Candidate("", mask, source)])
        st.session_state[_CHOSEN] = region.id

    attempt(act)


def _tools(kept: Kept) -> None:
    stored = kept.stored
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "New …", key="regions.new", icon=":material/add:", type="tertiary",
            on_click=making.begin,
        )  # fmt: skip
        if not stored.revision:
            return
        for label, icon, what, step in (
            ("Undo", ":material/undo:", stored.undo, store().undo),
            ("Redo", ":material/redo:", stored.redo, store().redo),
        ):
            st.button(
                label,
                key=f"regions.{label.lower()}",
                icon=icon,
                type="tertiary",
                disabled=not what,
                help=markdown_safe(f"{label}: {what}") if what else None,
                on_click=lambda step=step: attempt(
                    lambda: step(kept.regions.scan, stored.revision)
                ),
            )


def _rows(latents: LatentSet, question: Question, kept: Kept) -> None:
    regions = kept.regions.regions
    if not regions:
        st.caption(
            "None yet. Brush in any panel and keep the selection, or make one of clusters, a "
            "map's values, a polygon."
        )
        return
    chosen = st.session_state.get(_CHOSEN)
    # The last one lies on top of the others, so it is the first of the list.
    listed = list(reversed(regions))
    if len(listed) > _MOST_LISTED and not st.session_state.get(_ALL):
        listed = [one for one in listed[:_MOST_LISTED] if one.id != chosen]
        listed += [one for one in regions if one.id == chosen]
    for region in listed:
        _row(question, kept, region, chosen=region.id == chosen)
        if region.id == chosen:
            _editor(latents, kept, region)
    if len(listed) < len(regions):
        st.button(
            f"Show all {len(regions):,} regions", key="regions.all", type="tertiary",
            on_click=lambda: st.session_state.update({_ALL: True}),
        )  # fmt: skip


def _row(question: Question, kept: Kept, region: Region, *, chosen: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        # The color is checked to be #rrggbb wherever a region is made.
        st.html(
            f'<span style="display:block;width:1rem;height:1rem;border-radius:3px;'
            f'background:{region.color};opacity:{0.35 if region.hidden else 1}"></span>',
            width="content",
        )
        st.button(
            markdown_safe(region.name),
            key=f"regions.choose.{region.id}",
            type="primary" if chosen else "tertiary",
            help=markdown_safe(region.note) or None,
            on_click=_choose,
            args=(question, region, chosen),
        )
        st.caption(facts_of(kept, region), width="content")


def _choose(question: Question, region: Region, chosen: bool) -> None:
    """Select a region's points in all panels; chosen again, they are let go."""
    st.session_state[_CHOSEN] = None if chosen else region.id
    strokes = () if chosen else (region_stroke(region),)
    session.update(selections={**question.selections, question.active: strokes})


def _editor(latents: LatentSet, kept: Kept, region: Region) -> None:
    """Show the fields of the region that is chosen.

    A widget's key carries the value that it shows: what a browser still sends of a name that
    another has changed meanwhile is then no change.
    """
    with st.container(border=True):
        left, right = st.columns([1, 4], vertical_alignment="bottom")
        key = f"regions.color.{region.id}.{region.color}"
        left.color_picker(
            "Color", region.color, key=key, label_visibility="collapsed", on_change=_set,
            args=(latents, region, "color", key, "color"),
        )  # fmt: skip
        key = f"regions.name.{region.id}.{region.name}"
        right.text_input(
            "Name", region.name, key=key, max_chars=80, on_change=_set,
            args=(latents, region, "name", key, "rename"),
        )  # fmt: skip
        key = f"regions.note.{region.id}.{hash(region.note)}"
        st.text_input(
            "Note", region.note, key=key, max_chars=4_000, on_change=_set,
            label_visibility="collapsed", placeholder="Note",
            args=(latents, region, "note", key, "note of"),
        )  # fmt: skip
        _actions(latents, kept, region)
        _combine(latents, kept, region)


def _set(latents: LatentSet, region: Region, field: str, key: str, what: str) -> None:
    value = st.session_state[key]
    if value != getattr(region, field):
        change(
            latents,
            lambda regions: regions.changed(region.id, **{field: value}),
            f"{what} {region.name}",
        )


def _actions(latents: LatentSet, kept: Kept, region: Region) -> None:
    place = kept.regions.regions.index(region)
    last = len(kept.regions) - 1
    hide = not region.hidden
    actions = (
        ("Show" if region.hidden else "Hide", "visibility" if region.hidden else "visibility_off",
         False, lambda regions: regions.changed(region.id, hidden=hide)),
        ("Up", "arrow_upward", place == last, lambda regions: regions.moved(region.id, place + 1)),
        ("Down", "arrow_downward", place == 0,
         lambda regions: regions.moved(region.id, place - 1)),
        ("Duplicate", "content_copy", False, lambda regions: regions.duplicated(region.id)),
        ("Delete", "delete", False, lambda regions: regions.without(region.id)),
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        for label, icon, disabled, operation in actions:
            st.button(
                "",
                key=f"regions.{label.lower()}.{region.id}",
                icon=f":material/{icon}:",
                help=label,
                disabled=disabled,
                type="tertiary",
                on_click=change,
                args=(latents, operation, f"{label.lower()} {region.name}"),
            )


def _combine(latents: LatentSet, kept: Kept, region: Region) -> None:
    others = [one for one in kept.regions.regions if one.id != region.id]
    if not others:
        return
    names = {one.id: one.name for one in others}
    other: str = st.selectbox(
        "Together with", list(names), key=f"regions.other.{region.id}",
        format_func=lambda one: names[one],
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        for how, sign, icon in (
            ("union", "or", "join_full"),
            ("intersection", "and", "join_inner"),
            ("difference", "without", "join_left"),
        ):
            st.button(
                how.capitalize(),
                key=f"regions.{how}.{region.id}",
                icon=f":material/{icon}:",
                type="tertiary",
                on_click=_make,
                args=(latents, how, region, other, f"{region.name} {sign} {names[other]}"),
            )


def _make(latents: LatentSet, how: str, region: Region, other: str, name: str) -> None:
    def combine(regions: RegionSet) -> RegionSet:
        return regions.combined(
            how,  # type: ignore[arg-type]
            (region.id, other),
            name=regions.free_name(name),
            color=free_color(regions),
        )

    change(latents, combine, f"{how} of {region.name} and another")
