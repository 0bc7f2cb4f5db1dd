"""The clusters of the Explore page, computed once per question and shared by all sessions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.cluster_numbers import numbers_of, renumbered
from latentcore.analysis.clusterers import make_clusterer
from latentcore.analysis.clustering import learned_of
from latentcore.analysis.exploration import cluster_roi, roi_features
from latentcore.analysis.features import Features
from latentcore.analysis.separation import Separation, separation
from latentcore.containers import Clustering
from latentcore.errors import Cancelled, InputError, RequestError
from latentcore.progress import Progress
from pages.jobs import work
from pages.view.question import Question
from pages.view.scene import Scene

_NO_MAP = (
    "Clusters need a map beside the latent: open one on the Data page. Or cluster several latents: "
    "choose them under Features."
)
# Clusters of a scan of more points don't keep the page waiting.
_AT_ONCE = 10_000
_POLL_S = 0.2
CANCELLED = "Clustering was cancelled: no clusters are shown."
_NO_TABLE = (
    "Open a table about the samples on the Data page to color, filter and cluster by it: CSV or "
    "parquet with a column that names the samples. Clusters of several latents need none: choose "
    "them under Features."
)
_NO_NUMBERS = (
    "Clusters need numbers beside the latent, and the open tables have none. Cluster several "
    "latents in their place: choose them under Features."
)


def _why_none(scene: Scene) -> str:
    if scene.latents.grid is not None:
        return _NO_MAP
    return _NO_NUMBERS if scene.maps.names else _NO_TABLE


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of a view, or the reason why there are none: also that they are `waiting`."""

    clustering: Clustering | None
    problem: str = ""
    waiting: bool = False


def cluster_key(scene: Scene, question: Question) -> str:
    """Return text that changes when the clusters do."""
    asked = [
        question.dim,
        question.reference,
        question.method,
        sorted(question.parameters.items()),
        question.scaling,
        question.sample,
        question.learn_from,
        question.features,
        sorted(question.weights.items()),
        question.roi,
        sorted(question.filters.items()),
    ]
    text = scene.key + scene.only_key + json.dumps(asked)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def clusters(scene: Scene, question: Question) -> Clusters:
    """Cluster what the question chooses in the ROI; the reason for none is returned, not raised."""
    key = work_key(cluster_key(scene, question))
    compute = partial(_computed, scene, question)
    try:
        return work.answer(key, compute, len(scene.latents), wait=at_once(scene))
    except TimeoutError:
        return Clusters(None, waiting=True)
    except Cancelled:
        return Clusters(None, CANCELLED)


def known(key: str) -> Clusters | None:
    """Return the clusters of a `cluster_key` if somebody's page has them already."""
    found = work.works().get(work_key(key))
    return found.result() if found is not None and found.succeeded else None


def at_once(scene: Scene) -> bool:
    """Whether the page waits for its clusters, because that is a moment."""
    return len(scene.latents) <= _AT_ONCE


def tell_of_waiting(what_comes: str = "") -> None:
    """Say that something is not there yet because the clusters are not."""
    text = f":material/hourglass_top: The clusters are being computed. {what_comes}"
    st.caption(text.rstrip())


def work_key(key: str) -> str:
    """Return the name of a clustering among the works of the server."""
    return f"clusters|{key}"


def _computed(scene: Scene, question: Question, progress: Progress) -> Clusters:
    assert question.dim is not None
    if not question.reference and not question.features:
        return Clusters(None, _why_none(scene))
    try:
        rows = scene.inside(question)
        found = cluster_roi(
            features_of(scene, question, rows),
            rows,
            clusterer=make_clusterer(question.method, question.parameters),
            scaling=_scaling(question),
            sample="all" if question.sample else None,
            progress=progress,
        )
    except InputError as error:
        return Clusters(None, str(error))
    except (TypeError, ValueError) as error:
        # Parameters may come from a link that somebody has changed.
        return Clusters(None, f"These parameters of {question.method} can't be used: {error}.")
    return Clusters(_numbered(found, scene, question, rows, progress))


def _numbered(
    found: Clustering,
    scene: Scene,
    question: Question,
    rows: NDArray[np.bool_],
    progress: Progress,
) -> Clustering:
    """Give clusters the numbers of those of the whole scan, so that a ROI changes no colors."""
    if rows.all() and not question.sample:
        return found
    whole = replace(scene, only=None, only_key="")
    asked = question.changed(roi=None, filters={}, sample="")
    reference = _waited_for(whole, asked, progress).clustering
    if reference is None:
        return found
    return renumbered(found, numbers_of(found.labels[rows], reference.labels[rows]))


def _waited_for(scene: Scene, question: Question, progress: Progress) -> Clusters:
    """Return clusters that another computation needs, which may be cancelled meanwhile."""
    key = cluster_key(scene, question)
    compute = partial(_computed, scene, question)
    begun = work.works().begin(work_key(key), compute, points=len(scene.latents))
    while True:
        try:
            progress.step(0, 0, "clusters of the whole scan, for their numbers")
            return begun.result(_POLL_S)
        except TimeoutError:
            continue
        except Cancelled:
            if not begun.awaited_by:
                begun.progress.cancel()
                work.works().forget(work_key(key))
            raise


def separation_of(scene: Scene, question: Question, found: Clustering) -> Separation:
    """Tell which feature separates the clusters.

    Raises
    ------
    TimeoutError, Cancelled
        See `pages.jobs.work.answer`; its key is that of `separation_key`.
    """
    key = separation_key(scene, question)
    compute = partial(_separated, scene, question, found)
    return work.answer(key, compute, len(scene.latents), wait=at_once(scene))


def separation_key(scene: Scene, question: Question) -> str:
    """Return the name of a separation among the works of the server."""
    return f"separation|{cluster_key(scene, question)}"


def _separated(
    scene: Scene, question: Question, found: Clustering, progress: Progress
) -> Separation:
    rows = scene.inside(question)
    return separation(
        features_of(scene, question, rows),
        replace(found, labels=found.labels[rows]),
        clusterer=make_clusterer(question.method, question.parameters),
        scaling=_scaling(question),
        progress=progress,
    )


def features_of(scene: Scene, question: Question, rows: NDArray[np.bool_]) -> Features:
    """Return what is clustered, of some of the points, `rows` of shape (n,)."""
    maps = {name: scene.maps.get(name) for name in question.maps_clustered}
    features = roi_features(scene.latents, maps, rows, question.clustered)
    if not question.learn_from:
        return features
    learn = learned_of(scene.latents, question.learn_from)
    return replace(features, learn=None if learn is None else learn[rows])


def _scaling(question: Question) -> Any:
    if question.scaling not in ("standard", "none"):
        message = f"Scaling is 'standard' or 'none', not {question.scaling!r}."
        raise RequestError(message)
    return question.scaling
