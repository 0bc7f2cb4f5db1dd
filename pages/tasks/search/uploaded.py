"""What else there is to say of an uploaded sample: ΔT, novelty, its place in the embedding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.cutout_statistics import default_crop, statistics_of
from latentcore.analysis.novelty_of_one import OneNovelty, novelty_of_one
from latentcore.analysis.pattern_sheets import evenly_spaced
from latentcore.containers import LatentSet, Neighbors
from latentcore.errors import InputError, RequestError
from pages.charts.frame import chart_text, draw
from pages.frame import errors
from pages.frame.theme import Tones, tones
from pages.frame.units import percentile_text
from pages.scan import loading
from pages.scan.state import ScanState
from pages.tasks.search.query import Query
from pages.view import embeddings, session
from pages.view.embeddings import EmbeddingView
from pages.view.scene import open_scene

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Enough to show an embedding's shape; all of them would make the page slow.
_MOST_POINTS = 20_000
_HEIGHT = 420

Place = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def show(scan: ScanState, latents: LatentSet, query: Query, found: Neighbors) -> None:
    """Show what is known of an uploaded sample: only cutouts of a quantity are measured."""
    assert query.sample is not None
    with st.container(horizontal=True):
        _measured(query.sample)
        why_not = _novelty(scan, latents, query)
    if why_not:
        st.caption(errors.markdown_safe(errors.page_words(why_not)))
    try:
        _place(scan, query, found)
    except InputError as error:
        errors.show(error)


def _measured(sample: NDArray[np.generic]) -> None:
    if sample.dtype.kind != "f" or sample.ndim != 3:
        return
    height, width = sample.shape[-2:]
    crop = default_crop(height, width)
    names = {"DT": "ΔT", "mean": "Mean", "sd": "s.d.", "min": "Least", "max": "Largest"}
    help_ = f"90th minus 10th percentile in the central {crop} × {crop} pixels."
    for name, values in statistics_of(sample[None], crop).items():
        st.metric(names[name], f"{values[0]:.3g}", help=help_ if name == "DT" else None)


def _novelty(scan: ScanState, latents: LatentSet, query: Query) -> str:
    """Show how unlike all others the sample is; return why that isn't known."""
    if not query.comparable:
        return "No novelty: the sample was not encoded as the others were."
    try:
        one = _judged(loading.version(scan.latents or ""), query.key, query.latent, latents)
    except RequestError as error:
        return f"No novelty: {error}"
    apart = "squares of the scan" if one.calibration == "place" else "samples drawn at random"
    st.metric(
        "Novelty (percentile)",
        percentile_text(one.percentile),
        help=f"Among {one.n_calibrating:,} samples set aside ({apart}) the share, in percent, "
        f"that lies as near to the {one.n_fitted:,} others, by Mahalanobis distance "
        f"({one.mahalanobis:.4g}) and by the mean distance to {one.neighbors} neighbors "
        f"({one.neighbor_distance:.4g}) together. Near 100: the model has hardly seen its like.",
    )
    return ""


@st.cache_resource(max_entries=16, show_spinner="Judging its novelty …")
def _judged(about: str, key: str, _latent: NDArray[np.floating], _latents: LatentSet) -> OneNovelty:
    del about, key  # only part of the cache's key
    return novelty_of_one(_latent, _latents)


def _place(scan: ScanState, query: Query, found: Neighbors) -> None:
    scene = open_scene(scan)
    session.begin(scene.about)
    view = embeddings.shown_view(scene, session.question())
    if view is None or view.place_new is None:
        return
    place = _placed(view.key, query.key, query.latent, view.place_new)
    draw(
        _chart(view, place, found, tones()),
        key="search.place",
        alt=f"{view.title}, with the place of the uploaded sample",
    )
    st.caption(
        f"{errors.markdown_safe(view.title)}: the star is where the fitted embedding itself "
        "places the sample. A UMAP that is computed on the Explore page is shown here in the place "
        "of the PCA."
    )


@st.cache_resource(max_entries=16, show_spinner="Placing it in the embedding …")
def _placed(
    about: str, key: str, _latent: NDArray[np.floating], _place_new: Place
) -> NDArray[np.float32]:
    del about, key  # only part of the cache's key
    place: NDArray[np.float32] = _place_new(np.asarray(_latent, np.float32)[None])[0]
    return place


def _chart(
    view: EmbeddingView, place: NDArray[np.float32], found: Neighbors, colors: Tones
) -> go.Figure:
    import plotly.graph_objects as go

    placed = np.flatnonzero(np.isfinite(view.coordinates).all(axis=1))
    some = view.coordinates[evenly_spaced(placed, _MOST_POINTS)]
    near = view.coordinates[found.rows]
    figure = go.Figure()
    figure.add_scattergl(
        x=some[:, 0], y=some[:, 1], mode="markers", name="samples", hoverinfo="skip",
        marker={"size": 3, "color": colors.soft},
    )  # fmt: skip
    figure.add_scatter(
        x=near[:, 0], y=near[:, 1], mode="markers", name="neighbors",
        marker={"symbol": "circle-open", "size": 9, "color": colors.line, "line": {"width": 1.5}},
    )  # fmt: skip
    figure.add_scatter(
        x=[place[0]], y=[place[1]], mode="markers", name="the uploaded sample",
        marker={
            "symbol": "star", "size": 16, "color": colors.accent,
            "line": {"width": 1, "color": "#ffffff"},
        },
    )  # fmt: skip
    figure.update_layout(height=_HEIGHT, margin={"l": 50, "r": 10, "t": 10, "b": 40})
    figure.update_xaxes(title_text=chart_text(view.labels[0]))
    figure.update_yaxes(title_text=chart_text(view.labels[1]))
    return figure
