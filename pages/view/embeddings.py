"""Embeddings of the latents: PCA at once, UMAP by a job; computed once for all sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.landmarks import MOST_FITTED
from latentcore.analysis.principal_components import (
    PrincipalComponents,
    pca,
    pca_of_rows,
    place_by_axes,
    principal_components,
)
from latentcore.artifacts.embedding_model import EMBEDDING_MODEL, read_embedding_model
from latentcore.containers import Embedding, LatentSet, later, lazy_fields
from latentcore.errors import InputError
from latentcore.inputs.embedding_models import placed_in
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS, StoredEmbedding, pca_panel, read_embedding
from pages.access import places
from pages.jobs.latents_names import lasting_name
from pages.jobs.panel import runner
from pages.view.known_spaces import reference_of, space_of
from pages.view.question import Question
from pages.view.scene import Scene
from pages.view.scene_rows import rows_file

# A UMAP of more points than this takes minutes: it starts when somebody asks for it.
UMAP_STARTS_ITSELF = MOST_FITTED
_UMAP = "explore_umap"


def pca_embedding(scene: Scene) -> Embedding:
    """Return the first two principal components of the latents in view.

    Raises `RequestError` if there are too few latents or dimensions.
    """
    return _pca(scene.embedded_key, scene)


@st.cache_resource(max_entries=8, show_spinner=False)
def _pca(about: str, _scene: Scene) -> Embedding:
    del about
    if _scene.only is None:
        return pca(_scene.latents)
    return pca_of_rows(_scene.latents, _scene.only)


@st.cache_resource(max_entries=8, show_spinner=False)
def _components(about: str, _latents: LatentSet) -> PrincipalComponents:
    del about
    return principal_components(_latents)


@st.cache_resource(max_entries=2, show_spinner=False)
def _placed(about: str, _latents: LatentSet) -> NDArray[np.float32]:
    return _components(about, _latents).coordinates(_latents)


def umap_job(scene: Scene, question: Question, *, start: bool = False) -> JobRecord | None:
    """Return the job that computes the UMAP, started if it isn't there and may start.

    With `start`, somebody asked for it: however long it takes, and though it was cancelled. None
    where it has to be asked for; one that was cancelled or failed stays so until then.
    """
    assert scene.scan.latents is not None
    asked = _umap_asked(scene, question)
    known = st.session_state.get(_UMAP + scene.only_key)
    if not start and known is not None and known[0] == asked:
        record = runner().get(known[1])
        if record is not None and (record.active or record.finished):
            return record
    own = {
        "method": "umap",
        "neighbors": question.neighbors,
        "min_dist": question.min_dist,
        "metric": question.metric,
        "fit_roi": _landmarks_roi(scene, question),
    }
    space = space_of(question)
    request = VERBS.get("project").request(
        latents=places.location(scene.scan.latents),
        rows=rows_file(scene),
        **(own if space is None else {"into": str(space.folder)}),
    )
    if start or scene.n_in_view <= UMAP_STARTS_ITSELF:
        some = "" if scene.only is None else f"{scene.n_in_view:,} {scene.points} of "
        title = f"UMAP of {some}{lasting_name(scene.scan.latents)}"
        if space is not None:
            title = f"{some}{lasting_name(scene.scan.latents)} in: {space.title}"
        record = runner().submit("project", request, title=title, automatic=not start)
    else:
        record = runner().find("project", request)
    if record is not None:
        st.session_state[_UMAP + scene.only_key] = (asked, record.id)
    return record


def finished_umap(scene: Scene, question: Question) -> JobRecord | None:
    """Return the finished job of the UMAP that this session asked for; starts none."""
    known = st.session_state.get(_UMAP + scene.only_key)
    if known is None or known[0] != _umap_asked(scene, question):
        return None
    record = runner().get(known[1])
    return record if record is not None and record.finished else None


def _umap_asked(scene: Scene, question: Question) -> tuple[object, ...]:
    if space_of(question) is not None:
        return (scene.embedded_key, question.space)
    landmarks = _landmarks_roi(scene, question)
    return (
        scene.embedded_key, question.neighbors, question.min_dist, question.metric, landmarks
    )  # fmt: skip


def has_landmarks(scene: Scene) -> bool:
    """Whether a UMAP of these points is laid out on some of them only."""
    return scene.n_in_view > UMAP_STARTS_ITSELF


def _landmarks_roi(scene: Scene, question: Question) -> tuple[float, ...] | None:
    return question.landmarks if has_landmarks(scene) and scene.latents.grid is not None else None


def stored_embedding(scene: Scene, record: JobRecord) -> StoredEmbedding:
    """Read the embedding that a finished job left.

    Raises `InputError` if it is damaged or about other samples.
    """
    return _stored(f"{scene.embedded_key}|{record.run_id}|{record.ended}", scene, record)


@st.cache_resource(max_entries=8, show_spinner=False)
def _stored(key: str, _scene: Scene, _record: JobRecord) -> StoredEmbedding:
    del key
    return read_embedding(str(_record.folder / "embedding.parquet"), _scene.latents, _scene.only)


@lazy_fields("coordinates")
@dataclass(frozen=True, eq=False)
class EmbeddingView:
    """The embedding panel's content.

    Attributes
    ----------
    panel : str
        Its id, which says which embedding it is.
    coordinates : ndarray of float32, shape (n, 2)
    key : str
        Changes when the coordinates do.
    note : str
        A short remark beside the title.
    labels : tuple of str
        Of both axes.
    graticule : bool
        Whether the coordinates are longitude and latitude; then it is shown whatever else is.
    place : callable or None
        Returns the coordinates of some rows, where those of all are not at hand.
    place_new : callable or None
        Returns the coordinates of other latents (m, d), by the method that made the embedding.
    reference : ndarray of float32, shape (m, 2), or None
        Among which the points were placed, where they were; they lie under them in gray.
    """

    panel: str
    title: str
    coordinates: NDArray[np.float32]
    key: str
    note: str = ""
    labels: tuple[str, str] = ("", "")
    graticule: bool = False
    place: Callable[[NDArray[np.int64]], NDArray[np.float32]] | None = None
    place_new: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None
    reference: NDArray[np.float32] | None = None

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the coordinates of some rows, shape (m, 2)."""
        return self.coordinates[rows] if self.place is None else self.place(rows)


