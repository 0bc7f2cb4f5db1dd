"""Labeling: regions are classes, a probe learns them and says where to label next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.probes import PROBES, make_probe
from latentcore.analysis.regions.propagation import Propagation, propagate
from latentcore.cells import csv_bytes
from latentcore.containers import LatentSet, Region, RegionSet, ScanPoints
from latentcore.errors import InputError
from latentcore.outputs.regions import lay, propagated_table
from pages.frame import errors
from pages.frame.errors import markdown_safe
from pages.frame.tables import show_table
from pages.regions.files import kept_file, regions_request
from pages.regions.kept import Kept, change
from pages.results.verb_files import show_files
from pages.scan.derived_maps import keep_as_maps
from pages.view import session
from pages.view.question import Question
from pages.view.scene import Scene

TAB = "label"
_LAST = "regions_propagated"
_PROBLEM = "regions_propagation_problem"
_MAP = "propagated"
_CLASS, _PROBABILITY, _MARGIN = "propagated class", "class probability", "class margin"
_NEXT_IN_A_ROW = 4


@dataclass(frozen=True, eq=False)
class _Answer:
    """What was propagated last, and from which points."""

    latents: LatentSet
    classes: RegionSet
    key: str
    found: Propagation


def marked(latents: LatentSet) -> tuple[int, ...]:
    """Return the points to label next, while this tab is open."""
    last = _last(latents)
    if last is None or st.session_state.get("explore.tab") != TAB:
        return ()
    return tuple(int(row) for row in last.found.next_rows)


def _last(latents: LatentSet) -> _Answer | None:
    last: _Answer | None = st.session_state.get(_LAST)
    return last if last is not None and last.latents.fingerprint == latents.fingerprint else None


def show(scene: Scene, question: Question, kept: Kept, selected: NDArray[np.bool_]) -> None:
    """Ask for classes and classifier, propagate, and show what came of it.

    Parameters
    ----------
    selected : ndarray of bool, shape (n,)
        The points that are selected now.
    """
    if len(kept.shown) < 2:
        st.info(
            "Two regions at least are needed as classes: keep some points of each. Brush a few "
            "places of one class in one stroke after the other (“Add to the selection” above the "
            "panels), and keep them as one region.",
            icon=":material/label:",
        )
        return
    classes, classifier = _ask(kept.shown)
    if len(classes) < 2:
        st.caption("Choose two classes at least.")
        return
    _assign(kept.latents, classes, selected, question.pinned)
    key = _key(kept, classes, classifier)
    st.button(
        "Propagate", key="regions.propagate", type="primary", icon=":material/auto_awesome:",
        on_click=_propagate, args=(kept, classes, classifier, key),
        help="The classifier learns the points of these regions and tells the class of every point "
        "of the scan. Points in two of them count for the upper one.",
    )  # fmt: skip
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        errors.show(problem)
    last = _last(kept.latents)
    if last is None:
        return
    if last.key != key:
        st.caption(
            ":material/history: What follows is of classes as they were before: propagate again."
        )
    _result(last)
    if last.key == key:
        place = kept_file(kept, classes)
        asked = regions_request(scene, question, place, propagate=True, classifier=classifier)
        show_files("label_files", "regions", asked, "Propagated labels", about=key,
                   label="All files")  # fmt: skip


def _ask(regions: RegionSet) -> tuple[RegionSet, str]:
    known = {region.id: region for region in reversed(regions.regions)}
    left, right = st.columns([3, 1])
    chosen = left.multiselect(
        "Classes", list(known), default=list(known), key=f"regions.classes.{hash(tuple(known))}",
        format_func=lambda one: known[one].name if one in known else "",
    )  # fmt: skip
    classifier = right.selectbox(
        "Classifier", PROBES.names(), index=PROBES.names().index("logistic"),
        format_func=lambda name: PROBES.get(name).title, key="regions.classifier",
    )  # fmt: skip
    kept = tuple(region for region in regions.regions if region.id in chosen)
    return replace(regions, regions=kept), classifier


def _assign(
    latents: LatentSet, classes: RegionSet, selected: NDArray[np.bool_], pinned: int | None
) -> None:
    """Offer to add what is selected, or else the pinned point, to one of the classes."""
    mask, n = selected, int(selected.sum())
    if n == 0 and pinned is not None:
        mask = np.zeros(len(latents), np.bool_)
        mask[pinned] = True
    if not mask.any():
        st.caption(
            "Brush, or click a point, to add it to one of the classes; a click shows its pattern."
        )
        return
    what = f"The {n:,} selected points are" if n else f"The pinned point {pinned} is"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(what, width="content")
        for region in reversed(classes.regions):
            st.button(
                markdown_safe(region.name), key=f"regions.assign.{region.id}",
                on_click=_add, args=(latents, region, classes, mask),
            )  # fmt: skip


def _add(latents: LatentSet, region: Region, classes: RegionSet, mask: NDArray[np.bool_]) -> None:
    """Add points to a class, and take them from the others."""
    others = {one.id for one in classes.regions} - {region.id}

    def act(regions: RegionSet) -> RegionSet:
        points = regions.place(ScanPoints.of_latents(latents)).points(mask)
        for one in regions.regions:
            if one.id == region.id:
                regions = regions.changed(one.id, points=np.union1d(one.points, points))
            elif one.id in others:
                rest = np.setdiff1d(one.points, points)
                if len(rest) < len(one.points):
                    regions = regions.changed(one.id, points=rest)
        return regions

    change(latents, act, f"add to {region.name}")


def _key(kept: Kept, classes: RegionSet, classifier: str) -> str:
    parts = [classifier, *(f"{kept.digests[one.id]} {one.name}" for one in classes.regions)]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


def _propagate(kept: Kept, classes: RegionSet, classifier: str, key: str) -> None:
    try:
        found = _propagated(key, kept, classes, classifier)
        if kept.latents.grid is not None:
            _keep_maps(kept.latents, found)
            session.update(color=_CLASS, limits=None)
    except InputError as error:
        st.session_state[_PROBLEM] = error
        return
    st.session_state[_LAST] = _Answer(kept.latents, classes, key, found)


@st.cache_resource(max_entries=8, show_spinner="Labeling all points …")
def _propagated(key: str, _kept: Kept, _classes: RegionSet, classifier: str) -> Propagation:
    del key  # only part of the cache's key
    labels = _classes.labels(_kept.placed)
    probe = make_probe(classifier, {})
    return propagate(_kept.latents, labels, _classes.names, classifier=probe)


def _keep_maps(latents: LatentSet, found: Propagation) -> None:
    assert latents.grid is not None
    names = np.array([*found.names, None], object)
    keep_as_maps(
        _MAP,
        latents.grid,
        {
            _CLASS: names[found.labels],
            _PROBABILITY: found.probability.astype(np.float32),
            _MARGIN: found.margin.astype(np.float32),
        },
    )


def _result(last: _Answer) -> None:
    latents, found = last.latents, last.found
    scores = found.scores
    squares = "whole squares of the scan" if latents.grid is not None else "samples at random"
    with st.container(horizontal=True):
        st.metric(
            "Accuracy", f"{scores.accuracy:.3f}",
            help="Of the labeled points, each predicted by a classifier that has not seen its "
            f"part: {squares} are left out in turn. Always saying the most frequent class would "
            f"make {scores.baseline_accuracy:.3f}.",
        )  # fmt: skip
        st.metric("Macro F1", f"{scores.macro_f1:.3f}", help="Mean over the classes, each alike.")
        counts = np.bincount(found.labels[found.labels >= 0], minlength=len(found.names))
        for name, n in zip(found.names[:4], counts, strict=False):
            st.metric(
                markdown_safe(name), f"{n:,}", help="Points of this class, of the whole scan."
            )
    for note in found.notes:
        st.caption(f":material/info: {markdown_safe(note)}")
    _ways_to_look(latents)
    _next(latents, found)
    with st.expander("By class", icon=":material/table:"):
        show_table(pd.DataFrame([vars(one) for one in scores.classes]))
    st.download_button(
        "propagated.csv", data=lambda: _csv(last), file_name="propagated.csv",
        mime="text/csv", icon=":material/download:", on_click="ignore",
        key="regions.get.propagated",
        help="x, y, region, and how probable it is. The classes are a map of the scan as well.",
    )  # fmt: skip


def _ways_to_look(latents: LatentSet) -> None:
    if latents.grid is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Color the panels by", width="content")
        for name in (_CLASS, _PROBABILITY, _MARGIN):
            st.button(
                name, key=f"regions.color_by.{name}", type="tertiary",
                on_click=lambda name=name: session.update(color=name, limits=None),
            )  # fmt: skip


def _next(latents: LatentSet, found: Propagation) -> None:
    """List the points to label next; a click pins one, so that its pattern is shown."""
    if not len(found.next_rows):
        return
    st.markdown("**To label next**: where the classes are closest, spread over the scan")
    grid = latents.grid
    columns = st.columns(_NEXT_IN_A_ROW)
    for number, row in enumerate(found.next_rows):
        shares = found.probabilities[row]
        first, second = np.argsort(-shares, kind="stable")[:2]
        where = f"row {row}" if grid is None else f"x {grid.x[row]:g}, y {grid.y[row]:g}"
        between = (
            f"{found.names[first]} {100 * shares[first]:.0f} %, "
            f"{found.names[second]} {100 * shares[second]:.0f} %"
        )
        columns[number % _NEXT_IN_A_ROW].button(
            where, key=f"regions.next.{row}", icon=":material/my_location:", width="stretch",
            help=markdown_safe(between), on_click=_pin, args=(int(row),),
        )  # fmt: skip


def _pin(row: int) -> None:
    """Show one point, and let go of the selection, so that the point itself is labeled."""
    question = session.question()
    session.update(pinned=row, selections={**question.selections, question.active: ()})


def _csv(last: _Answer) -> bytes:
    laid = lay(last.classes, ScanPoints.of_latents(last.latents))
    return csv_bytes(propagated_table(laid, last.found))
