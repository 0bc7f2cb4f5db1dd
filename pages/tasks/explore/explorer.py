"""The Explore page: a bar of controls, the panels, and a side panel that says what they show.

The panels are mounted before anything else, so that browsers draw them while the widgets around
them come, and a new ROI is on the screen at once; clusters and statistics follow in the same run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.exploration import selected_by_slot
from latentcore.analysis.panel_ids import panel_axes
from latentcore.analysis.representatives import Representatives
from latentcore.errors import InputError, RequestError
from pages.frame import errors
from pages.frame.theme import tones
from pages.panels.linked_panels import linked_panels, read_state
from pages.regions import labelling
from pages.regions.kept import Kept, kept, none_of
from pages.scan import first_visit, loading
from pages.scan.missing import no_latents
from pages.scan.state import ScanState
from pages.tasks.explore import (
    cautions,
    clusters,
    clusters_shown,
    controls,
    embedding_panel,
    filters,
    in_view,
    label_strokes,
    layout,
    patterns,
    side_panel,
)
from pages.tasks.explore.detail import with_detail
from pages.tasks.explore.panels_view import build_view, resolvable, told_of
from pages.view import session
from pages.view.embeddings import EmbeddingView
from pages.view.question import SIMILARITY, Question
from pages.view.scene import Scene, complete, empty_roi, open_scene

_PANELS = "explore.panels"
_PROBLEM = "explore_problem"
# The points that the browser has, where these are not all.
_SHOWN = "explore_points"
_BESIDE = "explore_roi_beside"
_NOTHING_PINNED = "Click a point in any panel: all are then colored by how similar they are to it."
_FIRST_VISIT = (
    "All panels show the same samples. Drag in one: what you brush stands out in all, and its "
    "numbers follow. Click a point to see the sample itself."
)


def show(scan: ScanState) -> None:
    """Show the page for the scan in view."""
    layout.choose_rail()  # first, so that nothing is laid out beside the open sidebar
    if scan.latents is None:
        with st.container(key="explore-waiting"):  # also this page has the rail: latents may come
            st.title("Explore")
            no_latents(scan)
        return
    with st.container(key="explore-title"):
        st.title("Explore")
    # A message would be lost when the clusters are there and the page runs again.
    problem = session.begin(loading.version(scan.latents)) or st.session_state.get(_PROBLEM)
    scene = open_scene(scan, by_order=session.question().by_order)
    room = layout.room()
    with room.notices:
        _tell(problem, encoded=bool(scene.encoded.any()))
        _tell_of_roi(scene)
    if not scene.encoded.any():
        return
    completed = complete(session.question(), scene)
    in_view.report_lost_filters(session.question(), completed)
    session.replace_parts(completed)
    regions = _regions(scene, room)
    with room.state:
        scene = in_view.narrowed(scene, regions)
        if scene.latents.grid is None:
            filters.filter_bar(scene, session.question())
            if not in_view.tell_of_filters(scene):
                _bar(scene, regions, room)
                return
    question, masks = _panels(scene, regions, room)
    with room.notices:
        cautions.warn_of_collapse(scene, question)
        cautions.report_unpaired(scene, question)
    with room.side:
        with st.container():  # always there: what lies below is the same when it empties
            first_visit.strip("explore", _FIRST_VISIT)
        tab = side_panel.chosen_tab(scene)
    session.write_url()
    with room.side:
        if masks is None:
            clusters.tell_of_waiting("What is selected are clusters: the numbers come with them.")
        else:
            side_panel.show(scene, question, masks, regions, tab)
    st.session_state.pop(_PROBLEM, None)


def _tell(problem: str | None, *, encoded: bool) -> None:
    """Tell of a state that could not be taken over, and of latents without a value."""
    if problem:
        st.session_state[_PROBLEM] = problem
        with layout.notice("problem", problem) as shown:
            if shown:
                errors.show(RequestError(problem))
    if not encoded:
        st.warning("Not one sample of this file has a latent: every row is NaN.")


def _tell_of_roi(scene: Scene) -> None:
    """Tell that the ROI asked for lies beside the scan, until somebody dismisses it or sets one."""
    question, about = session.question(), loading.version(scene.scan.latents or "")
    beside = empty_roi(question, scene)
    if beside:
        st.session_state[_BESIDE] = about, f"{beside} The whole scan is shown."
    of, told = st.session_state.get(_BESIDE, ("", ""))
    if of == about and (beside or question.roi is None):
        with layout.notice("roi", told) as shown:
            if shown:
                errors.show(RequestError(told))


def _regions(scene: Scene, room: layout.Room) -> Kept:
    """Return the regions; where they can't be read, the page goes on without them."""
    try:
        return kept(scene.latents)
    except InputError as error:
        with room.notices:
            errors.show(error, "The regions of this scan can't be shown.")
        return none_of(scene.latents)


