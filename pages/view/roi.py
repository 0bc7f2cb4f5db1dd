"""The ROI by sliders and in exact fields, for the pages whose panels have no sliders for it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from latentcore.containers import ScanGrid
from pages.frame.errors import markdown_safe
from pages.frame.widgets import follow
from pages.view import session
from pages.view.scene import Scene


def choose_roi(scene: Scene) -> None:
    """Show the ROI's sliders; what is chosen is in the session's question afterwards."""
    whole, bounds, grid = _of(scene)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _range("x", whole[:2], bounds[:2], grid.lattice.step[0], grid.unit)
        _range("y", whole[2:], bounds[2:], grid.lattice.step[1], grid.unit)
        with st.popover("Exact", icon=":material/straighten:"):
            _exact(whole, bounds, grid)
        _whole_scan()


def roi_popover(scene: Scene) -> None:
    """Show a button that opens exact fields and the way back to the whole scan."""
    whole, bounds, grid = _of(scene)
    with st.popover("ROI", icon=":material/crop:"):
        _exact(whole, bounds, grid)
        _whole_scan()


def _of(scene: Scene) -> tuple[tuple[float, ...], tuple[float, ...], ScanGrid]:
    """Return the bounds of the scan, those of the ROI, and the grid."""
    grid = scene.latents.grid
    assert grid is not None
    whole = (*grid.x_range, *grid.y_range)
    return whole, session.question().roi or whole, grid


def _whole_scan() -> None:
    st.button(
        "Whole scan",
        icon=":material/fullscreen:",
        disabled=session.question().roi is None,
        on_click=lambda: session.update(roi=None),
    )


def _range(
    axis: str, whole: Sequence[float], bounds: Sequence[float], step: float, unit: str
) -> None:
    key = f"explore.roi.{axis}"
    kind = int if all(float(value).is_integer() for value in (*whole, step)) else float
    follow(key, tuple(kind(_within(value, whole)) for value in bounds), *whole, step)
    st.slider(
        f"ROI in {axis}{f' ({markdown_safe(unit)})' if unit else ''}: from, below",
        kind(whole[0]),
        kind(whole[1]),
        step=kind(step),
        key=key,
        on_change=_adopt_sliders,
    )


def _within(value: float, whole: Sequence[float]) -> float:
    """Return the bound of a ROI as a widget can show it: a link may reach beyond the scan."""
    return min(max(value, whole[0]), whole[1])


def _adopt_sliders() -> None:
    _adopt((*st.session_state["explore.roi.x"], *st.session_state["explore.roi.y"]))


def _exact(whole: tuple[float, ...], bounds: tuple[float, ...], grid: ScanGrid) -> None:
    keys = [f"explore.roi.{name}" for name in ("x0", "x1", "y0", "y1")]
    for place, (key, value) in enumerate(zip(keys, bounds, strict=True)):
        st.session_state[key] = float(_within(value, whole[2 * (place // 2) :]))

    def adopt() -> None:
        _adopt(tuple(st.session_state[key] for key in keys))

    for axis, first in (("x", 0), ("y", 2)):
        step = grid.lattice.step[0 if axis == "x" else 1]
        left, right = st.columns(2)
        for column, place, end in ((left, first, "from"), (right, first + 1, "below")):
            column.number_input(
                f"{axis} {end}",
                float(whole[first]),
                float(whole[first + 1]),
                step=float(step),
                format="%g",
                key=keys[place],
                on_change=adopt,
            )


def _adopt(bounds: Sequence[float]) -> None:
    """Take a ROI from the widgets; an empty one is left to be dragged on."""
    x0, x1, y0, y1 = (float(bound) for bound in bounds)
    if x0 < x1 and y0 < y1:
        session.update(roi=(x0, x1, y0, y1))
