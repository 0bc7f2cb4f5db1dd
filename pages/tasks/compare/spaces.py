"""The embeddings that stand side by side: each encoder's own, or all turned onto the first."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.containers import sample_rows
from latentcore.errors import InputError
from pages.jobs.panel import progress_text, runner
from pages.jobs.work import Told
from pages.scan.state import ScanState
from pages.tasks.compare.compared import Compared
from pages.view import embeddings
from pages.view.embeddings import EmbeddingView
from pages.view.question import Question
from pages.view.scene import Scene, open_scene

ALIGNED, PCA, UMAP = "aligned", "pca", "umap"
METHODS = {ALIGNED: "PCA, aligned", PCA: "PCA", UMAP: "UMAP"}
HELP = (
    "PCA, aligned: all in the two principal axes of the first, the others turned and scaled onto "
    "it (Procrustes), so that what moved stands out. PCA, UMAP: each by itself; axes, and what "
    "lies left or right, mean nothing between them."
)


def spaces(
    scene: Scene, question: Question, found: Compared, method: str, messages: list[str]
) -> dict[str, EmbeddingView]:
    """Return the embedding of each set of latents at the points in view.

    `messages` takes why one is missing.
    """
    views = {}
    for name in found.places:
        try:
            view = _space(scene, question, found, method, name, messages)
        except InputError as error:
            messages.append(f"{found.called[name]}: {error}")
            continue
        if view is not None:
            views[name] = replace(view, title=found.called[name])
    return views


def umaps_under_way(scene: Scene, question: Question, found: Compared) -> tuple[str, ...]:
    """Return the jobs of the UMAPs that are being computed for a comparison."""
    scenes = [_own_scene(scene, place) for place in found.places.values()]
    own_umap = question.changed(space="")
    records = [embeddings.umap_job(own, own_umap) for own in scenes]
    return tuple(record.id for record in records if record is not None and record.active)


def told_of(jobs: tuple[str, ...]) -> Told | None:
    """Return how far these are; None as soon as one of them has ended."""
    records = [runner().get(job) for job in jobs]
    active = [record for record in records if record is not None and record.active]
    if len(active) < len(jobs):
        return None
    running = next((one for one in active if one.state == "running"), active[0])
    more = f", {len(active) - 1} more to come" * (len(active) > 1)
    cancelling = all(one.cancelling for one in active)
    return Told(f"{running.title} ({progress_text(running)}){more}", cancelling)


def _own_scene(scene: Scene, place: str) -> Scene:
    """Return what latents have by themselves; of those in view the scene with its maps."""
    return scene if place == scene.scan.latents else open_scene(ScanState(latents=place))


def _space(
    scene: Scene, question: Question, found: Compared, method: str, name: str, messages: list[str]
) -> EmbeddingView | None:
    if method == ALIGNED:
        return _aligned(found, name)
    own = _own_scene(scene, found.places[name])
    view = (
        embeddings.pca_view(own)
        if method == PCA
        else _umap(own, question, found.called[name], messages)
    )
    return view if view is None or own is scene else _moved(scene, own, view)


def _umap(own: Scene, question: Question, called: str, messages: list[str]) -> EmbeddingView | None:
    question = question.changed(space="")
    record = embeddings.umap_job(own, question)
    if record is None:
        messages.append(f"A UMAP of {called} takes minutes: start it on Explore.")
        return None
    if record.finished:
        return embeddings.umap_view(own, question, record, messages)
    if not record.active:  # else the page says how far it is
        messages.append(f"UMAP of {called}: {record.error or 'it was stopped'}")
    return None


def _aligned(found: Compared, name: str) -> EmbeddingView:
    first = next(iter(found.places))
    key = f"{found.key}|{name}"
    return EmbeddingView(
        _panel(key), name, found.aligned[name], key,
        labels=("first axis", "second axis"),
        note="principal axes" if name == first else "turned and scaled",
    )  # fmt: skip


def _moved(scene: Scene, own: Scene, view: EmbeddingView) -> EmbeddingView:
    """Lay the embedding of other latents on the points in view."""
    key = f"{scene.about}|{own.about}|{view.panel}|{view.key}"
    return replace(
        view, panel=_panel(key), key=key, coordinates=_coordinates(key, scene, own, view),
        place=None,
    )  # fmt: skip


@st.cache_resource(max_entries=16, show_spinner=False)
def _coordinates(key: str, _scene: Scene, _own: Scene, _view: EmbeddingView) -> NDArray[np.float32]:
    del key
    rows = sample_rows(_scene.latents, _own.latents)
    found = _view.coordinates[rows].astype(np.float32)
    found[rows < 0] = np.nan
    return found


def _panel(key: str) -> str:
    """Return the id of a panel whose strokes mean nothing in any other."""
    return f"compare-{hashlib.blake2b(key.encode(), digest_size=6).hexdigest()}"
