"""The Domains page from top to bottom: settings, plateau plot, maps, and what was found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.exploration import selected_by_slot
from latentcore.analysis.panel_ids import panel_axes
from latentcore.analysis.selection import Shape
from latentcore.errors import InputError, RequestError
from pages.frame import errors, navigation
from pages.frame.theme import tones
from pages.panels.linked_panels import Plateau, linked_panels, read_state
from pages.scan import loading
from pages.scan.missing import no_latents
from pages.scan.state import ScanState
from pages.tasks.domains import asked as question_of
from pages.tasks.domains import compare, distributions, downloads, settings, table
from pages.tasks.domains.asked import Asked
from pages.tasks.domains.found import (
    Cut,
    Found,
    counts_of,
    cut_of,
    find_domains,
    min_size_of,
)
from pages.tasks.domains.panels_view import (
    MOST_PANELS,
    build_view,
    offered,
    parts_panel,
    usual,
)
from pages.view import session
from pages.view.question import Question
from pages.view.scene import Scene, complete, open_scene

_PANELS = "domains.panels"
_TABS = {
    "table": ":material/table_rows: Table",
    "distributions": ":material/bar_chart: Distributions",
    "compare": ":material/difference: Compare",
    "downloads": ":material/download: Keep and download",
}
Masks = Mapping[str, NDArray[np.bool_]]


def show(scan: ScanState) -> None:
    """Show the page for the scan in view."""
    st.title("Domains")
    if scan.latents is None:
        no_latents(scan)
        return
    problem = session.begin(loading.version(scan.latents))
    if problem:
        errors.show(RequestError(problem))
    scene = open_scene(scan)
    if scene.latents.grid is None:
        _no_grid()
        return
    session.replace_parts(complete(session.question(), scene))
    question_of.begin(scene.about)
    settings.show(scene)
    try:
        found = find_domains(scene, question_of.asked())
    except InputError as error:
        errors.show(error)
        question_of.write_url()
        return
    if found is not None:
        _domains(scene, found)
    session.write_url()
    question_of.write_url()


def _no_grid() -> None:
    st.info(
        "These latents have no coordinates, so their points have no neighbors and make no "
        "domains. Open latents that come with x and y.",
        icon=":material/wrong_location:",
    )
    navigation.link("data", "Open latents")


def _domains(scene: Scene, found: Found) -> None:
    asked = question_of.asked()
    cut = cut_of(scene, asked, found)
    if len(cut.table) == 0:
        st.warning("No point of this scan lies in a domain.", icon=":material/hexagon:")
        return
    question, masks = _panels(scene, asked, found, cut)
    _facts(scene, cut, found)
    tab = st.segmented_control(
        "Inspector", list(_TABS), format_func=_TABS.__getitem__, default="table",
        key="domains.tab", label_visibility="collapsed",
    )  # fmt: skip
    try:
        if tab == "distributions":
            distributions.show(scene, cut)
        elif tab == "compare":
            compare.show(scene, asked, cut)
        elif tab == "downloads":
            downloads.show(scene, asked, cut, masks[question.active])
        else:
            table.show_table(scene, cut, masks)
    except InputError as error:
        errors.show(error)


def _panels(scene: Scene, asked: Asked, found: Found, cut: Cut) -> tuple[Question, Masks]:
    question = session.question().in_panels([parts_panel(cut)])
    view = build_view(
        scene, question, asked, found, cut, _plateau(scene, asked, found, cut),
        shown=_shown(scene, asked, question), theme=tones().theme, messages=(),
    )  # fmt: skip
    linked_panels(view, key=_PANELS, on_change=lambda: _adopt(question.selections))
    axes = panel_axes(
        question.selections,
        latents=scene.latents,
        maps={},
        embeddings={parts_panel(cut): _axes_of(cut)},
    )
    return question, selected_by_slot(question.selections, axes, scene.inside(question))


def _axes_of(cut: Cut) -> NDArray[np.float32]:
    return np.column_stack([cut.labels, np.zeros(len(cut.labels))]).astype(np.float32)


def _shown(scene: Scene, asked: Asked, question: Question) -> list[str]:
    known = offered(scene, asked)
    wanted = usual(question) if asked.shown is None else asked.shown
    return [name for name in dict.fromkeys(wanted) if name in known][:MOST_PANELS]


def _adopt(shown: Mapping[str, tuple[Shape, ...]]) -> None:
    """Take over what the user did in panels that showed these strokes."""
    done = read_state(_PANELS)
    if done is not None:
        if dict(done.selections) != dict(shown):
            session.update(selections=done.selections)
        session.update(active=done.active, roi=done.roi, pinned=done.pinned)
        question_of.update(threshold=done.threshold)


def _plateau(scene: Scene, asked: Asked, found: Found, cut: Cut) -> Plateau:
    threshold = found.hierarchy.threshold
    return Plateau(
        thresholds=found.thresholds.tolist(),
        counts=counts_of(found, min_size_of(asked)),
        automatic=threshold.value,
        threshold=cut.threshold,
        found=cut.domains.count,
        note=f"confidence {threshold.confidence:.2f}",
        asked=asked.threshold,
        ari=compare.ari_curve(scene, asked, found) if asked.truth else None,
    )


def _facts(scene: Scene, cut: Cut, found: Found) -> None:
    """Show the numbers of the cut in a row."""
    grid = scene.latents.grid
    assert grid is not None
    table, threshold = cut.table, found.hierarchy.threshold
    unit = errors.markdown_safe(grid.unit)
    with st.container(horizontal=True):
        st.metric("Domains", f"{len(table):,}")
        st.metric(
            "Median diameter", f"{table['equivalent_diameter'].median():.4g} {unit}".strip(),
            help="Of the circle of the same area.",
        )  # fmt: skip
        st.metric("At the edge", f"{int(table['touches_border'].sum()):,}",
                  help="Domains that the edge of the scan cuts off.")  # fmt: skip
        st.metric("Threshold", f"{cut.threshold:.4g}{cut.domains.unit}",
                  help="Parts whose latents are farther apart are different domains.")  # fmt: skip
        st.metric(
            "Confidence", f"{threshold.confidence:.2f}",
            help="Of the automatic threshold: how deep the valley is in which it lies, 0 to 1.",
        )  # fmt: skip
    if threshold.confidence == 0:
        st.caption(
            ":material/info: No distance separates borders from what varies within domains: the "
            "automatic threshold takes all connected points as one. Move the slider to look."
        )
    missing = int((cut.labels < 0).sum())
    if missing:
        st.caption(f":material/block: {missing:,} points have no latent and are in no domain.")
    if session.question().roi is not None:
        st.caption(
            ":material/crop: Domains are those of the whole scan; the ROI limits selections."
        )
