"""What else there is to say of an uploaded cutout: its ΔT, and its place in the embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.cutout_statistics import default_crop, statistics_of
from latentcore.analysis.embedding_places import placed_among
from latentcore.analysis.pattern_sheets import evenly_spaced
from latentcore.containers import Neighbors
from latentcore.errors import InputError
from pages.charts.frame import draw
from pages.frame import errors
from pages.frame.theme import Tones, tones
from pages.scan.state import ScanState
from pages.view import embeddings, session
from pages.view.embeddings import EmbeddingView
from pages.view.scene import open_scene

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Enough to show an embedding's shape; all of them would make the page slow.
_MOST_POINTS = 20_000
_HEIGHT = 420


def show(scan: ScanState, sample: NDArray[np.generic], found: Neighbors) -> None:
    """Show what is measured of an uploaded cutout (C, H, W), and where its neighbors place it.

    Only quantities such as temperatures are measured, not pictures.
    """
    if sample.dtype.kind != "f" or sample.ndim != 3:
        return
    _measured(sample)
    try:
        _place(scan, found)
    except InputError as error:
        errors.show(error)


def _measured(sample: NDArray[np.generic]) -> None:
    height, width = sample.shape[-2:]
    crop = default_crop(height, width)
    names = {"DT": "ΔT", "mean": "Mean", "sd": "s.d.", "min": "Least", "max": "Largest"}
    help_ = f"90th minus 10th percentile in the central {crop} × {crop} pixels."
    with st.container(horizontal=True):
        for name, values in statistics_of(sample[None], crop).items():
            st.metric(names[name], f"{values[0]:.3g}", help=help_ if name == "DT" else None)


def _place(scan: ScanState, found: Neighbors) -> None:
    scene = open_scene(scan)
    session.begin(scene.about)
    view = embeddings.shown_view(scene, session.question())
    if view is None:
        return
    place = placed_among(found, view.coordinates)
    if not np.isfinite(place).all():
        return
    draw(
        _chart(view, place, found, tones()),
        key="search.place",
        alt=f"{view.title}, with the place of the uploaded sample",
    )
    st.caption(
        f"{view.title}: the star is where the {len(found)} neighbors lie on average, weighted by "
        "the inverse of their distance. An estimate: the embedding isn't computed anew. "
        "A UMAP that is computed on the Explore page is shown here as well."
    )


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
    figure.update_xaxes(title_text=view.labels[0])
    figure.update_yaxes(title_text=view.labels[1])
    return figure
