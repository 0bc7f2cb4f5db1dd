"""The embedding panel: PCA at once, UMAP when its job is done."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.landmarks import MOST_FITTED
from latentcore.errors import InputError
from latentcore.jobs import JobRecord
from pages.frame import errors, workspace
from pages.frame.units import duration_text
from pages.jobs import work
from pages.jobs.panel import cancel, runner, waiting_text
from pages.tasks.explore import panel_choices
from pages.view import embeddings, session
from pages.view.embeddings import EmbeddingView, pca_view, umap_view
from pages.view.known_spaces import space_of
from pages.view.question import Question
from pages.view.scene import Scene

_GRATICULE = "graticule"
# The UMAP that this session has cancelled; other sessions learn that somebody else did.
_CANCELLED = "explore_umap_cancelled"


def views(
    scene: Scene, question: Question
) -> tuple[dict[str, EmbeddingView], str | None, tuple[str, ...]]:
    """Return the embeddings there are, which of them is shown, and notices about it."""
    found: dict[str, EmbeddingView] = {}
    messages: list[str] = []
    try:
        pca = pca_view(scene)
        found[pca.panel] = pca
    except InputError as error:
        messages.append(str(error))
    shown = next(iter(found), None)
    # Strokes drawn in the UMAP keep their meaning while PCA is shown.
    chosen = panel_choices.wants_umap(question)
    wanted = question.embedding == "umap" or chosen or _drawn_in_umap(question)
    if wanted and len(scene.latents.dims) > 1:
        umap = _umap_or_state(scene, question, messages)
        if umap is not None:
            found[umap.panel] = umap
            if question.embedding == "umap":
                shown = umap.panel
    if scene.places is not None:
        found[_GRATICULE] = _graticule(scene, scene.places)
    return found, shown, tuple(messages)


def _graticule(scene: Scene, places: NDArray[np.float32]) -> EmbeddingView:
    known = int(np.isfinite(places).all(axis=1).sum())
    missing = len(places) - known
    return EmbeddingView(
        _GRATICULE, "Where the samples lie", places, f"{scene.key}|{_GRATICULE}",
        note=f"{missing:,} without a place" if missing else "plate carrée",
        labels=("longitude (°)", "latitude (°)"), graticule=True,
    )  # fmt: skip


def _drawn_in_umap(question: Question) -> bool:
    return any(
        shape.panel.startswith("umap-")
        for shapes in question.selections.values()
        for shape in shapes
    )


def _umap_or_state(scene: Scene, question: Question, messages: list[str]) -> EmbeddingView | None:
    """Return the UMAP; where there is none yet, show its progress and what can be done."""
    if question.space and space_of(question) is None:
        messages.append("The embedding that the points were placed in is gone: this is their own.")
    try:
        record = embeddings.umap_job(scene, question)
    except OSError as error:
        told = workspace.trouble(error)
        if told is None:
            raise
        messages.append(" ".join((*str(told).split("\n"), "PCA is shown.")))
        return None
    with st.container(key="explore-notice-umap"):
        if record is not None and record.active:
            _wait(scene, question, record.id)
        elif record is None or not record.finished:
            _offer(scene, question, record)
        elif _own_landmarks(scene, question) and question.roi != question.landmarks:
            _offer_other_landmarks(scene, question)
    return umap_view(scene, question, record, messages) if record and record.finished else None


def _own_landmarks(scene: Scene, question: Question) -> bool:
    """Whether the UMAP is of these points, and laid out on some of them only."""
    return space_of(question) is None and embeddings.has_landmarks(scene)


def _wait(scene: Scene, question: Question, job: str) -> None:
    """Tell how far the UMAP is, let it be cancelled, and show it as soon as it is there."""
    work.wait_for(
        f"explore.umap.cancel.{job}",
        partial(_told, job),
        partial(_cancel, job),
        "PCA stays; nothing else is lost. Whoever else waits for this UMAP is told.",
        partial(_offer_not_to_wait, scene, question, job),
    )


def _told(job: str) -> work.Told | None:
    record = runner().get(job)
    if record is None or not record.active:
        return None
    return work.Told(f"{_progress_text(record)} PCA is shown meanwhile.", record.cancelling)


def _offer_not_to_wait(scene: Scene, question: Question, job: str) -> None:
    record = runner().get(job)
    if record is not None and record.automatic and record.state == "queued":
        st.button(
            "Don't wait",
            key=f"explore.umap.now.{job}",
            icon=":material/play_arrow:",
            type="tertiary",
            on_click=_start,
            args=(scene, question),
            help="Computes it before what nobody asked for.",
        )


def _progress_text(record: JobRecord) -> str:
    if record.cancelling:
        return "UMAP stops at its next step."
    if record.state == "queued":
        return f"UMAP waits. {waiting_text(record)}"
    share = f" {100 * record.share:.0f} %" if record.total else ""
    step = (record.message or "starting").removeprefix("UMAP: ")
    return f"UMAP is being computed: {step}{share}, {duration_text(record.elapsed())}."


def _offer_other_landmarks(scene: Scene, question: Question) -> None:
    where = "all of the scan" if question.roi is None else "the ROI first"
    st.button(
        f"Lay out the UMAP on {where}", key="explore.umap.landmarks",
        icon=":material/filter_center_focus:", type="tertiary", on_click=_start,
        args=(scene, question),
        help=f"It has {MOST_FITTED:,} landmarks, drawn evenly from there; all other points are "
        "placed among them. Takes minutes; the link remembers it.",
    )  # fmt: skip


def _start(scene: Scene, question: Question) -> None:
    """Compute the UMAP; of very many points, on those of the ROI first."""
    if _own_landmarks(scene, question):
        session.update(landmarks=question.roi)
    embeddings.umap_job(scene, session.question(), start=True)


def _cancel(job: str) -> None:
    st.session_state[_CANCELLED] = job
    cancel(job)


def _offer(scene: Scene, question: Question, record: JobRecord | None) -> None:
    """Tell why there is no UMAP, and offer to compute it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if record is not None:
            text = errors.markdown_safe(_why_none(record))
            st.caption(f":material/hide_source: {text} PCA is shown.", width="content")
        st.button(
            f"Compute the UMAP of {scene.n_in_view:,} points",
            key="explore.umap.start",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(scene, question),
            help=f"Of more than {MOST_FITTED:,} points it is laid out on so many, those of the ROI "
            "first where there is one, and the others are placed among them.",
        )


def _why_none(record: JobRecord) -> str:
    if record.state == "failed":
        return f"The UMAP failed: {record.error}"
    if record.state == "finished":
        return "The UMAP was deleted."
    if record.state == "interrupted":
        return "The server stopped while the UMAP was being computed."
    mine = st.session_state.get(_CANCELLED) == record.id
    return f"The UMAP was cancelled{'' if mine else ' in another session'}."
