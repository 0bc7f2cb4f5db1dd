"""The inspector's Worth: whether latents carry anything, and separate labels."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.worth import (
    LabelWorth,
    Worth,
    label_worth,
    neighbour_overlap,
    worth_of_latents,
)
from latentcore.artifacts import read_run
from latentcore.errors import InputError
from pages.access import places
from pages.charts.worth import ACTIVE_SD, bars, label_numbers, read_worth, share_text, show_worth
from pages.frame import errors
from pages.regions.files import offer_as_labels
from pages.scan.joining import label_maps
from pages.view import embeddings
from pages.view.question import Question
from pages.view.scene import Scene

_MOST_JUDGED = 2_000
# KMeans with fifty starts: half a minute, and no more is learned from more points.
_MOST_CLUSTERED = 10_000


def show(scene: Scene, question: Question) -> None:
    """Show what the latents in view are worth."""
    found = _worth(scene.about, scene)
    if scene.has_prior and found.warning:
        st.warning(errors.markdown_safe(found.warning), icon=":material/compress:")
    with st.container(horizontal=True):
        if scene.has_prior:
            st.metric(
                "Active dimensions",
                f"{found.n_active} of {found.latent_dim}",
                help=f"Those whose s.d. over the scan is above {ACTIVE_SD:g}, where a VAE's prior "
                "has 1. The others carry next to nothing.",
            )
        _embedding(scene, question)
    st.caption(
        f"Standard deviation of each latent dimension over {found.n:,} encoded points"
        + ("" if scene.has_prior else "; these latents have no prior to be held against")
    )
    _spread(scene, found)
    _labels(scene)
    _of_training(scene)


def _spread(scene: Scene, found: Worth) -> None:
    line = ACTIVE_SD if scene.has_prior else None
    dims = [int(dim) for dim in scene.latents.dims]
    bars(found.sd.tolist(), "s.d.", line, key="explore.worth.sd", dims=dims)


def _embedding(scene: Scene, question: Question) -> None:
    try:
        name, key, coordinates = _shown_embedding(scene, question)
    except InputError:
        return  # the panels say why there is none
    st.metric(
        f"Neighbors kept by {name}",
        share_text(_overlap(key, scene, coordinates)),
        help="Of the 10 nearest latents of a point, so many are among its 10 nearest in the "
        f"embedding, among {_MOST_JUDGED:,} points at most. What lies together there need not "
        "lie together in latent space.",
    )


def _shown_embedding(scene: Scene, question: Question) -> tuple[str, str, NDArray[np.floating]]:
    if question.embedding == "umap":
        record = embeddings.umap_job(scene, question)
        if record is not None and record.finished:
            stored = embeddings.stored_embedding(scene, record)
            return "UMAP", stored.fingerprint, stored.coordinates
    return "PCA", f"{scene.embedded_key}|pca", embeddings.pca_view(scene).coordinates


def _labels(scene: Scene) -> None:
    st.markdown("**Held against a map of grains, phases or clusters**")
    names = label_maps(scene.maps)
    offer_as_labels(scene.latents)
    if not names:
        st.caption(
            "No map of labels is open. Open one on the Data page (whole numbers: grains, phases)."
        )
        return
    choice, button = st.columns([3, 1], vertical_alignment="bottom")
    with choice:
        name = st.selectbox("Labels", names, key=f"explore.worth.labels.{'|'.join(names)}")
    wanted = f"explore_worth_asked.{scene.key}.{name}"
    with button:
        asked = st.button(
            "Compute",
            key="explore.worth.compute",
            icon=":material/play_arrow:",
            help=f"KMeans with fifty starts, on {_MOST_CLUSTERED:,} points at most: seconds.",
        )
    if asked:
        st.session_state[wanted] = True
    if not st.session_state.get(wanted):
        return
    found = _label_worth(scene.key, name, scene)
    with st.container(horizontal=True):
        label_numbers(asdict(found))


def _of_training(scene: Scene) -> None:
    """Show how the model was judged after its training, where it was trained on this server."""
    worth_then = _worth_after_training(scene.scan.latents)
    if worth_then is not None:
        with st.expander("How the model was judged after its training", icon=":material/history:"):
            show_worth(worth_then, key="explore.worth.training")


def _worth_after_training(place: str | None) -> dict[str, Any] | None:
    if place is None or not place.startswith("run:"):
        return None
    run = read_run(places.resolve(place).parent) or {}
    for entry in run.get("inputs", ()):
        if entry["role"] == "checkpoint":
            path = Path(entry["location"]).parent / "worth.json"
            try:
                # Only what this server may show: an input could lie anywhere.
                places.place_of(path)
            except InputError:
                return None
            return read_worth(path)
    return None


@st.cache_data(max_entries=16, show_spinner=False)
def _worth(about: str, _scene: Scene) -> Worth:
    del about
    return worth_of_latents(_scene.latents)


@st.cache_data(max_entries=32, show_spinner="Comparing neighbors …")
def _overlap(key: str, _scene: Scene, _coordinates: NDArray[np.floating]) -> float:
    del key
    whole = _scene.encoded & np.isfinite(_coordinates).all(axis=1)
    rows = _some(whole, _MOST_JUDGED)
    return neighbour_overlap(_scene.latents.rows(rows), _coordinates[rows])


@st.cache_data(max_entries=32, show_spinner="Clustering by KMeans …")
def _label_worth(key: str, name: str, _scene: Scene) -> LabelWorth:
    del key
    labels = _scene.maps.get(name)
    rows = _some(_scene.encoded & np.isfinite(labels), _MOST_CLUSTERED)
    return label_worth(_scene.latents.rows(rows), labels[rows].astype(np.int64))


def _some(mask: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Return the rows of a mask, at most so many, drawn the same each time."""
    rows = np.flatnonzero(mask)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    return rows.astype(np.int64)
