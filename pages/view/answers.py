"""The numbers behind the Explore page, computed once per question and shared by all sessions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.clusterers import make_clusterer
from latentcore.analysis.exploration import cluster_roi, roi_features, roi_rows
from latentcore.analysis.features import Features
from latentcore.analysis.projection import pca
from latentcore.analysis.separation import Separation, separation
from latentcore.analysis.value_filters import kept_by
from latentcore.containers import Clustering, Embedding, Roi
from latentcore.errors import InputError, RequestError
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS, StoredEmbedding, read_embedding
from pages.access import places
from pages.jobs.panel import runner
from pages.view.question import Question
from pages.view.scene import Scene

__all__ = [
    "Clusters",
    "cluster_key",
    "clusters",
    "inside",
    "pca_embedding",
    "separation_of",
    "stored_embedding",
    "umap_at_hand",
    "umap_job",
]

# A UMAP of more points than this takes minutes: it starts when somebody asks for it.
UMAP_STARTS_ITSELF = 200_000
_UMAP = "explore_umap"

_NO_MAP = "Clusters need a map beside the latent. Open one on the Data page."
_NO_TABLE = (
    "Colors, filters and clusters by what is known of the samples need a table about them (lat, "
    "lon, ΔT …). Open one on the Data page: CSV or parquet with a column that names the samples."
)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of a view, or the reason why there are none."""

    clustering: Clustering | None
    problem: str = ""


def inside(scene: Scene, question: Question) -> NDArray[np.bool_]:
    """Return the points in the ROI that all filters keep, shape (n,).

    Raises
    ------
    RequestError
        If the ROI holds none.
    """
    roi = None if question.roi is None else Roi.from_bounds(question.roi)
    rows = roi_rows(scene.latents, roi)
    return rows & kept_by(question.filters, scene.maps.get, len(rows))


def cluster_key(scene: Scene, question: Question) -> str:
    """Return text that changes when the clusters do."""
    asked = [
        question.dim,
        question.reference,
        question.method,
        sorted(question.parameters.items()),
        question.scaling,
        question.roi,
        sorted(question.filters.items()),
    ]
    text = scene.key + json.dumps(asked)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def clusters(scene: Scene, question: Question) -> Clusters:
    """Cluster (latent, reference) in the ROI; what makes no sense is told, not raised."""
    return _clusters(cluster_key(scene, question), scene, question)


@st.cache_resource(max_entries=48, show_spinner=False)
def _clusters(key: str, _scene: Scene, _question: Question) -> Clusters:
    del key  # what the cache tells questions apart by
    assert _question.dim is not None
    if not _question.reference:
        return Clusters(None, _NO_MAP if _scene.latents.grid is not None else _NO_TABLE)
    try:
        rows = inside(_scene, _question)
        found = cluster_roi(
            _features(_scene, _question, rows),
            rows,
            clusterer=make_clusterer(_question.method, _question.parameters),
            scaling=_scaling(_question),
        )
    except InputError as error:
        return Clusters(None, str(error))
    except (TypeError, ValueError) as error:
        # Parameters may come from a link that somebody has changed.
        return Clusters(None, f"These parameters of {_question.method} can't be used: {error}.")
    return Clusters(found)


def separation_of(scene: Scene, question: Question) -> Separation | None:
    """Tell which feature separates the clusters; None where there are no clusters."""
    return _separation(cluster_key(scene, question), scene, question)


@st.cache_resource(max_entries=48, show_spinner=False)
def _separation(key: str, _scene: Scene, _question: Question) -> Separation | None:
    del key
    found = clusters(_scene, _question).clustering
    if found is None or _question.dim is None:
        return None
    rows = inside(_scene, _question)
    return separation(
        _features(_scene, _question, rows),
        replace(found, labels=found.labels[rows]),
        clusterer=make_clusterer(_question.method, _question.parameters),
        scaling=_scaling(_question),
    )


def _features(scene: Scene, question: Question, rows: NDArray[np.bool_]) -> Features:
    assert question.dim is not None
    values = scene.maps.get(question.reference)
    return roi_features(scene.latents, question.dim, question.reference, values, rows)


def _scaling(question: Question) -> Any:
    if question.scaling not in ("standard", "none"):
        message = f"Scaling is 'standard' or 'none', not {question.scaling!r}."
        raise RequestError(message)
    return question.scaling


def pca_embedding(scene: Scene) -> Embedding:
    """Return the first two principal components of the latents.

    Raises
    ------
    RequestError
        If there are too few latents or dimensions.
    """
    return _pca(scene.about, scene)


@st.cache_resource(max_entries=8, show_spinner=False)
def _pca(about: str, _scene: Scene) -> Embedding:
    del about
    return pca(_scene.latents)


def umap_job(scene: Scene, question: Question, *, start: bool = False) -> JobRecord | None:
    """Return the job that computes the UMAP, started if it isn't there and may start.

    Parameters
    ----------
    start : bool
        Whether somebody asked for it: however long it takes, and though it was cancelled.

    Returns
    -------
    JobRecord or None
        None where it has to be asked for. One that was cancelled or failed stays so until then.
    """
    assert scene.scan.latents is not None
    asked = _umap_asked(scene, question)
    known = st.session_state.get(_UMAP)
    if not start and known is not None and known[0] == asked:
        record = runner().get(known[1])
        if record is not None and (record.active or record.finished):
            return record
    request = VERBS.get("project").request(
        latents=places.location(scene.scan.latents),
        method="umap",
        neighbors=question.neighbors,
        min_dist=question.min_dist,
        metric=question.metric,
    )
    if start or len(scene.latents) <= UMAP_STARTS_ITSELF:
        title = f"UMAP of {places.label(scene.scan.latents)}"
        record = runner().submit("project", request, title=title, automatic=not start)
    else:
        record = runner().find("project", request)
    if record is not None:
        st.session_state[_UMAP] = (asked, record.id)
    return record


def umap_at_hand(scene: Scene, question: Question) -> JobRecord | None:
    """Return the finished job of the UMAP that this session asked for; starts none."""
    known = st.session_state.get(_UMAP)
    if known is None or known[0] != _umap_asked(scene, question):
        return None
    record = runner().get(known[1])
    return record if record is not None and record.finished else None


def _umap_asked(scene: Scene, question: Question) -> tuple[str, int, float, str]:
    return scene.about, question.neighbors, question.min_dist, question.metric


def stored_embedding(scene: Scene, record: JobRecord) -> StoredEmbedding:
    """Read the embedding that a finished job left.

    Raises
    ------
    InputError
        If it is damaged or about other samples.
    """
    return _stored(f"{scene.about}|{record.run_id}|{record.ended}", scene, record)


@st.cache_resource(max_entries=8, show_spinner=False)
def _stored(key: str, _scene: Scene, _record: JobRecord) -> StoredEmbedding:
    del key
    return read_embedding(str(_record.folder / "embedding.parquet"), _scene.latents)
