"""The pixels behind the detectors, laid out once per scan by a thread of the server."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.patterns.detectors import Detector
from latentcore.analysis.patterns.pixel_store import PixelStore, build_pixels, open_pixels
from latentcore.containers import SampleSource
from latentcore.errors import InputError
from latentcore.progress import Progress
from pages.scan import loading

# A page waits so long before it shows how far the building is.
_PATIENCE_S = 1.0
_LOOK_EVERY_S = 0.5


@dataclass(eq=False)
class _Building:
    """What a thread builds, and how far it is."""

    future: Future[PixelStore] = field(default_factory=Future)
    share: float = 0.0

    def __post_init__(self) -> None:
        self.progress = Progress(self._note)

    def _note(self, done: int, total: int, message: str) -> None:
        del message
        self.share = done / max(total, 1)


def pixels_of(place: str) -> PixelStore | None:
    """Return the pixels of the samples at a place; None while they are laid out.

    Raises `InputError` if they can't be, or somebody cancelled it.
    """
    about = about_pixels(place)
    building = _building(about, loading.samples(place))
    try:
        return building.future.result(_PATIENCE_S)
    except NotYet:
        _progress(place)
        return None
    except InputError:
        _building.clear(about, None)
        raise


def about_pixels(place: str) -> str:
    """Return text that changes when the samples at a place do."""
    return f"{place} {loading.version(place)}"


def exact_sums(place: str, store: PixelStore, detector: Detector) -> NDArray[np.float64]:
    """Return the sums over a detector, (n,), not to be written to; errors as the store's."""
    return _sums(f"{about_pixels(place)} {detector.spec}", store, detector)


@st.cache_resource(max_entries=12, show_spinner=False)
def _sums(about: str, _store: PixelStore, _detector: Detector) -> NDArray[np.float64]:
    del about  # the cache's key
    return _store.sums(_detector.spans(_store.shape))


@st.cache_resource(show_spinner=False)
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="detector-pixels")


@st.cache_resource(max_entries=3, show_spinner=False, on_release=lambda one: one.progress.cancel())
def _building(about: str, _samples: SampleSource | None) -> _Building:
    del about  # the cache's key
    assert _samples is not None
    building = _Building()
    building.future = _thread().submit(_build, _samples, building.progress)
    return building


def _build(samples: SampleSource, progress: Progress) -> PixelStore:
    progress.step(0, 1)
    return open_pixels(samples) or build_pixels(samples, progress)


@st.fragment(run_every=_LOOK_EVERY_S)
def _progress(place: str) -> None:
    building = _building(about_pixels(place), loading.samples(place))
    if building.future.done():
        st.rerun()
    st.progress(
        min(1.0, building.share),
        text="Laying out the pixels, once for this scan, so that detectors answer at once",
    )
    st.button("Cancel", icon=":material/stop_circle:", on_click=building.progress.cancel)
