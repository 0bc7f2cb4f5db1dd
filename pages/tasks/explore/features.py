"""What is clustered: the pair in view, all latents, or a choice; what each weighs; the scatter."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from latentcore.analysis.clustering import latent_name
from latentcore.analysis.panel_ids import Axis
from pages.frame.errors import markdown_safe
from pages.frame.tables import table_height, told
from pages.view import session
from pages.view.question import ALL_LATENTS, Question
from pages.view.scene import Scene, scatter_of

_PAIR, _ALL, _CHOICE = "pair", "all", "choice"
_KEYS = ("explore.features.dims", "explore.features.maps")
# More weights than this are a table to scroll in.
_TABLE_ROWS = 8


def show(scene: Scene, question: Question) -> None:
    """Show the choice of features; what is changed is in the session's question afterwards."""
    _preset(scene, question)
    if question.features:
        if ALL_LATENTS not in question.features:
            _dims(scene, question)
        _maps(scene, question)
        _weights(scene, question)
    _axes(scene, question)


def _preset_of(question: Question) -> str:
    if not question.features:
        return _PAIR
    return _ALL if ALL_LATENTS in question.features else _CHOICE


def _preset(scene: Scene, question: Question) -> None:
    key = "explore.features.preset"
    beside = question.reference or "map"
    titles = {_PAIR: f"latent and {beside}", _ALL: "all latents", _CHOICE: "choose …"}
    st.session_state[key] = _preset_of(question)

    def adopt() -> None:
        first: tuple[Axis, ...] = (question.dim or 0, *filter(None, [question.reference]))
        chosen: dict[str, tuple[Axis, ...]] = {_PAIR: (), _ALL: (ALL_LATENTS,), _CHOICE: first}
        session.update(
            features=chosen[st.session_state[key] or _preset_of(question)],
            weights={},
            scatter=None,
        )

    st.segmented_control(
        "Clusters of",
        list(titles),
        format_func=lambda name: markdown_safe(titles[name]),
        key=key,
        on_change=adopt,
        help=f"The latent in view and one map, as published; or all {len(scene.latents.dims)} "
        "latent dimensions; or any of them, with or without maps.",
    )


def _dims(scene: Scene, question: Question) -> None:
    spreads = scene.spreads
    key = _KEYS[0]
    st.session_state[key] = list(question.dims_clustered or ())
    st.multiselect(
        "Latent dimensions",
        [int(dim) for dim in scene.latents.dims],
        key=key,
        format_func=lambda dim: f"{dim}  ·  s.d. {spreads[dim]:.3g}",
        on_change=_adopt,
    )


def _maps(scene: Scene, question: Question) -> None:
    if not scene.numeric_maps:
        return
    st.session_state[_KEYS[1]] = list(question.maps_clustered)
    st.multiselect(
        "Maps", list(scene.numeric_maps), key=_KEYS[1], on_change=_adopt, placeholder="none",
        help="Clustered together with the latents.",
    )  # fmt: skip


def _adopt() -> None:
    """Take the features from the widgets; without any, what was chosen stays."""
    before = session.question()
    dims: list[Axis] = list(st.session_state.get(_KEYS[0], ()))
    if ALL_LATENTS in before.features:
        dims = [ALL_LATENTS]
    maps = list(st.session_state.get(_KEYS[1], ()))
    if dims or maps:
        session.update(features=(*dims, *maps))


def _weights(scene: Scene, question: Question) -> None:
    """Show what each feature weighs, to be changed in place."""
    dims = question.dims_clustered
    numbers = [int(dim) for dim in scene.latents.dims] if dims is None else dims
    names = [*map(latent_name, numbers), *question.maps_clustered]
    table = pd.DataFrame(
        {"feature": names, "weight": [question.weights.get(name, 1.0) for name in names]}
    )
    key = f"explore.weights.{session.generation()}.{question.features}"

    def adopt() -> None:
        edited: dict[int, dict[str, Any]] = st.session_state[key]["edited_rows"]
        given = {names[row]: cells["weight"] for row, cells in edited.items() if "weight" in cells}
        weights = {**session.question().weights, **given}
        session.update(
            weights={name: float(one) for name, one in weights.items() if one and one != 1}
        )

    with st.expander("Weights", expanded=bool(question.weights)):
        st.data_editor(
            table, key=key, hide_index=True, disabled=["feature"], on_change=adopt,
            height=table_height(len(names), _TABLE_ROWS), alt=told(table, "Weights"),
            column_config={
                "weight": st.column_config.NumberColumn(min_value=1e-6, format="%g", required=True)
            },
        )  # fmt: skip
        st.caption(
            "By how much a feature's squared differences count. A Gaussian mixture fits the "
            "spread of each feature itself: weights hardly change it."
        )


def _axes(scene: Scene, question: Question) -> None:
    """Ask what the scatter is drawn along."""
    along = scatter_of(scene, question)
    options: list[Axis] = [*map(int, scene.latents.dims), *scene.numeric_maps]
    if len(options) < 2:
        return
    keys = ("explore.scatter.x", "explore.scatter.y")
    shown = along or (options[0], options[1])

    def adopt() -> None:
        x, y = (st.session_state[key] for key in keys)
        session.update(scatter=(x, y))

    for column, key, label, axis in zip(
        st.columns(2), keys, ("Scatter along", "and"), shown, strict=True
    ):
        st.session_state[key] = axis
        column.selectbox(
            label, options, key=key, on_change=adopt,
            format_func=lambda one: one if isinstance(one, str) else f"latent {one}",
        )  # fmt: skip
