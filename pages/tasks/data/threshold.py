"""Leave points out by a threshold on a map: histogram, map, row profile, and what remains."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.containers import ScanGrid, quantities
from latentcore.figures.colors import MISSING_COLORS
from latentcore.jobs.command_line import command_line
from latentcore.workflows import VERBS
from pages.access import places
from pages.charts.frame import draw
from pages.charts.maps import fitting_height, histogram_chart, map_chart, profile_chart
from pages.forms import extract_form
from pages.frame.errors import markdown_safe
from pages.frame.theme import tones
from pages.frame.widgets import follow
from pages.results.verb_files import show_files
from pages.scan import loading, state
from pages.scan.joining import JoinedMaps


def threshold_panel(scan: state.ScanState, joined: JoinedMaps, grid: ScanGrid) -> None:
    """Show one map's values, there is at least one of numbers, and let a threshold drop points."""
    name = _choose_map(scan, joined)
    values = joined.get(name)
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        st.info(f"{markdown_safe(name)} has no value on this scan.", icon=":material/info:")
        return
    low, high = float(finite.min()), float(finite.max())
    threshold = _choose_threshold(scan, name, low, high)
    keep = np.ones(len(grid), np.bool_) if threshold is None else values > threshold
    _show_kept(keep, values, name)
    unit = joined.unit(name)
    left, right = st.columns([1, 1], gap="medium")
    with right:
        histogram = histogram_chart(
            values, tones(), name=name, unit=unit, threshold=threshold, height=250
        )
        draw(histogram, key="threshold_histogram", alt=f"Histogram of {name}")
        row = _choose_row(grid, values)
        _profile(values, grid, row, name, unit, threshold)
    with left:
        figure = map_chart(
            values,
            grid,
            tones(),
            name=name,
            unit=unit,
            colors="grey",
            limits=(low, high),
            dropped=~keep & np.isfinite(values),
            row=row,
            height=fitting_height(grid, 505, most=620),
        )
        draw(
            figure,
            key="threshold_map",
            alt=f"Gray map of {name}; points left out are veiled, a line marks the profile's row",
        )
    _files(joined, grid, name, threshold, row)


def _files(
    joined: JoinedMaps, grid: ScanGrid, name: str, threshold: float | None, row: int
) -> None:
    """Offer what the panel shows as files: figures, numbers, mask, coordinates of what is kept."""
    place, column = joined.origin[name]
    with st.expander("Map, histogram, profiles, mask and kept points as files",
                     icon=":material/download:"):  # fmt: skip
        roi = extract_form.ask_roi("threshold", grid)
        missing = st.segmented_control(
            "Color of points that are not kept", tuple(MISSING_COLORS), default="tan",
            required=True, key="threshold.missing", persist_state="session",
        )  # fmt: skip
        request = VERBS.get("bandcontrast").request(
            map=f"{places.location(place)}:{column}", above=threshold, roi=roi,
            row=_y_of(grid, row), missing_color=missing,
        )  # fmt: skip
        show_files(
            "threshold_files", "bandcontrast", request, f"{name} of {places.label(place)}",
            about=loading.version(place),
        )  # fmt: skip
        st.caption("The same on the command line:")
        st.code(command_line("bandcontrast", request, name), language="sh", wrap_lines=True)


def _y_of(grid: ScanGrid, row: int) -> float:
    """Return the y of a row, as the file counts it."""
    return grid.origin[1] + row * grid.step[1]


def _profile(
    values: NDArray[np.floating],
    grid: ScanGrid,
    row: int,
    name: str,
    unit: str,
    threshold: float | None,
) -> None:
    y = _y_of(grid, row)
    st.caption(f"Profile along y = {y:g}{' ' + markdown_safe(grid.unit) if grid.unit else ''}")
    figure = profile_chart(
        values, grid, row, tones(), name=name, unit=unit, threshold=threshold, height=220
    )
    draw(figure, key="threshold_profile", alt=f"{name} along one row of the scan")


def _choose_map(scan: state.ScanState, joined: JoinedMaps) -> str:
    names = quantities(joined)
    preferred = scan.keep[0] if scan.keep is not None else "bandcontrast"
    found = [name for name in names if name == preferred] or [
        name for name in names if name.startswith("bandcontrast")
    ]
    return st.selectbox(
        "Map", names, index=names.index(found[0]) if found else 0, key="threshold_name"
    )


def _choose_threshold(scan: state.ScanState, name: str, low: float, high: float) -> float | None:
    active = scan.keep is not None and scan.keep[0] == name
    value = scan.keep[1] if scan.keep is not None and active else None
    step = 1.0 if float(low).is_integer() and float(high).is_integer() else (high - low) / 500
    switch, slider, number = st.columns([1.4, 4, 1.2], vertical_alignment="bottom", gap="medium")
    st.session_state["threshold_on"] = active
    switch.toggle(
        "Leave points out",
        key="threshold_on",
        on_change=_switched,
        args=(name, low, step),
        help="Extract and Explore then use only the points that are kept.",
    )
    shown = low if value is None else min(max(value, low), high)
    follow("threshold_slider", shown, low, high, step)
    # The field's value may lie beyond the slider's ends.
    follow("threshold_number", shown if value is None else value)
    slider.slider(
        f"Keep {markdown_safe(name)} above",
        low,
        high if high > low else low + 1.0,
        step=step or 1.0,
        format="%.6g" if step < 1 else "%g",
        key="threshold_slider",
        disabled=not active,
        on_change=_moved,
        args=(name, "threshold_slider"),
    )
    number.number_input(
        "Threshold",
        step=step or 1.0,
        format="%.6g" if step < 1 else "%g",
        key="threshold_number",
        disabled=not active,
        on_change=_moved,
        args=(name, "threshold_number"),
        label_visibility="collapsed",
    )
    return value


def _choose_row(grid: ScanGrid, values: NDArray[np.floating]) -> int:
    rows = grid.shape[0]
    if rows == 1:
        return 0
    key = f"threshold_row_{rows}_{grid.shape[1]}"
    if key not in st.session_state:  # at first a row in the middle of what has values
        st.session_state[key] = int(np.median(grid.row[np.isfinite(values)]))
    return st.select_slider(
        "Row of the profile (y)",
        range(rows),
        format_func=lambda row: f"{_y_of(grid, row):g}",
        key=key,
        help="Rows are called by their y, as the file has it.",
    )


def _show_kept(keep: NDArray[np.bool_], values: NDArray[np.floating], name: str) -> None:
    n, count = len(keep), int(keep.sum())
    missing = int((~np.isfinite(values)).sum())
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        st.markdown(f"**{kept_text(count, n)}**")
        if count == 0:
            st.warning("No point is left: lower the threshold.", icon=":material/warning:")
    if missing:
        st.warning(
            f"{missing:,} of {n:,} points have no {markdown_safe(name)}. They are not kept by any "
            "threshold, and extraction refuses to guess: use the map of the same scan.",
            icon=":material/warning:",
        )


def kept_text(count: int, n: int) -> str:
    """Say how many points are kept."""
    return f"{count:,} of {n:,} points kept, {100 * count / max(n, 1):.1f} %"


def _switched(name: str, low: float, step: float) -> None:
    on = st.session_state["threshold_on"]
    state.choose(keep=(name, low - step) if on else None)


def _moved(name: str, key: str) -> None:
    state.choose(keep=(name, float(st.session_state[key])))
