"""Virtual detectors: their widgets, the board, and what is kept of them."""

from __future__ import annotations

import itertools

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.patterns.detectors import (
    OPERATIONS,
    REDUCTIONS,
    Combination,
    check_name,
    read_detector,
    scaled,
)
from latentcore.analysis.patterns.pixel_store import PixelStore
from latentcore.containers import ScanGrid
from latentcore.errors import Cancelled, InputError
from latentcore.jobs.command_line import command_line
from pages.access import places
from pages.frame import errors
from pages.panels.detector_board.component import Shown, detector_board, read_done
from pages.people.fragments import fragment
from pages.results.pattern_maps import VERB, offer_pattern_maps, request_for
from pages.scan import loading
from pages.scan.derived_maps import keep_as_maps
from pages.tasks.pattern_maps import asked as question
from pages.tasks.pattern_maps.asked import NAMES, Asked
from pages.tasks.pattern_maps.store import about_pixels, exact_sums, pixels_of

_BOARD = "pattern_maps.board"
_SHAPE = "pattern_maps.shape"
_PROBLEM = "pattern_maps.problem"


def virtual_detectors(place: str) -> None:
    """Show the detectors of the samples at a place."""
    st.header("Virtual detectors", divider="grey")
    st.caption(
        "Drag a rectangle or disk on the pattern: the map shows the intensity in it at each point "
        "of the scan. Click the map to see a point's pattern."
    )
    try:
        store = pixels_of(place)
    except Cancelled:
        st.info("Stopped.", icon=":material/cancel:")
        st.button("Go on", icon=":material/replay:")
        return
    except InputError as error:
        errors.show(error)
        return
    if store is not None:
        _live(place, store)


@fragment
def _live(place: str, store: PixelStore) -> None:
    """Run alone at every drag: the rest of the page stays as it is."""
    question.begin(about_pixels(place), store.shape)
    question.write_url()  # callbacks have changed the question before
    _adopt_shape()
    _tools(store)
    asked = question.current()
    grid = loading.samples(place).grid
    assert grid is not None  # else there were no pixels
    values = None if store.pixels is None else _exact(place, store, asked)

    def pattern(row: int) -> NDArray[np.generic]:
        places.check_owner(place)  # at each: a share may have ended
        found: NDArray[np.generic] = loading.samples(place).read(np.array([row]))[0, 0]
        return found

    detector_board(
        store, grid, about=about_pixels(place), pattern=pattern, detectors=asked.detectors,
        active=asked.active, shown=asked.shown, reduction=asked.reduction, exact=values,
        answered=asked.revision, key=_BOARD, on_change=lambda: _adopt(store.shape),
    )  # fmt: skip
    _keep(place, grid, asked, values)


def _adopt(shape: tuple[int, int]) -> None:
    """Take over what was done on the board."""
    asked = question.current()
    names = list(asked.detectors)
    done = read_done(_BOARD, list(asked.detectors.values()), shape)
    st.session_state[_PROBLEM] = ""
    if done is not None:
        question.put(names[done.active], done.detector)
        question.update(revision=done.revision)


def _adopt_shape() -> None:
    """Show the chosen detector's numbers in the text field, unless somebody is at them."""
    asked = question.current()
    if not st.session_state.get(_PROBLEM):
        st.session_state[_SHAPE] = asked.detectors[asked.active].spec


def _typed(shape: tuple[int, int]) -> None:
    asked = question.current()
    try:
        detector = read_detector(st.session_state[_SHAPE])
        detector.spans(shape)
    except InputError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    st.session_state[_PROBLEM] = ""
    question.put(asked.active, detector)
    question.update(revision=asked.revision + 1)


def _tools(store: PixelStore) -> None:
    asked = question.current()
    free = [name for name in NAMES if name not in asked.detectors]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.session_state["pattern_maps.active"] = asked.active
        st.segmented_control(
            "Detector", list(asked.detectors), key="pattern_maps.active", on_change=_choose
        )
        for kind, icon in (("rectangle", ":material/crop_square:"), ("disk", ":material/circle:")):
            st.button(
                f"Add {kind}", icon=icon, key=f"pattern_maps.add.{kind}", disabled=not free,
                on_click=_add, args=(kind, store.shape),
            )  # fmt: skip
        st.button(
            "Remove", icon=":material/delete:", key="pattern_maps.remove",
            disabled=len(asked.detectors) < 2, on_click=_remove,
        )  # fmt: skip
        st.text_input(
            "Shape", key=_SHAPE, width=190, on_change=_typed, args=(store.shape,),
            help="X0:X1:Y0:Y1, columns X0 to X1 − 1 and rows Y0 to Y1 − 1; or disk:X:Y:R, the "
            "pixels whose centers lie at most R from X, Y.",
        )  # fmt: skip
        _map_choice(asked)
    if st.session_state.get(_PROBLEM):
        st.error(errors.markdown_safe(st.session_state[_PROBLEM]), icon=":material/error:")