def shown_view(scene: Scene, question: Question) -> EmbeddingView | None:
    """Return the embedding in view, without starting one; None where there is none."""
    if question.embedding == "umap" and len(scene.latents.dims) > 1:
        record = finished_umap(scene, question)
        if record is not None:
            return umap_view(scene, question, record, [])
    try:
        return pca_view(scene)
    except InputError:
        return None


def pca_view(scene: Scene) -> EmbeddingView:
    """Return the first two principal components of the latents, as a panel shows them."""
    latents, by_need = scene.latents, scene.latents.stored is not None and scene.only is None
    found = _components(scene.about, latents) if by_need else pca_embedding(scene)
    ratios = [100 * ratio for ratio in found.scores.values()]
    place = partial(found.coordinates, latents) if isinstance(found, PrincipalComponents) else None
    every = later(partial(_placed, scene.about, latents))
    return EmbeddingView(
        pca_panel(scene.only),
        f"PCA of the {_what(scene)}",
        found.coordinates if isinstance(found, Embedding) else every,
        f"{scene.embedded_key}|pca",
        note=f"{sum(ratios):.0f} % of the variance",
        labels=tuple(  # type: ignore[arg-type]
            f"component {number} ({ratio:.1f} %)" for number, ratio in enumerate(ratios, start=1)
        ),
        place=place,
        place_new=partial(place_by_axes, fitted=_axes(found)),
    )


def _axes(found: Embedding | PrincipalComponents) -> Mapping[str, NDArray[np.floating]]:
    return (
        found.fitted if isinstance(found, Embedding) else {"mean": found.mean, "axes": found.axes}
    )


def _what(scene: Scene) -> str:
    return "latents" if scene.only is None else "selection"


def _landmarks_text(parameters: object) -> str:
    """Tell how many points a UMAP was laid out on, if not all; nothing of an older report."""
    known = parameters if isinstance(parameters, dict) else {}
    landmarks, used = known.get("n_fitted"), known.get("n_used")
    if not (isinstance(landmarks, int) and isinstance(used, int) and landmarks < used):
        return ""
    inside = known.get("n_fitted_in_roi")
    first = f" ({inside:,} in the ROI of then)" if isinstance(inside, int) else ""
    return f", {landmarks:,} landmarks{first}"


def umap_view(
    scene: Scene, question: Question, record: JobRecord, messages: list[str]
) -> EmbeddingView | None:
    """Return the UMAP that a job computed; None, and a message more, where it can't be read."""
    try:
        stored = stored_embedding(scene, record)
    except InputError as error:
        messages.append(f"The UMAP can't be shown: {error}")
        return None
    score = stored.report.get("trustworthiness")
    note = f"{question.neighbors} neighbors, distance {question.min_dist:g}"
    note += _landmarks_text(stored.report.get("parameters"))
    if isinstance(score, float):
        note += f", trustworthiness {score:.3f}"
    title, labels, reference = f"UMAP of the {_what(scene)}", ("UMAP 1", "UMAP 2"), None
    space = space_of(question)
    if space is not None:
        reference = reference_of(space)
        title = f"Placed in: {space.title}"
        note = f"{len(reference):,} of its points in gray"
        method = "UMAP" if stored.report.get("method") == "umap" else "component"
        labels = (f"{method} 1", f"{method} 2")
    return EmbeddingView(
        stored.panel, title, stored.coordinates, stored.fingerprint, note=note, labels=labels,
        place_new=partial(_place_by_umap, record.folder / EMBEDDING_MODEL), reference=reference,
    )  # fmt: skip


def _place_by_umap(model: Path, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Place latents in a UMAP that a job has fitted; raises `InputError` where it can't be."""
    return placed_in(read_embedding_model(model), values)[1]
