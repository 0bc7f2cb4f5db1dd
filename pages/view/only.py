"""A view of a selection: its points alone are clustered, embedded and described."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.exploration import selected_rows
from latentcore.analysis.panel_ids import MAP_PANELS, panel_axes
from latentcore.analysis.selection import Shape
from latentcore.errors import RequestError
from pages.view import embeddings, session
from pages.view.question import NO_SELECTION, Question
from pages.view.scene import Scene

Panels = Mapping[str, NDArray[np.floating]]


def narrowed(
    scene: Scene, question: Question, drawn: Callable[[Mapping[str, Sequence[Shape]]], Panels]
) -> Scene:
    """Return the scene of those points that the question's view is of.

    Parameters
    ----------
    drawn : callable
        Returns the axes of the panels of regions that strokes name.

    Raises `RequestError` if a stroke was drawn where nothing is today, or no point is left.
    """
    frames: dict[str, NDArray[np.floating]] = {}
    for shapes in question.only:
        frames |= {**_frames(scene, question, shapes), **drawn({"A": shapes})}
        axes = panel_axes(
            {"A": shapes}, latents=scene.latents, maps=scene.map_values(), embeddings=frames
        )
        within = np.ones(len(scene.latents), np.bool_) if scene.only is None else scene.only
        rows = selected_rows(shapes, axes, within)
        if not (rows & scene.encoded).any():
            message = "The selection that this view shows holds no point with a latent."
            raise RequestError(message)
        scene = _scene_of(scene, rows)
    return scene


def _frames(
    scene: Scene, question: Question, shapes: Sequence[Shape]
) -> dict[str, NDArray[np.floating]]:
    """Return the axes of the embeddings that strokes were drawn in."""
    found: dict[str, NDArray[np.floating]] = {}
    if any(shape.panel.startswith("pca") for shape in shapes):
        view = embeddings.pca_view(scene)
        found[view.panel] = view.coordinates
    if any(shape.panel.startswith("umap-") for shape in shapes):
        record = embeddings.umap_job(scene, question)
        if record is not None and record.active:
            message = "The selection was drawn in a UMAP, which is being computed."
            raise RequestError(message)
        if record is not None and record.finished:
            stored = embeddings.stored_embedding(scene, record)
            found[stored.panel] = stored.coordinates
    return found


def _scene_of(scene: Scene, rows: NDArray[np.bool_]) -> Scene:
    digest = hashlib.blake2b(np.packbits(rows).tobytes(), digest_size=8).hexdigest()
    return _cached(f"{scene.key}|{digest}", digest, scene, rows)


# A scene keeps what it has computed, so the same one is wanted at each rerun.
@st.cache_resource(max_entries=8, show_spinner=False)
def _cached(key: str, digest: str, _scene: Scene, _rows: NDArray[np.bool_]) -> Scene:
    del key
    return replace(_scene, only=_rows, only_key=f"|{digest}")


def enter(question: Question, grid: bool) -> None:
    """Show only the active selection; the ROI that bounds it becomes a part of it."""
    shapes = question.selections[question.active]
    if question.roi is not None and grid:
        x0, x1, y0, y1 = question.roi
        shapes = (*shapes, Shape(MAP_PANELS[0], "box", ((x0, y0), (x1, y1)), "intersect"))
    session.update(only=(*question.only, shapes), selections=NO_SELECTION, roi=None)


def leave(question: Question) -> None:
    """Show all points again, and what was selected among them before."""
    selections = {**NO_SELECTION, "A": question.only[0]} if question.only else NO_SELECTION
    session.update(only=(), selections=selections, active="A", roi=None)
