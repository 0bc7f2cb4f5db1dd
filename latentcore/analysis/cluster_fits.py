"""Fits of clusterers: what takes long, in a process beside this one, which can be ended.

Libraries compute for minutes in compiled code. There they notice neither a cancel nor Ctrl-C, and
some of them keep all other threads of Python waiting. The process is ``python -m`` of this module.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import threading
from collections.abc import Iterator
from typing import IO, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import Clusterer, ClusterFit
from latentcore.analysis.scaled_rows import ScaledRows
from latentcore.errors import InputError
from latentcore.progress import Progress
from latentcore.workers import READY, Child, kept_output

Rows = NDArray[np.float64] | ScaledRows

_LOOK_EVERY_S = 0.1
_BLOCK = 100_000


@runtime_checkable
class LongClusterer(Protocol):
    """A clusterer that says when its library computes for long without a step.

    It can be pickled, and so can its fits.
    """

    def takes_long(self, n: int, d: int) -> bool:
        """Tell whether a fit of n rows of d features takes more than a second or two."""
        ...


class Fits:
    """Fits of one clusterer, of which a cancel stops each at once; a context manager.

    Parameters
    ----------
    n, d : int
        Rows and features of the largest fit to come: a process is started at once if that takes
        long, so that it is there when it is needed.
    """

    def __init__(self, clusterer: Clusterer, n: int, d: int, progress: Progress) -> None:
        self._clusterer = clusterer
        self._progress = progress
        self._child = _new_child() if self._takes_long(n, d) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        if self._child is not None:
            self._child.kill()

    def fit(self, values: Rows, n_all: int | None = None) -> ClusterFit:
        """Fit the clusterer to rows, of shape (n, d).

        Parameters
        ----------
        n_all : int, optional
            Of how many rows they are a sample; see `SampledClusterer.fit_sample`.

        Raises
        ------
        RequestError
            If the parameters don't suit the rows.
        InputError
            If the process that fits is ended by others, for want of memory.
        """
        if not self._takes_long(*values.shape):
            return fitted(self._clusterer, values[:], n_all, self._progress)
        if self._child is None:
            self._child = _new_child()
        return self._answer(self._child, values, n_all)

    def _takes_long(self, n: int, d: int) -> bool:
        return isinstance(self._clusterer, LongClusterer) and self._clusterer.takes_long(n, d)

    def _answer(self, child: Child[Any], values: Rows, n_all: int | None) -> ClusterFit:
        while not child.ready and child.alive:
            self._progress.step(0, 0, f"starting {self._clusterer.title}")
            child.answer(_LOOK_EVERY_S)
        child.write(pickle.dumps((self._clusterer, n_all, values.shape)))
        for start in range(0, len(values), _BLOCK):
            self._progress.step(start, len(values), "handing over the points")
            block = np.ascontiguousarray(values[start : start + _BLOCK], np.float64)
            child.write(block.data.cast("B"))
        said: tuple[int, int, str] = (0, 1, self._clusterer.title)
        while True:
            self._progress.step(*said)
            alive = child.alive
            answer = child.answer(_LOOK_EVERY_S)
            if isinstance(answer, ClusterFit):
                return answer
            if isinstance(answer, Exception):
                raise answer
            if answer is None and not alive:
                raise InputError(_lost(self._clusterer.title, child.exit_status))
            said = answer or said


def fitted(
    clusterer: Clusterer, values: NDArray[np.floating], n_all: int | None, progress: Progress
) -> ClusterFit:
    """Fit a clusterer to rows, or to a sample of `n_all` rows, in this process."""
    if n_all is None:
        return clusterer.fit(values, progress)
    return clusterer.fit_sample(values, n_all, progress)  # type: ignore[attr-defined,no-any-return]


def _lost(title: str, status: int | None) -> str:
    return (
        f"{title} was computed in a process of its own, which ended without an answer (status "
        f"{status}). Most often memory ran out: choose fewer points, or close other work."
    )


def _new_child() -> Child[Any]:
    return Child(__name__, messages=_messages)


def _messages(stream: IO[bytes]) -> Iterator[Any]:
    with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError, ValueError):
        while True:
            yield pickle.load(stream)  # noqa: S301 - what our own child has written


def _serve() -> None:
    """Fit what standard input asks for, until it ends."""
    answers = os.fdopen(kept_output(), "wb")

    def answer(message: object) -> None:
        pickle.dump(message, answers)
        answers.flush()

    import sklearn.cluster
    import sklearn.mixture  # noqa: F401

    asked: queue.SimpleQueue[tuple[Clusterer, int | None, NDArray[np.float64]]]
    asked = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    answer(READY)
    while True:
        clusterer, n_all, values = asked.get()
        progress = Progress(lambda *step: answer(step))
        try:
            answer(fitted(clusterer, values, n_all, progress))
        except Exception as error:  # noqa: BLE001 - it is raised where the fit was asked for
            answer(error)
        del values


def _listen(asked: queue.SimpleQueue[Any]) -> None:
    """Read questions, and end in the midst of compiled code when nobody is left who asks."""
    with os.fdopen(0, "rb") as source, contextlib.suppress(EOFError, OSError, pickle.PickleError):
        while True:
            clusterer, n_all, shape = pickle.load(source)  # noqa: S301 - of our own parent
            values = np.empty(shape, np.float64)
            if source.readinto(values.data.cast("B")) < values.nbytes:
                break
            asked.put((clusterer, n_all, values))
            del values
    os._exit(0)


if __name__ == "__main__":
    _serve()