def _panels(
    scene: Scene, regions: Kept, room: layout.Room
) -> tuple[Question, Mapping[str, NDArray[np.bool_]] | None]:
    """Mount the panels; returns no masks while strokes mean labels that are being computed."""
    question = session.question()
    with room.notices:
        views, shown, messages = embedding_panel.views(scene, question)
    inside = scene.inside(question)
    key = clusters.cluster_key(scene, question)
    last = clusters_shown.last(scene, key)
    fresh = last is not None and last.key == key
    found_last = None if last is None else last.clustering
    drawn = {
        **regions.panels(question.selections),
        **label_strokes.panels(
            question.selections, scene, regions, found_last if fresh else None, inside
        ),
    }
    # Labels of clusters that are computed next can't be judged yet.
    unknown = set() if fresh else label_strokes.named(question.selections) - drawn.keys()
    question = _resolved(question, scene, {*views, *drawn, *unknown})
    if question.color == SIMILARITY and question.pinned is None:
        messages = (*messages, _NOTHING_PINNED)
    if not fresh and clusters.at_once(scene):
        messages = (*messages, "Clustering …")
    masks = None
    if scene.shown() is not None and not unknown:
        masks = _masks(scene, question, _axes_named(question, views, drawn), inside)
    marks = labelling.marked(scene.latents)
    told = told_of(question, marks)
    seen = read_state(_PANELS)
    focus = None if seen is None else seen.focus
    sent = with_detail(scene, scene.shown(told), focus, views)
    view = build_view(
        scene,
        question,
        embeddings=views,
        shown=shown,
        clustering=found_last,
        labels_key="" if last is None else last.key,
        inside=inside,
        theme=tones().theme,
        patterns_url=patterns.patterns_url(scene, sent, f"{told}|{focus}"),
        messages=messages,
        regions=regions,
        drawn=drawn,
        marks=marks,
        counts=None if masks is None else _counts(masks, inside),
        awaited=last is None,
        sent=sent,
        sent_key=f"{focus}",
    )
    st.session_state[_SHOWN] = sent
    with room.plots:
        linked_panels(view, key=_PANELS, on_change=_adopt)
    _bar(scene, regions, room)
    if session.question() != question:
        st.rerun()  # some of the forms in the bar tell only now what was changed in them
    clusters_shown.follow(scene, question, key, last, room.notices)
    if masks is None and not unknown:
        masks = _masks(scene, question, _axes_named(question, views, drawn), inside)
    return question, masks


def _resolved(question: Question, scene: Scene, panels: Collection[str]) -> Question:
    """Return the question without strokes in panels that are gone, and tell of these."""
    selections, dropped = resolvable(question, scene, panels)
    if not dropped:
        return question
    session.update(selections=selections)
    st.toast(
        f"{dropped} parts of the selection are gone: they were drawn in another embedding, or "
        "their region was deleted, or the clusters that they were clicked in have changed."
    )
    return session.question()


def _bar(scene: Scene, regions: Kept, room: layout.Room) -> None:
    with room.bar:
        controls.show(scene, regions=bool(regions.regions))
        layout.choose_side()


def _axes_named(
    question: Question,
    views: Mapping[str, EmbeddingView],
    drawn: Mapping[str, NDArray[np.floating]],
) -> dict[str, NDArray[np.floating]]:
    """Return the coordinates of those embeddings, regions and labels that strokes name."""
    named = {shape.panel for shapes in question.selections.values() for shape in shapes}
    found: dict[str, NDArray[np.floating]] = {
        panel: view.coordinates for panel, view in views.items() if panel in named
    }
    return {**found, **drawn}


def _counts(masks: Mapping[str, NDArray[np.bool_]], inside: NDArray[np.bool_]) -> dict[str, int]:
    counted = {**masks, "within": inside}
    return {name: int(np.count_nonzero(mask)) for name, mask in counted.items()}


def _adopt() -> None:
    """Take over what the user did in the panels."""
    found = read_state(_PANELS)
    if found is not None:
        session.update(
            selections=found.selections,
            active=found.active,
            roi=found.roi,
            pinned=_point(found.pinned),
            panels=found.panels,
        )


def _point(number: int | None) -> int | None:
    """Return which point has a number in the browser."""
    shown: Representatives | None = st.session_state.get(_SHOWN)
    if number is None or shown is None:
        return number
    rows = shown.all_rows
    return int(rows[number]) if 0 <= number < len(rows) else None


def _masks(
    scene: Scene,
    question: Question,
    embeddings: Mapping[str, NDArray[np.floating]],
    inside: NDArray[np.bool_],
) -> Mapping[str, NDArray[np.bool_]]:
    axes = panel_axes(
        question.selections,
        latents=scene.latents,
        maps=scene.map_values(),
        embeddings=embeddings,
    )
    return selected_by_slot(question.selections, axes, inside)
