"""The Explore page: a bar of controls, the panels, and a side panel that says what they show.

The panels are mounted before anything else, so that browsers draw them while the widgets around
them come, and a new ROI is on the screen at once; clusters and statistics follow in the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.collapse import judged
from latentcore.analysis.exploration import selected_by_slot
from latentcore.analysis.panel_ids import panel_axes
from latentcore.analysis.representatives import Representatives
from latentcore.errors import InputError, RequestError
from pages.frame import errors
from pages.frame.theme import tones
from pages.jobs import work
from pages.panels.linked_panels import linked_panels, read_state
from pages.regions import labelling, listing, region_tab
from pages.regions.kept import Kept, kept, none_of
from pages.scan import first_visit, loading
from pages.scan.missing import no_latents
from pages.scan.state import ScanState
from pages.tasks.explore import (
    against,
    cluster_numbers,
    clusters,
    controls,
    downloads,
    earth,
    embedding_panel,
    filters,
    gallery,
    label_strokes,
    layout,
    numbers,
    patterns,
    worth_view,
)
from pages.tasks.explore.detail import with_detail
from pages.tasks.explore.panels_view import build_view, resolvable, told_of
from pages.view import only, session
from pages.view.embeddings import EmbeddingView
from pages.view.question import SIMILARITY, Question
from pages.view.scene import Scene, complete, empty_roi, open_scene

_PANELS = "explore.panels"
_LAST = "explore_last_clusters"
_PROBLEM = "explore_problem"
# The points that the browser has, where these are not all.
_SHOWN = "explore_points"
_BESIDE = "explore_roi_beside"
# With fewer points there is nothing to cluster or embed.
_FEWEST_IN_VIEW = 5
_FIRST_VISIT = (
    "All panels show the same samples. Drag in one: what you brush stands out in all, and its "
    "numbers follow. Click a point to see the sample itself."
)
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


@dataclass(frozen=True, eq=False)
class _LastClusters:
    """The clusters shown last, and what they are an answer to: latents, and the whole question."""

    about: str
    key: str
    clusters: clusters.Clusters


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
    _report_lost_filters(session.question(), completed)
    session.replace_parts(completed)
    regions = _regions(scene, room)
    with room.state:
        scene = _narrowed(scene, regions)
        if scene.latents.grid is None:
            filters.filter_bar(scene, session.question())
            if not _in_view(scene):
                _bar(scene, regions, room)
                return
    question, masks = _panels(scene, regions, room)
    with room.notices:
        _warn_of_collapse(scene, question)
        _report_unpaired(scene, question)
    with room.side:
        with st.container():  # always there: what lies below is the same when it empties
            first_visit.strip("explore", _FIRST_VISIT)
        tab = _chosen_tab(scene)
    session.write_url()
    with room.side:
        if masks is None:
            clusters.tell_of_waiting("What is selected are clusters: the numbers come with them.")
        else:
            _inspector(scene, question, masks, regions, tab)
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


def _narrowed(scene: Scene, regions: Kept) -> Scene:
    """Return the scene of the selection that alone is in view, with the way back."""
    question = session.question()
    if not question.only:
        return scene
    try:
        found = only.narrowed(
            scene,
            question,
            lambda drawn: {**regions.panels(drawn), **label_strokes.panels(drawn, scene, regions)},
        )
    except InputError as error:
        text = f":material/warning: {errors.markdown_safe(str(error))} All points are shown."
        found = scene
    else:
        text = (
            f":material/filter_center_focus: **Only a selection is in view: {found.n_in_view:,} of "
            f"{len(scene.latents):,} {scene.points}.** Clusters, embedding and numbers are theirs."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text, width="content")
        st.button(
            "Back to the whole scan" if scene.latents.grid is not None else "Back to all samples",
            key="explore.only.leave",
            icon=":material/undo:",
            on_click=only.leave,
            args=(question,),
        )
    return found


def _offer_view_of(scene: Scene, question: Question, mask: NDArray[np.bool_]) -> None:
    """Offer a view of the selection alone; the button has its place also while there is none."""
    n = int((mask & scene.encoded).sum())
    whole = int((scene.inside(question) & scene.encoded).sum())
    st.button(
        f"Only selection {question.active}" + (f" · {n:,}" if n else ""),
        key="explore.only.enter",
        icon=":material/filter_center_focus:",
        disabled=n < _FEWEST_IN_VIEW or n == whole,
        on_click=only.enter,
        args=(question, scene.latents.grid is not None),
        help="Clusters, PCA and UMAP of the selected points alone, until you go back.",
    )


def _in_view(scene: Scene) -> bool:
    """Tell how tables were joined and what filters keep; whether they keep anything."""
    question = session.question()
    filters.show_joins(scene, question)
    if not question.filters:
        return True
    left = int(scene.inside(question).sum())
    named = errors.markdown_safe(filters.filter_text(question.filters))
    if left == 0:
        st.warning(f"No sample is left by {named}. Keep more.", icon=":material/filter_alt:")
        session.write_url()
        return False
    st.caption(
        f":material/filter_alt: **{left:,} of {len(scene.latents):,} samples** are in view: "
        f"{named}. All numbers below are of these; the others are drawn faintly."
    )
    return True


def _report_lost_filters(before: Question, after: Question) -> None:
    lost = [name for name in before.filters if name not in after.filters]
    if lost:
        names = errors.markdown_safe(", ".join(lost))
        st.toast(f"The filter by {names} is gone: no table in view has such a column.")


def _panels(
    scene: Scene, regions: Kept, room: layout.Room
) -> tuple[Question, Mapping[str, NDArray[np.bool_]] | None]:
    """Mount the panels; returns no masks while strokes mean labels that are being computed."""
    question = session.question()
    with room.notices:
        views, shown, messages = embedding_panel.views(scene, question)
    inside = scene.inside(question)
    key = clusters.cluster_key(scene, question)
    last = _last_clusters(scene, key)
    fresh = last is not None and last.key == key
    found_last = None if last is None else last.clusters.clustering
    drawn = {
        **regions.panels(question.selections),
        **label_strokes.panels(
            question.selections, scene, regions, found_last if fresh else None, inside
        ),
    }
    # Labels of clusters that are computed next can't be judged yet.
    unknown = set() if fresh else label_strokes.named(question.selections) - drawn.keys()
    selections, dropped = resolvable(question, scene, {*views, *drawn, *unknown})
    if dropped:
        session.update(selections=selections)
        question = session.question()
        st.toast(
            f"{dropped} parts of the selection are gone: they were drawn in another embedding, or "
            "their region was deleted, or the clusters that they were clicked in have changed."
        )
    if question.color == SIMILARITY and question.pinned is None:
        messages = (
            *messages,
            "Click a point in any panel: all are then colored by how similar they are to it.",
        )
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
        messages=(*messages, *(() if fresh or not clusters.at_once(scene) else ("Clustering …",))),
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
    if last is None or not fresh:
        found = clusters.clusters(scene, question)
        if not found.waiting:
            st.session_state[_LAST] = _LastClusters(scene.about, key, found)
            st.rerun()
        with room.notices:
            _wait_for_clusters(key, "" if found_last is None else "Those shown are of before.")
    with room.notices:
        _report_no_clusters(question, key, last.clusters.problem if last and fresh else "")
    if masks is None and not unknown:
        masks = _masks(scene, question, _axes_named(question, views, drawn), inside)
    return question, masks


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


def _wait_for_clusters(key: str, meanwhile: str) -> None:
    """Tell how far the clusters are; the container lets clicks through to the button."""
    about = clusters.work_key(key)
    with st.container(key="explore-notice-clusters-wait"):
        work.wait_for(
            f"explore.clusters.cancel.{key}",
            partial(work.told_of, about, "Clustering", meanwhile),
            partial(_cancel_clusters, about),
            "No clusters are shown then. Whoever else waits for these is told.",
        )


def _cancel_clusters(about: str) -> None:
    """Cancel, and take back the wish to learn from all points, if that was what took long."""
    work.cancel(about)
    if session.question().sample:
        session.update(sample="")


def _report_no_clusters(question: Question, key: str, problem: str) -> None:
    if not problem:
        return
    with layout.notice("clusters", problem) as shown:
        if shown and problem == clusters.CANCELLED:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f":material/hide_source: {clusters.CANCELLED}", width="content")
                st.button(
                    "Cluster again", key="explore.clusters.again", icon=":material/replay:",
                    type="tertiary", on_click=_cluster_again, args=(key,),
                )  # fmt: skip
        elif shown and not question.reference and not question.features:
            st.info(
                errors.markdown_safe(problem), icon=":material/layers_clear:"
            )  # nobody asked for what isn't there
        elif shown:
            errors.show(RequestError(problem))


def _cluster_again(key: str) -> None:
    work.works().forget(clusters.work_key(key))
    st.session_state.pop(_LAST, None)


def _last_clusters(scene: Scene, key: str) -> _LastClusters | None:
    """Return the clusters of this key, else those shown last if they are of these latents."""
    last: _LastClusters | None = st.session_state.get(_LAST)
    if last is None or (last.about, last.key) != (scene.about, key):
        known = clusters.known(key)
        if known is not None:
            last = st.session_state[_LAST] = _LastClusters(scene.about, key, known)
    return last if last is not None and last.about == scene.about else None


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


def _inspector(
    scene: Scene,
    question: Question,
    masks: Mapping[str, NDArray[np.bool_]],
    regions: Kept,
    tab: str,
) -> None:
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
            _offer_view_of(scene, question, active)
            listing.show(scene, question, regions, listing.Selected(masks, inside, clustering))
    except InputError as error:
        errors.show(error)


def _chosen_tab(scene: Scene) -> str:
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


def _warn_of_collapse(scene: Scene, question: Question) -> None:
    """Tell when the chosen dimension hardly spreads; PCA scores have no prior to compare with."""
    assert question.dim is not None
    if not scene.has_prior or np.count_nonzero(scene.encoded) < 2:
        return
    message = judged(scene.spreads[question.dim]).message
    if message:
        with layout.notice("collapse", message) as shown:
            if shown:
                st.warning(errors.markdown_safe(message), icon=":material/compress:")


def _report_unpaired(scene: Scene, question: Question) -> None:
    """Tell how many points have a latent but no value of the maps they are clustered with."""
    if not question.maps_clustered:
        return
    paired = np.isfinite([scene.maps.get(name) for name in question.maps_clustered]).all(axis=0)
    wanted = scene.inside(question) & scene.encoded
    missing = int((wanted & ~paired).sum())
    if missing:
        name = errors.markdown_safe(" or ".join(question.maps_clustered))
        where = "the ROI" if scene.latents.grid is not None else "view"
        text = (
            f":material/warning: {missing:,} of {int(wanted.sum()):,} encoded {scene.points} in "
            f"{where} have no {name}: they are in no cluster (−1)."
        )
        with layout.notice("unpaired", text) as shown:
            if shown:
                st.caption(text)
