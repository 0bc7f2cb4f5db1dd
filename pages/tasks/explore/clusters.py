"""The clusters of the Explore page, computed once per question and shared by all sessions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.cluster_numbers import numbers_of, renumbered
from latentcore.analysis.clusterers import make_clusterer
from latentcore.analysis.clustering import Features
from latentcore.analysis.exploration import cluster_roi, roi_features
from latentcore.analysis.separation import Separation, separation
from latentcore.containers import Clustering
from latentcore.errors import InputError, RequestError
from pages.view.question import Question
from pages.view.scene import Scene

_NO_MAP = (
    "Clusters need a map beside the latent: open one on the Data page. Or cluster several latents: "
    "choose them under Features."
)
_NO_TABLE = (
    "Colors, filters and clusters by what is known of the samples need a table about them (lat, "
    "lon, ΔT …). Open one on the Data page: CSV or parquet with a column that names the samples. "
    "Clusters of several latents need none: choose them under Features."
)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of a view, or the reason why there are none."""

    clustering: Clustering | None
    problem: str = ""


def cluster_key(scene: Scene, question: Question) -> str:
    """Return text that changes when the clusters do."""
    asked = [
        question.dim,
        question.reference,
        question.method,
        sorted(question.parameters.items()),
        question.scaling,
        question.sample,
        question.features,
        sorted(question.weights.items()),
        question.roi,
        sorted(question.filters.items()),
    ]
    text = scene.key + scene.only_key + json.dumps(asked)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def clusters(scene: Scene, question: Question) -> Clusters:
    """Cluster what the question chooses in the ROI; the reason for none is returned, not raised."""
    return _clusters(cluster_key(scene, question), scene, question)


@st.cache_resource(max_entries=48, show_spinner=False)
def _clusters(key: str, _scene: Scene, _question: Question) -> Clusters:
    del key  # only part of the cache's key
    assert _question.dim is not None
    if not _question.reference and not _question.features:
        return Clusters(None, _NO_MAP if _scene.latents.grid is not None else _NO_TABLE)
    try:
        rows = _scene.inside(_question)
        found = cluster_roi(
            features_of(_scene, _question, rows),
            rows,
            clusterer=make_clusterer(_question.method, _question.parameters),
            scaling=_scaling(_question),
            sample="all" if _question.sample else None,
        )
    except InputError as error:
        return Clusters(None, str(error))
    except (TypeError, ValueError) as error:
        # Parameters may come from a link that somebody has changed.
        return Clusters(None, f"These parameters of {_question.method} can't be used: {error}.")
    return Clusters(_numbered(found, _scene, _question, rows))


def _numbered(
    found: Clustering, scene: Scene, question: Question, rows: NDArray[np.bool_]
) -> Clustering:
    """Give clusters the numbers of those of the whole scan, so that a ROI changes no colors."""
    if rows.all() and not question.sample:
        return found
    whole = replace(scene, only=None, only_key="")
    asked = question.changed(roi=None, filters={}, sample="")
    reference = clusters(whole, asked).clustering
    if reference is None:
        return found
    return renumbered(found, numbers_of(found.labels[rows], reference.labels[rows]))


def separation_of(scene: Scene, question: Question) -> Separation | None:
    """Tell which feature separates the clusters; None where there are no clusters."""
    return _separation(cluster_key(scene, question), scene, question)


@st.cache_resource(max_entries=48, show_spinner=False)
def _separation(key: str, _scene: Scene, _question: Question) -> Separation | None:
    del key
    found = clusters(_scene, _question).clustering
    if found is None or _question.dim is None:
        return None
    rows = _scene.inside(_question)
    return separation(
        features_of(_scene, _question, rows),
        replace(found, labels=found.labels[rows]),
        clusterer=make_clusterer(_question.method, _question.parameters),
        scaling=_scaling(_question),
    )


def features_of(scene: Scene, question: Question, rows: NDArray[np.bool_]) -> Features:
    """Return what is clustered, of some of the points, `rows` of shape (n,)."""
    maps = {name: scene.maps.get(name) for name in question.maps_clustered}
    return roi_features(scene.latents, maps, rows, question.clustered)


def _scaling(question: Question) -> Any:
    if question.scaling not in ("standard", "none"):
        message = f"Scaling is 'standard' or 'none', not {question.scaling!r}."
        raise RequestError(message)
    return question.scaling
