"""The objects on S3 that a session waits for, shown while they are downloaded."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from latentcore.errors import InputError
from pages.access import places, s3
from pages.access.downloads import Download, downloads
from pages.frame import errors
from pages.frame.units import duration_text, size_text

_LOOK_EVERY_S = 0.5
_MARK = "fetching_mark"
_VIEW = "view"


@dataclass(frozen=True)
class Arrived:
    """What became of the objects that a session waited for; `places` are those that came."""

    places: tuple[str, ...]
    failed: dict[str, InputError]
    cancelled: tuple[str, ...]


def begin(purpose: str, wanted: Sequence[str]) -> None:
    """Start to fetch places on S3 for this session; `purpose` keeps its waits apart."""
    mark = _mark(purpose)
    st.session_state[_key(purpose)] = [downloads().want(place, mark) for place in wanted]


def is_waiting(purpose: str) -> bool:
    """Tell whether `begin` was called and `take_arrived` has not yet returned what became of it."""
    return _key(purpose) in st.session_state


def take_arrived(purpose: str) -> Arrived | None:
    """Return what became of the objects, once; None while some are on the way."""
    waited: list[Download] = st.session_state.get(_key(purpose), [])
    if not is_waiting(purpose) or not _all_over(waited, purpose):
        return None
    del st.session_state[_key(purpose)]
    s3.look_again()
    mark = _mark(purpose)
    ours = [entry for entry in waited if mark in entry.waiting]
    return Arrived(
        places=tuple(entry.place for entry in ours if entry.error is None),
        failed={entry.place: entry.error for entry in ours if entry.error is not None},
        cancelled=tuple(entry.place for entry in waited if mark not in entry.waiting),
    )


@st.fragment(run_every=_LOOK_EVERY_S)
def panel(purpose: str) -> None:
    """Show how far the objects are, anew twice a second, with a way to cancel."""
    waited: list[Download] = st.session_state.get(_key(purpose), [])
    if _all_over(waited, purpose):
        st.rerun()
    with st.container(border=True):
        st.markdown("**Downloading from S3**")
        for entry in waited:
            share = entry.done / entry.total if entry.total else 0.0
            st.progress(min(1.0, share), text=errors.markdown_safe(_how_far(entry)))
        st.button(
            "Cancel",
            key=f"fetching_cancel_{purpose}",
            icon=":material/stop_circle:",
            on_click=_give_up,
            args=(purpose,),
            help="What has arrived is kept: opening the same object again goes on from there.",
        )


def fetch_for_view(in_view: Sequence[str]) -> dict[str, str]:
    """Fetch what is in view and not yet on this server, showing how far it is instead of the page.

    It is called at the begin of each run: a scan that comes by its URL, or whose object was
    replaced, is downloaded here before anything asks for its content. Returns why a place can't be
    in view, for those that failed or were cancelled.
    """
    if not is_waiting(_VIEW):
        missing = [place for place in in_view if _is_missing(place)]
        if not missing:
            return {}
        begin(_VIEW, missing)
    arrived = take_arrived(_VIEW)
    if arrived is None:
        panel(_VIEW)
        st.stop()
    cancelled = {
        place: f"{places.label(place)} is not in view: its download was cancelled."
        for place in arrived.cancelled
    }
    return cancelled | {place: str(error) for place, error in arrived.failed.items()}


def _is_missing(place: str) -> bool:
    if not s3.is_object(place):
        return False
    try:
        return s3.cached_copy(place) is None
    except InputError:
        return False  # the check of the scan in view says why


def _give_up(purpose: str) -> None:
    for entry in st.session_state.get(_key(purpose), []):
        if not entry.ended:
            downloads().give_up(entry, _mark(purpose))


def _all_over(waited: Sequence[Download], purpose: str) -> bool:
    mark = _mark(purpose)
    return all(entry.ended or mark not in entry.waiting for entry in waited)


def _how_far(entry: Download) -> str:
    name = places.label(entry.place)
    if entry.ended:
        return f"{name}: {'arrived' if entry.error is None else 'failed'}"
    if not entry.total:
        return f"{name}: waiting for the first bytes"
    if entry.done >= entry.total:
        return f"{name}: {size_text(entry.total)} arrived, comparing the checksum"
    text = f"{name}: {size_text(entry.done)} of {size_text(entry.total)}"
    if entry.rate > 0:
        left = (entry.total - entry.done) / entry.rate
        text += f" · {size_text(entry.rate)}/s · {duration_text(left)} left"
    return text


def _mark(purpose: str) -> str:
    return f"{st.session_state.setdefault(_MARK, uuid.uuid4().hex)}:{purpose}"


def _key(purpose: str) -> str:
    return f"fetching_{purpose}"
