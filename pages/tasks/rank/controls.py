"""The Rank page's widgets: reference and metrics."""

from __future__ import annotations

import re

import streamlit as st

from latentcore.analysis.ranking.sampled import MOST_ROWS
from pages.access import places
from pages.frame import errors
from pages.scan.joining import JoinedMaps
from pages.tasks.rank.question import RankQuestion, question, update
from pages.tasks.rank.scores import titles
from pages.tasks.rank.target import files_with_maps
from pages.view.scene import Scene

_KINDS = {"": "One map", "sum": "Sum", "rgb": "RGB"}
_DEGREES = {1: "a plane (degree 1)", 2: "degree 2", 3: "degree 3"}
_COLORS = ("Red", "Green", "Blue")
# Fe, O, Al (wt%), Ti_K: a chemical symbol, perhaps with a unit or a line.
_ELEMENT = re.compile(r"[A-Z][a-z]?([ _(\[].*)?")


def choose_reference(scene: Scene) -> None:
    """Show the widgets of the reference and the metrics; the question is changed by them."""
    asked = question()
    kind, maps, details = st.columns([1.4, 3, 1], vertical_alignment="bottom")
    with kind:
        _kind(scene.maps, asked)
    with maps:
        if asked.synthesis == "sum":
            _sum(scene.maps, asked)
        elif asked.synthesis == "rgb":
            _rgb(scene.maps, asked)
        else:
            _single(scene.maps, asked)
    with details.popover("Metrics", icon=":material/tune:", width="stretch"):
        _metrics(asked)
        if len(scene.latents) > MOST_ROWS:
            _points(asked)


def _kind(maps: JoinedMaps, asked: RankQuestion) -> None:
    key = "rank.synthesis"
    st.session_state[key] = asked.synthesis
    offered = ["", "sum"]
    if any(len(names) >= 3 for names in files_with_maps(maps).values()):
        offered.append("rgb")

    def adopt() -> None:
        chosen = st.session_state[key] or ""
        update(synthesis=chosen, columns=_begin_with(maps, question(), chosen), weights=())

    st.segmented_control(
        "Reference", offered, format_func=_KINDS.__getitem__, key=key, on_change=adopt,
        help="A sum and an RGB picture of three maps scale each to 0–1 over the ROI. RGB is "
        "compared by its luminance.", required=True,
    )  # fmt: skip


def _begin_with(maps: JoinedMaps, asked: RankQuestion, synthesis: str) -> tuple[str, ...]:
    """Return the columns that a kind of reference begins with: elements, where there are any."""
    if synthesis == "":
        return asked.columns[:1]
    least = 3 if synthesis == "rgb" else 2
    files = list(files_with_maps(maps).values())
    elements = [[name for name in names if _ELEMENT.fullmatch(name)] for names in files]
    here = [names for names in files if asked.columns[0] in names]
    large = [names for names in (*elements, *here, *files) if len(names) >= least]
    names = next(iter(large), files[0])
    return tuple(names[:3] if synthesis == "rgb" else names)


def _single(maps: JoinedMaps, asked: RankQuestion) -> None:
    names = [name for names in files_with_maps(maps).values() for name in names]
    # In the order of the files, as in the sidebar.
    names.sort(key=maps.names.index)
    key = "rank.map"
    st.session_state[key] = asked.columns[0] if asked.columns else None
    st.selectbox(
        "Map",
        names,
        key=key,
        on_change=lambda: update(columns=(st.session_state[key],), weights=()),
        help="Band contrast, an element, a score of PCA or cNMF: any map of numbers.",
    )


def _sum(maps: JoinedMaps, asked: RankQuestion) -> None:
    names = _of_same_file(maps, asked)
    key, weights_key = "rank.columns", "rank.weights"
    st.session_state[key] = [name for name in asked.columns if name in names]
    st.session_state[weights_key] = " ".join(f"{weight:g}" for weight in asked.weights)
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    left.multiselect(
        f"Maps of {errors.markdown_safe(places.label(maps.origin[asked.columns[0]][0]))}",
        names,
        key=key,
        on_change=lambda: (
            update(columns=tuple(st.session_state[key]), weights=())
            if st.session_state[key]
            else None
        ),
    )
    right.text_input(
        "Weights",
        key=weights_key,
        on_change=lambda: _adopt_weights(st.session_state[weights_key]),
        placeholder="equal",
        help="One number for each map, in their order, such as 2 1 1. Empty: all the same.",
    )


def _adopt_weights(text: str) -> None:
    try:
        update(weights=tuple(float(number) for number in text.replace(",", " ").split()))
    except ValueError:
        st.toast(
            f"Weights are numbers such as 2 1 1, not {errors.markdown_safe(text[:40])}.",
            icon=":material/error:",
        )


def _rgb(maps: JoinedMaps, asked: RankQuestion) -> None:
    names = _of_same_file(maps, asked)
    keys = [f"rank.{color.lower()}" for color in _COLORS]
    for column, color, key, name in zip(st.columns(3), _COLORS, keys, asked.columns, strict=False):
        st.session_state[key] = name
        column.selectbox(
            color,
            names,
            key=key,
            on_change=lambda: update(columns=tuple(st.session_state[each] for each in keys)),
        )


def _of_same_file(maps: JoinedMaps, asked: RankQuestion) -> list[str]:
    return files_with_maps(maps)[maps.origin[asked.columns[0]][0]]


def _metrics(asked: RankQuestion) -> None:
    named = titles()
    keys = {name: f"rank.{name}" for name in ("metrics", "trend_degree", "sure")}
    st.session_state[keys["metrics"]] = list(asked.metrics or named)
    st.session_state[keys["trend_degree"]] = asked.trend_degree
    st.session_state[keys["sure"]] = list(asked.sure)

    def adopt(name: str) -> None:
        chosen = st.session_state[keys[name]]
        if name == "metrics":
            chosen = _fewer(chosen, named)
        update(**{name: tuple(chosen) if name == "sure" else chosen})

    st.pills(
        "Metrics", list(named), selection_mode="multi", format_func=named.__getitem__,
        key=keys["metrics"], on_change=adopt, args=("metrics",),
    )  # fmt: skip
    st.selectbox(
        "Spatial trend removed by the partial correlation", list(_DEGREES),
        format_func=_DEGREES.__getitem__, key=keys["trend_degree"], on_change=adopt,
        args=("trend_degree",),
    )  # fmt: skip
    st.pills(
        "Intervals and chance", list(asked.metrics or named), selection_mode="multi",
        format_func=named.__getitem__, key=keys["sure"], on_change=adopt, args=("sure",),
        help="Each scores some 400 maps: seconds for Pearson, minutes for mutual information.",
    )  # fmt: skip
    st.caption(
        "Pearson, Spearman, Kendall and the partial correlation have a sign and rank by their "
        "absolute value. Mutual information, distance correlation and HSIC also see what is "
        "neither straight nor monotonic."
    )


def _points(asked: RankQuestion) -> None:
    key = "rank.all_points"
    st.session_state[key] = asked.all_points
    st.checkbox(
        "Score all points", key=key,
        on_change=lambda: update(all_points=st.session_state[key]),
        help=f"Of more than {MOST_ROWS:,} points a sample is scored, and each score has its "
        "standard error.",
    )  # fmt: skip


def _fewer(chosen: list[str], named: dict[str, str]) -> tuple[str, ...]:
    """Return the metrics in their own order, none where all are chosen."""
    return () if len(chosen) in (0, len(named)) else tuple(name for name in named if name in chosen)
