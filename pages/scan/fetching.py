"""Downloads from S3 that somebody waits for: in threads that all sessions share, shown live."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import streamlit as st

from latentcore.errors import Cancelled, InputError, StorageError
from latentcore.progress import Progress
from latentcore.storage.download import fetch
from pages.access import places, remote_places
from pages.frame import errors
from pages.frame.units import duration_text, size_text

__all__ = ["Arrived", "begin", "fetch_for_view", "is_waiting", "panel", "take_arrived"]

_LOGGER = logging.getLogger("latent_explorer")
_AT_ONCE = 4
_LOOK_EVERY_S = 0.5
_MARK = "fetching_mark"
_VIEW = "view"


@dataclass(frozen=True)
class Arrived:
    """What became of the objects that a session waited for.

    Attributes
    ----------
    places : tuple of str
        Those whose copies are at hand.
    """

    places: tuple[str, ...]
    failed: dict[str, InputError]
    cancelled: tuple[str, ...]


@dataclass(eq=False)
class _Download:
    """One object on its way; written by its thread, read by those who wait."""

    place: str
    waiting: set[str] = field(default_factory=set)
    progress: Progress = field(init=False)
    done: int = 0
    total: int = 0
    # Where it stood when the first bytes came: an interrupted one doesn't begin at nothing.
    first: tuple[float, int] | None = None
    error: InputError | None = None
    ended: bool = False

    def __post_init__(self) -> None:
        self.progress = Progress(self.step)

    def step(self, done: int, total: int, message: str) -> None:
        del message
        if not total:
            return  # waiting for the line to come back
        self.done, self.total = done, total
        if self.first is None:
            self.first = (time.monotonic(), done)

    @property
    def rate(self) -> float:
        """Bytes per second, 0 where it can't be told yet."""
        if self.first is None or self.ended:
            return 0.0
        seconds = time.monotonic() - self.first[0]
        return (self.done - self.first[1]) / seconds if seconds > _LOOK_EVERY_S else 0.0

    def run(self) -> None:
        try:
            self.progress.step(0, 0)  # perhaps nobody waits any more
            fetch(remote_places.object_at(self.place), self.progress)
        except Cancelled:
            pass
        except InputError as error:
            self.error = error
        except Exception:
            incident = uuid.uuid4().hex[:8]
            _LOGGER.exception("incident %s: the download of %s", incident, self.place)
            message = (
                f"The download of {places.label(self.place)!r} stopped at a fault of the program. "
                f"Try again; if it comes back, give the operator this number: incident {incident}."
            )
            self.error = StorageError(message)
        finally:
            self.ended = True


class _Downloads:
    """All downloads of this server; two sessions that want one object wait for the same."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="latent-fetch")
        self._running: dict[str, _Download] = {}
        self._lock = threading.Lock()

    def want(self, place: str, who: str) -> _Download:
        with self._lock:
            self._running = {key: one for key, one in self._running.items() if not one.ended}
            found = self._running.get(place)
            if found is None or found.progress.cancelled:
                found = _Download(place)
                self._running[place] = found
                self._pool.submit(found.run)
            found.waiting.add(who)
            return found

    def give_up(self, download: _Download, who: str) -> None:
        """Wait no longer; the last one to do so stops the download."""
        with self._lock:
            download.waiting.discard(who)
            if not download.waiting:
                download.progress.cancel()

    def close(self) -> None:
        for download in self._running.values():
            download.progress.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)


@st.cache_resource(show_spinner=False, on_release=_Downloads.close)
def _downloads() -> _Downloads:
    return _Downloads()


def begin(purpose: str, wanted: Sequence[str]) -> None:
    """Start to fetch objects for this session.

    Parameters
    ----------
    purpose : str
        What tells this session's waits apart.
    wanted : sequence of str
        Places on S3.
    """
    mark = _mark(purpose)
    st.session_state[_key(purpose)] = [_downloads().want(place, mark) for place in wanted]


def is_waiting(purpose: str) -> bool:
    """Tell whether `begin` was called and `take_arrived` has not yet told the end."""
    return _key(purpose) in st.session_state


def take_arrived(purpose: str) -> Arrived | None:
    """Return what became of the objects, once; None while some are on the way."""
    waited: list[_Download] = st.session_state.get(_key(purpose), [])
    if not is_waiting(purpose) or not _all_over(waited, purpose):
        return None
    del st.session_state[_key(purpose)]
    remote_places.look_again()
    mark = _mark(purpose)
    told = [entry for entry in waited if mark in entry.waiting]
    return Arrived(
        places=tuple(entry.place for entry in told if entry.error is None),
        failed={entry.place: entry.error for entry in told if entry.error is not None},
        cancelled=tuple(entry.place for entry in waited if mark not in entry.waiting),
    )


@st.fragment(run_every=_LOOK_EVERY_S)
def panel(purpose: str) -> None:
    """Show how far the objects are, anew twice a second, with a way to cancel."""
    waited: list[_Download] = st.session_state.get(_key(purpose), [])
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
    """Fetch what is in view and not at hand, showing how far it is instead of the page.

    It is called at the begin of each run: a scan that comes by its URL, or whose object was
    replaced, is downloaded here before anything asks for its content.

    Returns
    -------
    dict of str to str
        Why a place can't be in view, for those that failed or were cancelled.
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
    if not remote_places.is_object(place):
        return False
    try:
        return remote_places.copy_at_hand(place) is None
    except InputError:
        return False  # the check of the scan in view tells why


def _give_up(purpose: str) -> None:
    for entry in st.session_state.get(_key(purpose), []):
        if not entry.ended:
            _downloads().give_up(entry, _mark(purpose))


def _all_over(waited: Sequence[_Download], purpose: str) -> bool:
    mark = _mark(purpose)
    return all(entry.ended or mark not in entry.waiting for entry in waited)


def _how_far(entry: _Download) -> str:
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
