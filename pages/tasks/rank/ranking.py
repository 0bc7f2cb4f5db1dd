"""The Rank page from top to bottom: reference and ROI, then ranking, agreement or label maps."""

from __future__ import annotations

import streamlit as st

from latentcore.errors import InputError, LatentError
from pages.frame import errors, navigation
from pages.jobs.panel import job_panel
from pages.scan.missing import no_latents
from pages.scan.state import ScanState
from pages.tasks.rank import across, agreement, controls, detail, label_maps, overview, table
from pages.tasks.rank.question import begin, question, update, write_url
from pages.tasks.rank.scores import Scores, find_scores, seconds_for, start, titles
from pages.tasks.rank.target import Target, complete, files_with_maps, open_target
from pages.view import session as explorer
from pages.view.roi import choose_roi
from pages.view.scene import Scene, open_scene
from pages.view.scene import complete as complete_view

_TASKS = {
    "ranking": ":material/leaderboard: Follow a map",
    "agreement": ":material/join_inner: Agree with labels",
    "labels": ":material/grid_view: Two label maps",
}


# What the page calls ``--sample all``.
_ALL_POINTS = "“Score all points” under “Metrics”"
# Notes of the verb whose content the page shows in its own way.
_SHOWN_OTHERWISE = {"unmatched", "left-out", "summed", "without-score"}


def show(scan: ScanState) -> None:
    """Show the page for the scan in view."""
    st.title("Rank")
    if scan.latents is None:
        no_latents(scan)
        return
    scene = open_scene(scan)
    explorer.begin(scene.about)
    if scene.latents.grid is None or not len(scene.maps):
        _nothing_to_compare(scene)
        return
    explorer.replace_parts(complete_view(explorer.question(), scene))
    begin()
    task = st.segmented_control(
        "Task", list(_TASKS), format_func=_TASKS.__getitem__, default="ranking", required=True,
        key="rank.task", label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    if task == "ranking":
        _ranking(scene)
    else:
        choose_roi(scene)
        try:
            shown = {"agreement": agreement.show_agreement, "labels": label_maps.show_label_maps}
            shown[task](scene)
        except InputError as error:
            errors.show(error)
    write_url(explorer.question().roi)


def _nothing_to_compare(scene: Scene) -> None:
    if scene.latents.grid is None:
        st.info(
            "These latents have no coordinates, so no map can be joined to them. Open latents "
            "that come with x and y.",
            icon=":material/wrong_location:",
        )
        return
    st.info(
        "No map is open to rank against. Open band contrast, elements, phases, or scores of PCA "
        "or cNMF on the Data page, as a table with x and y.",
        icon=":material/layers_clear:",
    )
    navigation.link("data", "Open maps")


def _ranking(scene: Scene) -> None:
    if not files_with_maps(scene.maps):
        st.info(
            "All open maps hold labels, not numbers. Compare with them under *Agree with labels*.",
            icon=":material/category:",
        )
        return
    update(**vars(complete(question(), scene.maps)))
    controls.choose_reference(scene)
    choose_roi(scene)
    try:
        target = open_target(scene, explorer.question(), question())
        found = find_scores(scene, explorer.question(), question(), target)
    except InputError as error:
        errors.show(error)
        return
    _facts(target, found)
    _progress(scene, target, found)
    _body(scene, target, found)


def _facts(target: Target, found: Scores) -> None:
    n = len(target.latents)
    name = errors.markdown_safe(target.reference.name)
    parts = [
        f"**{len(target.latents.dims)}** dimensions",
        f"**{target.paired:,}** of {n:,} points in the ROI have a latent and {name}",
    ]
    if target.unmatched:
        parts.append(f":material/link_off: {target.unmatched:,} points have no reference")
    missing = sum(map(bool, found.ranking.reasons))
    if missing:
        parts.append(
            f":material/block: {missing} of {len(target.latents.dims)} dimensions lack a score; "
            "the table says why"
        )
    st.caption(" · ".join(parts))
    for note in found.notes:
        if note.code not in _SHOWN_OTHERWISE:
            said = errors.page_words(note.replace("--sample all", _ALL_POINTS))
            st.caption(f":material/info: {errors.markdown_safe(said)}")


def _progress(scene: Scene, target: Target, found: Scores) -> None:
    """Tell what is still computed, and offer to start it where it takes long."""
    if found.complete:
        return
    record = found.record
    if record is not None and record.active:
        job_panel(record.id)
        return
    if record is not None and record.error:
        errors.show(LatentError(record.error))
    seconds = seconds_for(target, question())
    about = f"about {max(1, round(seconds / 60))} min" if seconds > 60 else "some seconds"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Compute the other metrics", icon=":material/play_arrow:", type="primary"):
            start(scene, explorer.question(), question(), target)
            st.rerun()
        st.caption(
            "Pearson, Spearman and the partial correlation are below; the others, and what chance "
            f"would give, take {about} in the background."
        )


def _body(scene: Scene, target: Target, found: Scores) -> None:
    ranking = found.ranking
    asked = question()
    by = asked.by if asked.by in ranking.scores else next(iter(ranking.scores))
    _sorted_by(list(ranking.scores), by)
    table.show_table(found, by, f"{target.key}.{found.complete}")
    _meaning(found, by)
    detail.show_detail(scene, target, found, table.picked(ranking, by))
    names = [":material/grid_on: Ranks by metric", ":material/download: Download"]
    if scene.partitions is not None:
        names.append(":material/stacks: Across scans")
    ranks, files, *several = st.tabs(names, key="rank.tab")
    with ranks:
        overview.show_ranks(ranking, complete=found.complete)
    with files:
        overview.show_downloads(scene, target, ranking)
    for tab in several:
        with tab:
            across.show_across(scene, target)


def _meaning(found: Scores, by: str) -> None:
    """Say what intervals and p-values mean, in two sentences."""
    if found.sure_of(by) is None:
        if found.complete and by not in question().sure:
            st.caption(
                f"No intervals and p-values by {titles()[by]}: choose it under *Metrics*, "
                "*Intervals and chance*."
            )
        return
    st.caption(
        "**Interval**: how far the score would vary on other pieces of such a specimen, found by "
        "scoring random halves of the map made of whole blocks, because neighboring points are "
        "not independent. **p (chance)**: how often the best of all dimensions would score so "
        "high against a map as smooth as the reference but unrelated to the latents; above 0.05, "
        "in gray, a rank means nothing."
    )


def _sorted_by(metrics: list[str], by: str) -> None:
    key = "rank.by"
    st.session_state[key] = by
    st.segmented_control(
        "Sorted by",
        metrics,
        format_func=titles().__getitem__,
        key=key,
        required=True,
        on_change=lambda: update(by=st.session_state[key], pick=None),
        help="The strongest first; metrics with a sign by their absolute value.",
    )
