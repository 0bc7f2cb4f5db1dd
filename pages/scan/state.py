"""Which scan is in view: one small frozen value, held by the session and written into the URL.

The session is the authority once it has begun; the URL is read when it begins (a reload, a
second browser) and rewritten whenever the scan changes or Streamlit has cleared it, which it
does when the page is switched. Other parameters in the URL belong to the pages and are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from latentcore.errors import InputError
from pages.access import places
from pages.scan import demo

_SESSION = "scan"
_LINKED = "scan_as_linked"
_BROKEN = "scan_with_missing_parts"
_KNOWN = "known_places"
_KEYS = ("samples", "maps", "latents", "keep")
_MOST_MAPS = 64


@dataclass(frozen=True)
class ScanState:
    """The parts of the scan in view, as places (see `pages.access.places`).

    Attributes
    ----------
    samples : str or None
        The patterns.
    maps : tuple of str
        Files of maps, joined to the scan by coordinates.
    keep : tuple of (str, float) or None
        Name of a map and a threshold: only points whose value lies above it are used.
    """

    samples: str | None = None
    maps: tuple[str, ...] = ()
    latents: str | None = None
    keep: tuple[str, float] | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """All places, samples first."""
        return tuple(place for place in (self.samples, *self.maps, self.latents) if place)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is in view."""
        return not self.places

    @property
    def is_demo(self) -> bool:
        """Whether this is the demo scan, with whatever latents."""
        return self.samples == demo.SAMPLES


def current() -> ScanState:
    """Return the scan in view; at first the one that the URL names, or the demo scan."""
    if _SESSION not in st.session_state:
        st.session_state[_SESSION] = _from_query(st.query_params.to_dict(), _maps_in_url())
        st.session_state[_LINKED] = True
    state = st.session_state[_SESSION]
    assert isinstance(state, ScanState)
    return state


def choose(**changes: Any) -> ScanState:
    """Change fields of `ScanState` in the session and in the URL.

    With other samples, a threshold that isn't named as well is lifted: it was meant for the scan
    before. Raises `InputError` if a place can't be read; nothing changes then.
    """
    before = current()
    if changes.get("samples", before.samples) != before.samples:
        changes.setdefault("keep", None)
    state = replace(before, **changes)
    state = replace(state, maps=tuple(dict.fromkeys(state.maps))[:_MOST_MAPS])
    for place in state.places:
        places.check(place)
    st.session_state[_SESSION] = state
    if state.places != before.places:
        st.session_state[_LINKED] = False
        if _BROKEN in st.session_state:
            _, problems = st.session_state[_BROKEN]
            st.session_state[_BROKEN] = state, problems
    _remember(state.places)
    _write_url(_in_url(state))
    return state


def is_as_linked() -> bool:
    """Tell whether the scan is still the one of the URL that the session began with.

    What pages find in that URL (a ROI, a selection) is meant for no other.
    """
    return bool(st.session_state.get(_LINKED, True)) and _BROKEN not in st.session_state


def open_demo() -> ScanState:
    """Put the demo scan back in view."""
    demo.ensure_demo()
    state = _default()
    return choose(samples=state.samples, maps=state.maps, latents=state.latents, keep=None)


def check(refused: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Let go of parts that have vanished, and bring the URL up to date; for the frame.

    Nothing takes the place of what has vanished, and the URL goes on naming it, so that a reload
    says the same again; until `dismiss`. `refused` are places that can't be in view for another
    reason, and that reason. Returns what had to be let go, for the person to read.
    """
    state = current()
    refused = refused or {}
    reasons = {place: refused.get(place) or _problem(place) for place in state.places}
    gone = {place: reason for place, reason in reasons.items() if reason}
    if gone:
        asked, known = st.session_state.get(_BROKEN, (state, ()))
        st.session_state[_BROKEN] = asked, tuple(dict.fromkeys((*known, *gone.values())))
        state = ScanState(
            samples=None if state.samples in gone else state.samples,
            maps=tuple(place for place in state.maps if place not in gone),
            latents=None if state.latents in gone else state.latents,
            keep=state.keep,
        )
    if lacks_demo_latents(state):
        state = replace(state, latents=demo.demo_latents())
    st.session_state[_SESSION] = state
    _remember(state.places)
    _write_url(_in_url(state))
    problems: tuple[str, ...] = st.session_state.get(_BROKEN, (state, ()))[1]
    return problems


def lacks_demo_latents(state: ScanState) -> bool:
    """Tell whether the demo scan is in view without the latents that it comes with.

    They are no answer to whoever asked for others that are gone.
    """
    return state.is_demo and state.latents is None and _in_url(state).latents is None


def dismiss() -> None:
    """Take note of what `check` let go: it is said no more, and the URL names it no more."""
    st.session_state.pop(_BROKEN, None)


def known_places() -> tuple[str, ...]:
    """Return the places that the server was started with or this session has had in view."""
    return tuple(dict.fromkeys((*places.opened_places(), *st.session_state.get(_KNOWN, ()))))


def to_query(state: ScanState) -> dict[str, list[str]]:
    """Return the URL parameters of a state; none for the demo scan as it comes."""
    if replace(state, latents=None) == ScanState(demo.SAMPLES, demo.MAPS) and (
        state.latents in (None, demo.demo_latents())
    ):
        return {}
    query = {"samples": [state.samples or ""]}
    if state.maps:
        query["maps"] = list(state.maps)
    if state.latents:
        query["latents"] = [state.latents]
    if state.keep is not None:
        name, threshold = state.keep
        query["keep"] = [f"{threshold!r}:{name}"]
    return query


def _from_query(query: Mapping[str, str], maps: tuple[str, ...]) -> ScanState:
    if not any(key in query for key in _KEYS):
        return _default()
    return ScanState(
        samples=query.get("samples") or None,
        maps=maps[:_MOST_MAPS],
        latents=query.get("latents") or None,
        keep=_parse_keep(query.get("keep", "")),
    )


def _parse_keep(text: str) -> tuple[str, float] | None:
    number, colon, name = text.partition(":")
    try:
        threshold = float(number)
    except ValueError:
        return None
    return (name, threshold) if colon and name and math.isfinite(threshold) else None


def _maps_in_url() -> tuple[str, ...]:
    return tuple(dict.fromkeys(place for place in st.query_params.get_all("maps") if place))


def _in_url(state: ScanState) -> ScanState:
    """Return the scan that the URL names: the one in view, or the one asked for in vain."""
    asked, _ = st.session_state.get(_BROKEN, (state, ()))
    assert isinstance(asked, ScanState)
    return asked


def _write_url(state: ScanState) -> None:
    wanted = to_query(state)
    for key in _KEYS:
        # Each assignment is a message to the browser and an entry in its history.
        if st.query_params.get_all(key) != wanted.get(key, []):
            st.query_params[key] = wanted.get(key, [])


def _default() -> ScanState:
    return ScanState(demo.SAMPLES, demo.MAPS, demo.demo_latents())


def _problem(place: str) -> str:
    try:
        places.check(place)
    except InputError as error:
        return str(error)
    return ""


def _remember(seen: tuple[str, ...]) -> None:
    known = st.session_state.get(_KNOWN, ())
    st.session_state[_KNOWN] = tuple(dict.fromkeys((*known, *seen)))
