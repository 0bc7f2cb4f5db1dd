"""Downloads from S3 in threads that all sessions share; the last who gives up stops one."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import streamlit as st

from latentcore.errors import Cancelled, InputError, StorageError
from latentcore.progress import Progress
from latentcore.storage import S3Location
from latentcore.storage.download import fetch
from pages.access import places, s3

_LOGGER = logging.getLogger("latent_explorer")
_AT_ONCE = 4
# A rate measured over less time than this would jump.
_STEADY_S = 0.5


@dataclass(eq=False)
class Download:
    """One object on its way; written by its thread, read by those who wait."""

    place: str
    source: S3Location
    waiting: set[str] = field(default_factory=set)
    progress: Progress = field(init=False)
    done: int = 0
    total: int = 0
    # Where it stood when the first bytes came: an interrupted one doesn't begin at nothing.
    first: tuple[float, int] | None = None
    error: InputError | None = None
    ended: bool = False

    def __post_init__(self) -> None:
        self.progress = Progress(self._step)

    def _step(self, done: int, total: int, message: str) -> None:
        del message
        if not total:
            return  # waiting for the line to come back
        self.done, self.total = done, total
        if self.first is None:
            self.first = (time.monotonic(), done)

    @property
    def rate(self) -> float:
        """Bytes per second, 0 where it isn't known yet."""
        if self.first is None or self.ended:
            return 0.0
        seconds = time.monotonic() - self.first[0]
        return (self.done - self.first[1]) / seconds if seconds > _STEADY_S else 0.0

    def run(self) -> None:
        """Fetch the object; whatever goes wrong becomes `error`."""
        try:
            self.progress.step(0, 0)  # perhaps nobody waits any more
            fetch(self.source, self.progress)
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


class Downloads:
    """All downloads of this server; two sessions that want one object wait for the same."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="latent-fetch")
        self._running: dict[str, Download] = {}
        self._lock = threading.Lock()

    def want(self, place: str, who: str) -> Download:
        """Return the download of an object, started where none runs; errors as `s3.object_at`."""
        source = s3.object_at(place)
        with self._lock:
            self._running = {key: one for key, one in self._running.items() if not one.ended}
            found = self._running.get(place)
            if found is None or found.progress.cancelled:
                found = Download(place, source)
                self._running[place] = found
                self._pool.submit(found.run)
            found.waiting.add(who)
            return found

    def give_up(self, download: Download, who: str) -> None:
        """Wait no longer; the last one to do so stops the download."""
        with self._lock:
            download.waiting.discard(who)
            if not download.waiting:
                download.progress.cancel()

    def close(self) -> None:
        """Stop all downloads."""
        for download in self._running.values():
            download.progress.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)


@st.cache_resource(show_spinner=False, on_release=Downloads.close)
def downloads() -> Downloads:
    """Return the downloads of this server."""
    return Downloads()
