"""Which samples are in view where there is no scan grid: by ΔT, or by any column of a table."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.cutout_statistics import DT_EDGES, dt_bins
from latentcore.analysis.value_filters import Filters, Ranges
from pages.access import places
from pages.frame.errors import markdown_safe
from pages.scan.joining import can_join_by_order, join_text
from pages.view import session
from pages.view.question import Question
from pages.view.scene import Scene

_BINS: Ranges = tuple(itertools.pairwise(DT_EDGES))


def show_joins(scene: Scene, question: Question) -> None:
    """Show how the tables were joined to the samples, or why one could not be."""
    sentence = join_text(scene.maps, len(scene.latents))
    if sentence:
        st.caption(f":material/join_inner: {markdown_safe(sentence)}")
    for place, error in scene.unjoined.items():
        st.warning(
            f"**{markdown_safe(places.label(place))}** is not joined. {markdown_safe(str(error))}",
            icon=":material/link_off:",
        )
        assert scene.scan.latents is not None
        if not question.by_order and can_join_by_order(place, scene.scan.latents):
            st.button(
                f"Its {len(scene.latents):,} rows are the samples', in order: join them so",
                key=f"explore.by_order.{place}",
                icon=":material/format_list_numbered:",
                on_click=lambda: session.update(by_order=True),
            )


def filter_bar(scene: Scene, question: Question) -> None:
    """Show the filters; what is changed here is in the session's question afterwards."""
    if not scene.numeric_maps:
        return
    name = scene.temperature_difference
    with st.container(key="explore-filters", horizontal=True, vertical_alignment="center"):
        if name:
            _bins(scene, question, name)
        else:
            kept = filter_text(question.filters)
            shown = f"Samples with {kept} are in view." if kept else "All samples are in view."
            st.caption(markdown_safe(shown), width="content")
        with st.popover("Keep by a column", icon=":material/filter_alt:"):
            _range(scene, question)
        st.button(
            "All samples",
            key="explore.filter.none",
            icon=":material/filter_alt_off:",
            disabled=not question.filters,
            on_click=lambda: session.update(filters={}),
        )


def filter_text(filters: Filters) -> str:
    """Return the filters as people say them: ``DT 0.5–1 or ≥ 4, lat 10–20``."""
    return ", ".join(
        f"{name} {' or '.join(map(_range_text, ranges)) or 'in no range'}"
        for name, ranges in filters.items()
    )


def _range_text(ends: tuple[float, float]) -> str:
    low, high = ends
    if math.isinf(high):
        return f"≥ {low:g}" if math.isfinite(low) else "known"
    return f"{low:g}–{high:g}" if math.isfinite(low) else f"< {high:g}"


def _bins(scene: Scene, question: Question, name: str) -> None:
    values = scene.maps.get(name)
    _, names = dt_bins(values[:0])
    counts = _counts(f"{scene.key}|{name}", values)
    key = "explore.filter.dt"
    ranges = question.filters.get(name, ())
    st.session_state[key] = [number for number, ends in enumerate(_BINS) if ends in ranges]

    def adopt() -> None:
        _keep(name, tuple(_BINS[number] for number in sorted(st.session_state[key])))

    st.multiselect(
        f"Keep samples by {markdown_safe(name)}",
        range(len(_BINS)),
        key=key,
        format_func=lambda number: f"{names[number]} · {counts[number]:,}",
        on_change=adopt,
        placeholder=f"Keep by {name} (90th − 10th percentile of the center)",
        label_visibility="collapsed",
        width=400,
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _counts(key: str, _values: NDArray[np.float32]) -> list[int]:
    del key
    bins, names = dt_bins(_values)
    return [int((bins == number).sum()) for number in names]


def _range(scene: Scene, question: Question) -> None:
    name = st.selectbox("Column", scene.numeric_maps, key="explore.filter.column")
    values = scene.maps.get(name)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    if low >= high:
        st.caption("All its values are the same.")
        return
    ranges = question.filters.get(name, ())
    ends = (ranges[0][0], ranges[-1][1]) if ranges else (low, high)
    keys = [f"explore.filter.{end}.{name}" for end in ("from", "below")]
    for key, end, shown in zip(keys, ends, (low, high), strict=True):
        st.session_state[key] = end if math.isfinite(end) else shown

    def adopt() -> None:
        start, stop = (float(st.session_state[key]) for key in keys)
        # The largest value is no bound: a half-open range would leave out just that sample.
        open_ends = (start if start > low else -math.inf, stop if stop < high else math.inf)
        _keep(name, (open_ends,) if open_ends != (-math.inf, math.inf) else ())

    left, right = st.columns(2)
    left.number_input("from", key=keys[0], format="%g", on_change=adopt)
    right.number_input("below", key=keys[1], format="%g", on_change=adopt)
    st.caption(f"{len(known):,} of {len(values):,} samples have a value, {low:g} to {high:g}.")


def _keep(name: str, ranges: Ranges) -> None:
    """Change one column's filter; without ranges it keeps all."""
    others: Mapping[str, Ranges] = {
        other: kept for other, kept in session.question().filters.items() if other != name
    }
    session.update(filters={**others, name: ranges} if ranges else others)
