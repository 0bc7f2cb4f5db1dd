"""Embeddings of other latents in which those in view can be placed: what earlier jobs fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.artifacts.embedding_model import EMBEDDING_MODEL, read_embedding_model
from latentcore.artifacts.stored_embedding import embedding_points
from latentcore.errors import InputError
from latentcore.inputs.encoders import Made, made
from latentcore.jobs import JobRecord
from pages.access import identity, places
from pages.access.identity import User
from pages.jobs.panel import runner
from pages.view.question import Question
from pages.view.scene import Scene

_MOST_JOBS, _SEEN_S = 500, 10


def space_of(question: Question) -> JobRecord | None:
    """Return the job whose embedding the points are placed in; None for their own, or if gone."""
    record = runner().get(question.space) if question.space else None
    known = record is not None and record.finished and record.verb == "project"
    return record if known else None


def spaces(scene: Scene) -> dict[str, str]:
    """Return the embeddings of other latents of the same encoder, as titles by their job."""
    wanted = made(scene.latents)
    if wanted.encoder is None:
        return {}
    own = places.location(scene.scan.latents) if scene.scan.latents else ""
    return {
        job: title
        for job, title, of, latents in _fitted_spaces(identity.current_user())
        if of == wanted and latents != own
    }


@st.cache_data(ttl=_SEEN_S, max_entries=64, show_spinner=False)
def _fitted_spaces(user: User) -> list[tuple[str, str, Made, str]]:
    del user  # part of the key: others see other jobs
    found = []
    for record in runner().list(_MOST_JOBS):
        model = record.folder / EMBEDDING_MODEL
        if record.verb != "project" or not record.finished or record.request.get("into"):
            continue
        try:
            of = _fitted_on(str(model), str(record.ended))
        except InputError:
            continue  # an older one, or damaged
        found.append((record.id, record.title, of, str(record.request.get("latents"))))
    return found


@st.cache_data(max_entries=_MOST_JOBS, show_spinner=False)
def _fitted_on(model: str, ended: str) -> Made:
    del ended
    read = read_embedding_model(Path(model))
    return Made(read.dims, read.encoder)


def reference_of(space: JobRecord) -> NDArray[np.float32]:
    """Return the points of an embedding, or some of very many, shape (m, 2)."""
    return _reference(space.run_id, str(space.ended), space)


@st.cache_resource(max_entries=8, show_spinner=False)
def _reference(run: str, ended: str, _space: JobRecord) -> NDArray[np.float32]:
    del run, ended
    return embedding_points(_space.folder)
