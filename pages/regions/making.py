"""The dialog that makes regions of clusters, a map's values, a polygon, or what is in view."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.selection import Shape, points_in_shape
from latentcore.containers import Clustering
from latentcore.errors import InputError, RequestError
from pages.frame import errors
from pages.frame.errors import markdown_safe
from pages.regions.kept import Candidate, keep
from pages.view.question import Question
from pages.view.scene import Scene

_ASKING = "regions_asking"
_MOST_LISTED = 500
_MOST_VERTICES = 2_000
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def begin() -> None:
    """Open the dialog; it stays open when another browser's change runs the page again."""
    st.session_state[_ASKING] = True


def is_open() -> bool:
    """Tell whether the dialog is open."""
    return bool(st.session_state.get(_ASKING))


def _end() -> None:
    st.session_state[_ASKING] = False


@st.dialog("New region", width="medium", on_dismiss=_end)
def ask(
    scene: Scene,
    question: Question,
    inside: NDArray[np.bool_],
    clustering: Clustering | None,
) -> None:
    """Ask what the region is made of, and keep it."""
    sources: dict[str, Callable[[], list[Candidate]]] = {}
    if clustering is not None:
        sources["Clusters"] = lambda: _of_clusters(question, clustering)
    if scene.maps.names:
        sources["A map's values"] = lambda: _of_map(scene)
    if scene.latents.grid is not None:
        sources["Polygon"] = lambda: _of_polygon(scene)
    sources["All in view"] = lambda: _of_view(scene, question, inside)
    chosen = st.segmented_control(
        "Made of", list(sources), default=next(iter(sources)), required=True, key="regions.of"
    )
    try:
        candidates = sources[chosen]()
    except InputError as error:
        errors.show(error)
        return
    if chosen != "All in view" and not inside.all() and candidates:
        only = st.toggle(f"Only in the {scene.region}", value=True, key="regions.only")
        if only:
            candidates = [replace(one, mask=one.mask & inside) for one in candidates]
    _offer(scene, candidates)


def _offer(scene: Scene, candidates: list[Candidate]) -> None:
    name = ""
    if len(candidates) > 1:
        if st.toggle("One region of all", key="regions.together"):
            candidates = [_together(candidates)]
        else:
            st.caption(f"{len(candidates):,} regions, each called as above.")
    if len(candidates) == 1:
        (one,) = candidates
        name = st.text_input("Name", one.name, max_chars=80, key=f"regions.called.{one.name}")
        st.caption(f"{int(one.mask.sum()):,} {scene.points}")
    candidates = [one for one in candidates if one.mask.any()]
    if not st.button(
        "Keep", type="primary", icon=":material/bookmark_add:", key="regions.make",
        disabled=not candidates,
    ):  # fmt: skip
        return
    if len(candidates) == 1 and name:
        candidates = [replace(candidates[0], name=name)]
    try:
        keep(scene.latents, candidates)
    except InputError as error:
        errors.show(error)
        return
    _end()
    st.rerun()


def _together(candidates: list[Candidate]) -> Candidate:
    kind = candidates[0].source["kind"]
    return Candidate(
        " or ".join(one.name for one in candidates),
        np.logical_or.reduce([one.mask for one in candidates]),
        {"kind": kind, "of": [dict(one.source) for one in candidates]},
    )


def _of_clusters(question: Question, clustering: Clustering) -> list[Candidate]:
    labels = [int(label) for label in np.unique(clustering.labels) if label >= 0]
    chosen = st.multiselect("Clusters", labels, key="regions.clusters")
    made = {
        "kind": "cluster",
        "method": clustering.method,
        "parameters": dict(clustering.parameters),
        "scaling": question.scaling,
        "dim": question.dim,
        "map": question.reference,
        "features": list(question.features),
        "weights": dict(question.weights),
    }
    return [
        Candidate(f"cluster {label}", clustering.labels == label, {**made, "cluster": label})
        for label in chosen
    ]


