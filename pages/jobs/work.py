"""Answers that take more than a moment: computed in a thread for all sessions, told of, cancelled.

The page goes on meanwhile with what it showed before; whoever asks the same question joins.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from latentcore.errors import Cancelled
from latentcore.progress import Progress
from pages.access import identity
from pages.frame import errors
from pages.frame.units import duration_text

T = TypeVar("T")
Compute = Callable[[Progress], T]

# So long a run of the page waits before it goes on without.
_MOMENT_S = 1.0
_LOOK_EVERY_S = 1.0
# Results in memory: in number, and in points that they are of.
_MOST_KEPT, _MOST_POINTS = 24, 24_000_000


class Work(Generic[T]):
    """A computation in a thread of its own.

    Attributes
    ----------
    awaited_by : set of str
        The sessions whose question it answers.
    """

    def __init__(self, compute: Compute[T], points: int) -> None:
        self.awaited_by: set[str] = set()
        self.points = points
        self.progress = Progress(self._on_step)
        self._started = time.monotonic()
        self._message, self._share = "starting", ""
        self._result: T | None = None
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._user = identity.current_user()
        # Kept by the thread alone: the answer stays longer than the scan that is asked about.
        threading.Thread(target=self._run, args=(compute,), name="latent-work", daemon=True).start()

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return not self._ended.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether it has ended because somebody cancelled it."""
        return not self.active and isinstance(self._error, Cancelled)

    @property
    def succeeded(self) -> bool:
        """Whether the result is there."""
        return not self.active and self._error is None

    def result(self, timeout: float | None = None) -> T:
        """Wait for the result; raises `TimeoutError`, `Cancelled`, or what the computation did."""
        if not self._ended.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def in_a_moment(self) -> T:
        """Return the result if it is there in the first second; see `result`."""
        return self.result(max(0.0, self._started + _MOMENT_S - time.monotonic()))

    def text(self) -> str:
        """Say how far it is, and for how long it has been going on."""
        elapsed = duration_text(time.monotonic() - self._started)
        return f"{self._message}{self._share}, {elapsed}"

    def _on_step(self, done: int, total: int, message: str) -> None:
        self._share = f" {100 * done / total:.0f} %" if total else ""
        self._message = message or self._message

    def _run(self, compute: Compute[T]) -> None:
        try:
            with identity.acting_as(self._user):
                self._result = compute(self.progress)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the result gets it
            self._error = error
        self._ended.set()


class Works:
    """The latest computations by their keys, shared by all sessions; thread-safe."""

    def __init__(self) -> None:
        self._works: OrderedDict[str, Work[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Work[Any] | None:
        """Return a computation, if there is one."""
        return self._works.get(key)

    def begin(self, key: str, compute: Compute[T], *, points: int = 0, by: str = "") -> Work[T]:
        """Return the computation of that key, started where there is none.

        What session `by` awaited of this kind (of keys that begin alike, up to the first ``|``)
        and nobody else awaits is cancelled: a slider passes many questions on its way.
        """
        kind = key.partition("|")[0]
        with self._lock:
            for other, work in list(self._works.items()):
                if by in work.awaited_by and other.partition("|")[0] == kind and other != key:
                    work.awaited_by.remove(by)
                    if work.active and not work.awaited_by:
                        work.progress.cancel()
                        del self._works[other]
            if key not in self._works:
                self._works[key] = Work(compute, points)
            if by:
                self._works[key].awaited_by.add(by)
            self._works.move_to_end(key)
            self._forget_the_oldest()
            return self._works[key]

    def forget(self, key: str) -> None:
        """Let a computation be started anew when it is asked for."""
        with self._lock:
            self._works.pop(key, None)

    def _forget_the_oldest(self) -> None:
        ended = [key for key, work in self._works.items() if not work.active]
        points = sum(work.points for work in self._works.values())
        for old in ended[:-1]:
            if len(self._works) <= _MOST_KEPT and points <= _MOST_POINTS:
                break
            points -= self._works.pop(old).points


@st.cache_resource(show_spinner=False)
def works() -> Works:
    """Return the server's computations."""
    return Works()


def answer(key: str, compute: Compute[T], points: int, *, wait: bool = False) -> T:
    """Return what was computed, begun where it was not.

    Parameters
    ----------
    wait : bool
        Until it is there, however long that takes.

    Raises
    ------
    TimeoutError
        If that takes more than a moment; see `Told` for what is shown meanwhile.
    Cancelled
        If somebody has cancelled it; `Works.forget` lets it be begun anew.
    """
    context = get_script_run_ctx()
    by = "" if context is None else context.session_id
    work = works().begin(key, compute, points=points, by=by)
    try:
        return work.result() if wait else work.in_a_moment()
    except (TimeoutError, Cancelled):
        raise
    except Exception:
        works().forget(key)  # so that a reload of the page tries again
        raise


@dataclass(frozen=True)
class Told:
    """How far something is that a page waits for."""

    text: str
    cancelling: bool


@st.fragment(run_every=_LOOK_EVERY_S)
def wait_for(
    key: str,
    look: Callable[[], Told | None],
    on_cancel: Callable[[], None],
    help_text: str,
    beside: Callable[[], None] | None = None,
) -> None:
    """Tell how far something is, offer to cancel it, and run the page when it has ended.

    Parameters
    ----------
    key : str
        Of the button.
    look : callable
        Says how far it is; None once it has ended.
    beside : callable, optional
        Draws what else can be done.
    """
    told = look()
    if told is None:
        st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        text = errors.markdown_safe(told.text)
        st.caption(f":material/hourglass_top: {text}", width="content")
        if beside is not None:
            beside()
        st.button(
            "Cancel", key=key, icon=":material/stop_circle:", type="tertiary",
            disabled=told.cancelling, on_click=on_cancel, help=help_text,
        )  # fmt: skip


def told_of(key: str, name: str, meanwhile: str) -> Told | None:
    """Return how far a computation is, for `wait_for`."""
    work = works().get(key)
    if work is None or not work.active:
        return None
    if work.progress.cancelled:
        return Told(f"{name}: stops at its next step.", cancelling=True)
    return Told(f"{name} ({work.text()}). {meanwhile}".rstrip(), cancelling=False)


def cancel(key: str) -> None:
    """Cancel a computation, if there is one."""
    work = works().get(key)
    if work is not None:
        work.progress.cancel()