def _map_choice(asked: Asked) -> None:
    pairs = itertools.permutations(asked.detectors, 2)
    combined = [Shown(sign, a, b) for a, b in pairs for sign in OPERATIONS]
    choices = [*REDUCTIONS, *combined]
    st.session_state["pattern_maps.shown"] = (
        asked.shown if asked.shown.operation else asked.reduction
    )
    st.selectbox(
        "Map", choices, key="pattern_maps.shown", format_func=_title, width=170,
        on_change=_choose_map,
        help="Of the chosen detector; or difference and ratio of the means of two detectors.",
    )  # fmt: skip


def _title(choice: str | Shown) -> str:
    if isinstance(choice, Shown):
        return f"{choice.first} {'−' if choice.operation == '-' else '/'} {choice.second}"
    return f"{choice} of the pixels"


def _choose() -> None:
    st.session_state[_PROBLEM] = ""
    chosen = st.session_state["pattern_maps.active"]
    if chosen in question.current().detectors:  # a click on the chosen one lets go of it
        question.update(active=chosen, shown=Shown())


def _choose_map() -> None:
    chosen = st.session_state["pattern_maps.shown"]
    if isinstance(chosen, Shown):
        question.update(shown=chosen)
    else:
        question.update(shown=Shown(), reduction=chosen)


def _add(kind: str, shape: tuple[int, int]) -> None:
    st.session_state[_PROBLEM] = ""
    asked = question.current()
    name = next(name for name in NAMES if name not in asked.detectors)
    question.put(name, question.new_shape(kind, shape, NAMES.index(name)))
    question.update(shown=Shown(), revision=asked.revision + 1)


def _remove() -> None:
    st.session_state[_PROBLEM] = ""
    asked = question.current()
    question.remove(asked.active)
    question.update(revision=asked.revision + 1)


def _exact(place: str, store: PixelStore, asked: Asked) -> NDArray[np.float64]:
    def value(name: str, reduction: str) -> NDArray[np.float64]:
        detector = asked.detectors[name]
        return scaled(exact_sums(place, store, detector), detector.spans(store.shape), reduction)

    shown = asked.shown
    if not shown.operation:
        return value(asked.active, asked.reduction)
    means = {name: value(name, "mean") for name in (shown.first, shown.second)}
    return Combination(shown.first, shown.operation, shown.second).of(means)


def _keep(place: str, grid: ScanGrid, asked: Asked, values: NDArray[np.float64] | None) -> None:
    combined = question.combined(asked.shown)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name of the map",
            f"detector_{combined or asked.active}".replace("-", "_minus_").replace("/", "_over_"),
            key=f"pattern_maps.name.{combined or asked.active}",
            width=260,
        )
        if values is not None and st.button(
            "Keep as a map", icon=":material/layers:", key="pattern_maps.keep", type="primary",
            help="It becomes a map of the scan in view, for Explore, Rank and all other pages.",
        ):  # fmt: skip
            _kept(place, grid, name, values)
    request = request_for(
        place, detector=_named(asked, name), detector_value=asked.reduction,
        combine=(f"{name}={combined}",) if combined else (),
    )  # fmt: skip
    if values is None:
        st.caption(
            "The pixels of this scan take too much disk space to keep them at hand: maps here are "
            "previews. A job reads the file once more for the exact map."
        )
        offer_pattern_maps(
            request, key="pattern_maps.exact", label="Compute and keep as a map",
            title=f"{name} of {places.label(place)}",
        )  # fmt: skip
    with st.expander("The same on the command line", icon=":material/terminal:"):
        st.code(command_line(VERB, request, "detectors"), language="sh", wrap_lines=True)


def _named(asked: Asked, name: str) -> tuple[str, ...]:
    """Return the detectors that the map is made of, a single one under the map's name."""
    shown = asked.shown
    if not shown.operation:
        return (f"{name}={asked.detectors[asked.active].spec}",)
    return tuple(f"{one}={asked.detectors[one].spec}" for one in (shown.first, shown.second))


def _kept(place: str, grid: ScanGrid, name: str, values: NDArray[np.float64]) -> None:
    try:
        check_name(name.strip(), {})
        keep_as_maps(f"{_stem(place)}_{name.strip()}", grid, {name.strip(): values})
    except InputError as error:
        errors.show(error)
        return
    st.toast(f"{errors.markdown_safe(name.strip())} is a map of the scan now.")
    st.rerun()


def _stem(place: str) -> str:
    return places.label(place).split(" · ")[0].split(".")[0] or "scan"