def _of_map(scene: Scene) -> list[Candidate]:
    name = st.selectbox("Map", scene.maps.names, key="regions.map")
    values = scene.maps.get(name)
    names = scene.maps.categories.get(name)
    return _of_range(name, values) if names is None else _of_classes(name, values, names)


def _of_classes(
    name: str, values: NDArray[np.float32], names: Mapping[int, str]
) -> list[Candidate]:
    present = [int(code) for code in np.unique(values[np.isfinite(values)])]
    chosen = st.multiselect(
        "Values", present[:_MOST_LISTED], key=f"regions.values.{name}",
        format_func=lambda code: names.get(code, str(code)),
    )  # fmt: skip
    if len(present) > _MOST_LISTED:
        st.caption(f"The first {_MOST_LISTED} of {len(present):,} values are listed.")
    # Numbers alone say too little: "grain 12", but "Magnetite".
    return [
        Candidate(
            f"{name} {called}" if (called := names.get(code, str(code))).isdigit() else called,
            values == code,
            {"kind": "domain" if "domain" in name else "map", "map": name, "value": code},
        )
        for code in chosen
    ]


def _of_range(name: str, values: NDArray[np.float32]) -> list[Candidate]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        st.caption("This map has no value anywhere.")
        return []
    left, right = st.columns(2)
    low = left.number_input("from", value=float(np.median(finite)), format="%g",
                            key=f"regions.from.{name}")  # fmt: skip
    high = right.number_input("to", value=float(finite.max()), format="%g",
                              key=f"regions.to.{name}")  # fmt: skip
    st.caption(f"Both ends count. The map runs from {finite.min():g} to {finite.max():g}.")
    # Fields show fewer digits than a float32 has; the largest value shall not fall out by that.
    inside = (values >= np.float32(low)) & (values <= np.float32(high))
    return [
        Candidate(
            f"{name} {low:g} to {high:g}",
            inside,
            {"kind": "threshold", "map": name, "from": low, "to": high},
        )
    ]


def _of_polygon(scene: Scene) -> list[Candidate]:
    grid = scene.latents.grid
    assert grid is not None
    unit = f" in {markdown_safe(grid.unit)}" if grid.unit else ""
    text = st.text_area(
        f"Vertices: x and y of each{unit}, a line each", key="regions.polygon",
        placeholder="10 10\n40 10\n25 32",
    )  # fmt: skip
    if not text.strip():
        return []
    vertices = _vertices(text)
    shape = Shape("map", "lasso", vertices)
    mask = points_in_shape(shape, grid.x, grid.y)
    if not mask.any():
        message = (
            f"The polygon holds no point. The scan runs from {grid.x.min():g} to {grid.x.max():g} "
            f"in x and from {grid.y.min():g} to {grid.y.max():g} in y."
        )
        raise RequestError(message)
    return [Candidate("polygon", mask, {"kind": "polygon", "vertices": vertices})]


def _vertices(text: str) -> tuple[tuple[float, float], ...]:
    vertices = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        found = re.split(r"[\s,;]+", line.strip())
        if len(found) != 2 or not all(map(_NUMBER.fullmatch, found)):
            message = f"Line {number} is {line[:40]!r}. Write x and y with a blank between them."
            raise RequestError(message)
        vertices.append((float(found[0]), float(found[1])))
    if not 3 <= len(vertices) <= _MOST_VERTICES:
        message = f"A polygon has 3 to {_MOST_VERTICES:,} vertices, but these are {len(vertices)}."
        raise RequestError(message)
    return tuple(vertices)


def _of_view(scene: Scene, question: Question, inside: NDArray[np.bool_]) -> list[Candidate]:
    part = "roi" if scene.latents.grid is not None else "filters"
    source = {"kind": part, "of": question.as_plain().get(part)}
    return [Candidate(scene.region, inside, source)]
