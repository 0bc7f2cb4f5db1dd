"""The Explore page's widgets: each shows a part of the question, and a change goes back there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from latentcore.analysis.clusterers import CLUSTERERS
from latentcore.analysis.umap_embedding import UMAP_METRICS
from latentcore.figures.colors import COLORMAPS, MISSING_COLORS, MISSING_USUAL, is_diverging
from pages.forms.request_form import form_for
from pages.tasks.explore import features
from pages.view import known_spaces, session
from pages.view.question import CLUSTER, LATENT, ORIENTATION, REGION, SIMILARITY, Question
from pages.view.roi import roi_popover
from pages.view.scene import Scene

_SCALINGS = {"standard": "standardized", "none": "as published (raw)"}
# Of the boxes in the bar, in pixels: no label in them is cut.
_NARROW, _WIDE = 96, 158
_EMBEDDINGS = {"umap": "UMAP", "pca": "PCA"}


def show(scene: Scene, *, regions: bool = False) -> None:
    """Show the controls; what is changed here is in the session's question afterwards.

    `regions` tells whether there are regions to color by.
    """
    question = session.question()
    _dimension(scene, question)
    _color(scene, question, regions=regions)
    _embedding(question)
    if scene.latents.grid is not None:
        _method(question, width=_WIDE)
    elif scene.numeric_maps:
        _reference(scene, question, width=_WIDE)
    if scene.latents.grid is not None:
        roi_popover(scene)
    _details(scene, question)


def _choose(
    label: str,
    field: str,
    options: Sequence[Any],
    value: Any,
    *,
    show_as: Callable[[Any], str] = str,
    also: dict[str, Any] | None = None,
    **settings: Any,
) -> None:
    """Show a select box that follows the question and changes it."""
    key = f"explore.{field}"
    st.session_state[key] = value if value in options else options[0]

    def adopt() -> None:
        session.update(**{field: st.session_state[key], **(also or {})})

    st.selectbox(label, options, key=key, format_func=show_as, on_change=adopt, **settings)


def _dimension(scene: Scene, question: Question) -> None:
    spreads = scene.spreads

    def show_as(dim: int) -> str:
        return f"{dim}  ·  s.d. {spreads[dim]:.3g}"

    # Locked limits belong to the quantity they were locked for.
    also = {"limits": None} if question.color == LATENT else {}
    _choose(
        "Latent dimension",
        "dim",
        [int(dim) for dim in scene.latents.dims],
        question.dim,
        show_as=show_as,
        also=also,
        width=_WIDE,
    )


def _color(scene: Scene, question: Question, *, regions: bool) -> None:
    titles = {
        LATENT: f"latent {question.dim}",
        CLUSTER: "clusters",
        ORIENTATION: "orientation (IPF-Z)",
        SIMILARITY: "similarity to the pinned point",
        REGION: "regions",
    }
    _choose(
        "Color by",
        "color",
        [*scene.colorings, *((REGION,) if regions else ())],
        question.color,
        show_as=lambda name: titles.get(name, name),
        also={"limits": None},
        width=_WIDE,
    )


def _embedding(question: Question) -> None:
    _choose(
        "Embedding",
        "embedding",
        list(_EMBEDDINGS),
        question.embedding,
        show_as=lambda name: _EMBEDDINGS[name],
        width=_NARROW,
    )


def _method(question: Question, **settings: Any) -> None:
    titles = {name: kind.title for name, kind in CLUSTERERS.items()}
    _choose(
        "Clusters by",
        "method",
        list(titles),
        question.method,
        show_as=lambda name: titles[name],
        also={"parameters": {}, "sample": ""},
        **settings,
    )


def _reference(scene: Scene, question: Question, **settings: Any) -> None:
    """Ask what the latent is drawn against; beside a grid the maps say more, so it comes later."""
    label = "Clustered together with" if scene.latents.grid is not None else "Latent drawn against"
    _choose(label, "reference", list(scene.numeric_maps), question.reference, **settings)


def _details(scene: Scene, question: Question) -> None:
    with st.popover("Colors", icon=":material/palette:"):
        _color_details(scene, question)
    with st.popover("Features", icon=":material/checklist:"):
        features.show(scene, question)
    with st.popover("Methods", icon=":material/tune:"):
        if scene.numeric_maps or scene.latents.grid is not None or question.features:
            _cluster_details(scene, question)
        _umap_details(scene, question)


def _color_details(scene: Scene, question: Question) -> None:
    names = ["auto", *COLORMAPS]
    _choose(
        "Color map",
        "cmap",
        names,
        question.cmap,
        show_as=lambda name: (
            f"{name} (symmetric about 0)" if name in COLORMAPS and is_diverging(name) else name
        ),
        help="All are perceptually uniform and readable with color blindness.",
    )
    _choose(
        "Color of missing points",
        "missing",
        list(MISSING_COLORS),
        question.missing,
        show_as=lambda name: f"{name} (follows the theme)" if name == MISSING_USUAL else name,
        help="Of points without a value, in the panels and in the files.",
    )
    continuous = question.color in (LATENT, SIMILARITY, *scene.numeric_maps)
    if not continuous:
        st.caption("Categories have colors of their own; limits don't apply.")
        return
    name = question.color
    symmetric = is_diverging(scene.color_map(question, name))
    low, high = scene.limits(question, name, symmetric=symmetric)
    st.session_state["explore.lock"] = question.limits is not None

    def lock() -> None:
        session.update(limits=(low, high) if st.session_state["explore.lock"] else None)

    st.toggle(
        "Lock the color limits",
        key="explore.lock",
        on_change=lock,
        disabled=low >= high,
        help="Unlocked, the limits are the 2 % and 98 % quantiles of the whole scan.",
    )
    if question.limits is not None:
        _limits(low, high)


def _limits(low: float, high: float) -> None:
    st.session_state["explore.low"] = low
    st.session_state["explore.high"] = high

    def adopt() -> None:
        bounds = st.session_state["explore.low"], st.session_state["explore.high"]
        if bounds[0] < bounds[1]:
            session.update(limits=bounds)

    left, right = st.columns(2)
    left.number_input("from", key="explore.low", format="%g", on_change=adopt)
    right.number_input("to", key="explore.high", format="%g", on_change=adopt)


def _cluster_details(scene: Scene, question: Question) -> None:
    kind = CLUSTERERS.get(question.method)
    st.markdown(f"**{kind.title}**")
    if scene.latents.grid is None:
        _method(question)
    elif scene.numeric_maps and not question.features:
        _reference(scene, question)
    key = "explore.scaling"
    st.session_state[key] = question.scaling
    st.segmented_control(
        "Features",
        list(_SCALINGS),
        format_func=lambda name: _SCALINGS[name],
        key=key,
        on_change=lambda: session.update(scaling=st.session_state[key] or "standard"),
        help="Standardized: all features weigh the same, unless you give them weights. As "
        "published: on their raw units, where a quantity of large numbers (band contrast, 0–255) "
        "usually decides alone.",
    )
    if scene.partitions is not None:
        _choose(
            "Learn from",
            "learn_from",
            ["", *scene.partitions.names],
            question.learn_from,
            show_as=lambda name: name or "all",
            help="Clusters and scaling are learned from one scan or partition; the others are "
            "placed by what was learned.",
        )
    made = form_for(
        kind,
        key=f"explore.{question.method}.{session.generation()}",
        skip=("seed",),
        defaults=question.parameters,
        columns=2,
    )
    if made is not None:
        session.update(parameters=_differing(made))


def _differing(made: Any) -> dict[str, Any]:
    """Return the fields of a clusterer that differ from their defaults."""
    default = type(made)()
    return {
        field.name: getattr(made, field.name)
        for field in dataclasses.fields(made)
        if getattr(made, field.name) != getattr(default, field.name)
    }


def _umap_details(scene: Scene, question: Question) -> None:
    st.markdown("**UMAP**")
    spaces = known_spaces.spaces(scene)
    if spaces or question.space:
        _choose(
            "Laid out by",
            "space",
            ["", *spaces],
            question.space,
            show_as=lambda job: spaces.get(job, "these points"),
            also={"embedding": "umap"},
            help="An embedding of other latents of the same encoder: the points in view are placed "
            "in it by the method that made it, over its own points in gray.",
        )
    if question.space in spaces:
        return
    keys = {"neighbors": "explore.neighbors", "min_dist": "explore.min_dist"}
    st.session_state[keys["neighbors"]] = question.neighbors
    st.session_state[keys["min_dist"]] = question.min_dist

    def adopt() -> None:
        session.update(**{name: st.session_state[key] for name, key in keys.items()})

    left, right = st.columns(2)
    left.number_input(
        "Neighbors", 2, 500, key=keys["neighbors"], on_change=adopt,
        help="Small: fine structure; large: the broad arrangement.",
    )  # fmt: skip
    right.number_input(
        "Least distance", 0.0, 1.0, step=0.05, key=keys["min_dist"], on_change=adopt,
        help="How close points may lie.",
    )  # fmt: skip
    _choose("Metric", "metric", list(UMAP_METRICS), question.metric)
    st.caption("Distances in a UMAP are not metric: near stays near, but far says little.")
