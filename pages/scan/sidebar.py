"""The sidebar that all pages share: which scan, which maps, which latents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import streamlit as st

from latentcore.errors import InputError
from pages.access import places
from pages.frame import errors
from pages.jobs.latents_names import names_of
from pages.jobs.past_runs import latents_of
from pages.scan import demo, loading, memory, state
from pages.scan.loading import grid_of, samples_word

_NONE = ""
# A file that this server has not looked into yet takes some milliseconds.
_MOST_RECENT = 8

# For each place, the reader's name of each kind that it holds.
_Kinds = Mapping[str, Mapping[str, str]]


def sidebar() -> None:
    """Draw the pickers; what is chosen there is in view on every page."""
    scan = state.current()
    kinds = _known_kinds()
    with st.sidebar:
        st.subheader("Scan in view")
        title = samples_word(grid_of(scan)).capitalize() if not scan.is_empty else "Patterns"
        _pick(title, "samples", scan.samples, [demo.SAMPLES, *_holding("samples", kinds)])
        _pick("Latents", "latents", scan.latents, _latents_on_offer(scan, kinds))
        _pick_maps(scan, kinds)
        if scan.keep is not None:
            _show_threshold(*scan.keep)
        if not (scan.is_demo and set(scan.maps) == set(demo.MAPS)):
            st.button(
                "Demo scan",
                icon=":material/science:",
                on_click=_open_demo,
                width="stretch",
                help="Put the demo scan back in view. Your files stay on offer above.",
            )


def _show_threshold(name: str, threshold: float) -> None:
    st.caption(f"Only points with {errors.markdown_safe(name)} > {threshold:g}")
    st.button(
        "Keep all points",
        icon=":material/filter_alt_off:",
        on_click=_keep_all,
        width="stretch",
    )


def _keep_all() -> None:
    state.choose(keep=None)


def _open_demo() -> None:
    try:
        state.open_demo()
    except InputError as error:
        errors.show(error)


def _pick(label: str, part: str, chosen: str | None, offered: Iterable[str]) -> None:
    options = [_NONE, *dict.fromkeys((*offered, *((chosen,) if chosen else ())))]
    key = _key(part, chosen)
    st.session_state[key] = chosen or _NONE
    names = names_of(options)
    st.selectbox(
        label,
        options,
        key=key,
        format_func=lambda place: names[place] if place else "none",
        on_change=_chosen,
        args=(part, key),
    )


def _pick_maps(scan: state.ScanState, kinds: _Kinds) -> None:
    on_grid = scan.is_empty or grid_of(scan) is not None
    kind = "maps" if on_grid else "table"
    offered = dict.fromkeys((*demo.MAPS, *_holding(kind, kinds), *scan.maps))
    if not scan.is_demo:
        offered = {place: None for place in offered if place in scan.maps or place not in demo.MAPS}
    key = _key("maps", scan.maps)
    st.session_state[key] = list(scan.maps)
    st.multiselect(
        "Maps" if on_grid else "Tables",
        list(offered),
        key=key,
        format_func=places.label,
        on_change=_chosen,
        args=("maps", key),
        placeholder="Choose files of maps" if on_grid else "Choose tables about the samples",
    )


def _key(part: str, value: object) -> str:
    """Return a picker's key: another one each time that its part was changed elsewhere.

    A browser sends what all pickers show with whatever it asks for, a job's progress for example.
    If it hasn't heard of a change yet, that would be taken for a choice, and undo the change.
    """
    shown, turn = st.session_state.get(_shown(part), (value, 0))
    turn += shown != value
    st.session_state[_shown(part)] = (value, turn)
    return _key_of(part, turn)


def _key_of(part: str, turn: int) -> str:
    return f"pick_{part}_{turn}" if turn else f"pick_{part}"


def _shown(part: str) -> str:
    return f"shown_in_picker_{part}"


def _chosen(part: str, key: str) -> None:
    _, turn = st.session_state[_shown(part)]
    if key != _key_of(part, turn):
        return  # a picker that is not on the page any more
    chosen = st.session_state[key]
    value = tuple(chosen) if part == "maps" else chosen or None
    st.session_state[_shown(part)] = (value, turn)
    changes = {part: value}
    if part == "samples" and chosen:
        changes["latents"] = _latents_for(chosen, state.current().latents)
    try:
        state.choose(**changes)
    except InputError as error:
        errors.show(error)


def _latents_for(samples: str, shown: str | None) -> str | None:
    """Return the newest latents of a scan, unless latents of its own are in view, or a file's."""
    if shown is not None and not shown.startswith("run:"):
        return shown
    own = latents_of(samples)
    return shown if shown in own else next(iter(own), None)


def places_of_kind(kind: str) -> list[str]:
    """Return the places known to this session that hold ``"latents"``, ``"maps"`` or the like."""
    return _holding(kind, _known_kinds())


def _holding(kind: str, kinds: _Kinds) -> list[str]:
    return [place for place, held in kinds.items() if kind in held]


def _known_kinds() -> _Kinds:
    """Return what each place known to this session holds."""
    recent = [file.place for file in memory.recent_files() if not file.place.startswith("s3:")]
    offered = dict.fromkeys((*state.known_places(), *recent[:_MOST_RECENT]))
    return {place: _kinds(place) for place in offered}


def _kinds(place: str) -> dict[str, str]:
    try:
        return loading.kinds_of(place)
    except InputError:
        return {}  # it vanished, or is of no known format: nothing to offer


def latents_on_offer(scan: state.ScanState) -> list[str]:
    """Return the places of the latents that a session may choose: this scan's, then others."""
    return _latents_on_offer(scan, _known_kinds())


def _latents_on_offer(scan: state.ScanState, kinds: _Kinds) -> list[str]:
    extracted = latents_of(scan.samples) if scan.samples else []
    return [*extracted, *_holding("latents", kinds)]
