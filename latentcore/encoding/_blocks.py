"""Read and prepare samples in a thread, while the caller computes."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, damaged_among
from latentcore.encoding.denoised import is_denoised, pixels_of
from latentcore.preparation import Prepared, Preparer

T = TypeVar("T")

# How many batches wait at most: one is computed, one is ready, one is being read.
_DEPTH = 1
# A batch of this size is long against the cost of one read and short against patience.
_BATCH_BYTES = 32 << 20
_SHARE_OF_FREE_MEMORY = 1 / 32
# A file's chunk is read whole, so that it is decompressed once, unless it is larger than this.
_LARGEST_READ_BYTES = 64 << 20
_POLL_S = 0.1
_ASSUMED_FREE_BYTES = 1 << 30


def default_batch_size(source: SampleSource, preparer: Preparer) -> int:
    """Return how many samples to read at once, from their size and the free memory."""
    raw = int(np.prod(source.sample_shape)) * (source.dtype.itemsize + 4)
    prepared = int(np.prod(preparer.output_shape)) * 4
    budget = min(_BATCH_BYTES, int(_free_memory() * _SHARE_OF_FREE_MEMORY))
    return max(1, budget // (raw + prepared))


def prepared_batches(
    source: SampleSource,
    rows: NDArray[np.int64],
    preparer: Preparer,
    batch_size: int,
) -> Iterator[Prepared]:
    """Yield the prepared samples of `rows`, `batch_size` at a time; the last batch is shorter.

    Parameters
    ----------
    rows : ndarray of int64, shape (m,)
        Ascending.

    Notes
    -----
    The file is read in whole chunks (`SampleSource.block_rows`), each at most once; chunks
    without any of the rows are not touched.
    """
    # A preparer sees samples singly: whoever forgot to denoise them would get other numbers.
    assert is_denoised(source, preparer.preparation)
    waiting: list[Prepared] = []
    n_waiting = 0
    for part in _reads(source, rows, batch_size):
        raw = _read(source, part)
        prepared = preparer.prepare(raw, pixels_of(source)).without(damaged_among(source, part))
        start = 0
        while len(prepared.values) - start >= batch_size - n_waiting:
            stop = start + batch_size - n_waiting
            yield _joined([*waiting, _sliced(prepared, start, stop)])
            waiting, n_waiting, start = [], 0, stop
        if start < len(prepared.values):
            waiting.append(_sliced(prepared, start, len(prepared.values)))
            n_waiting += len(prepared.values) - start
    if waiting:
        yield _joined(waiting)


@contextmanager
def prefetched(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """Run an iterable in a thread, a bounded number of items ahead.

    The thread has ended when the context is left, in whatever way. An error in it is raised where
    the next item would have come.
    """
    ahead = _Ahead(items)
    ahead.thread.start()
    try:
        yield ahead.consume()
    finally:
        ahead.stop.set()
        ahead.thread.join()


class _Ahead(Generic[T]):
    """Two ends of a queue: a thread that fills it, and a generator that empties it."""

    def __init__(self, items: Iterable[T]) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work, name="latentcore-prefetch", daemon=True)
        self._items = items
        self._ready: queue.Queue[tuple[str, Any]] = queue.Queue(_DEPTH)

    def consume(self) -> Iterator[T]:
        while True:
            kind, value = self._ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value

    def _work(self) -> None:
        try:
            for item in self._items:
                self._offer("item", item)
                if self.stop.is_set():
                    return
            self._offer("end", None)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._offer("error", error)

    def _offer(self, kind: str, value: object) -> None:
        """Wait for a free place, unless nobody wants the items any more."""
        while not self.stop.is_set():
            try:
                self._ready.put((kind, value), timeout=_POLL_S)
            except queue.Full:
                continue
            return


def _reads(source: SampleSource, rows: NDArray[np.int64], target: int) -> list[NDArray[np.int64]]:
    """Split rows at the borders of groups of file chunks, of about `target` rows each."""
    chunk = max(1, source.block_rows)
    bytes_per_row = int(np.prod(source.sample_shape)) * source.dtype.itemsize
    if chunk * bytes_per_row > _LARGEST_READ_BYTES:
        chunk = 1
    step = max(1, target // chunk) * chunk
    borders = np.flatnonzero(np.diff(rows // step)) + 1
    return [part for part in np.split(rows, borders) if len(part)]


def _read(source: SampleSource, rows: NDArray[np.int64]) -> NDArray[np.generic]:
    first, last = int(rows[0]), int(rows[-1])
    if len(rows) == last + 1 - first:
        return source.read(slice(first, last + 1))
    return source.read(rows)


def _sliced(prepared: Prepared, start: int, stop: int) -> Prepared:
    return Prepared(
        prepared.values[start:stop], prepared.finite[start:stop], prepared.constant[start:stop]
    )


def _joined(parts: list[Prepared]) -> Prepared:
    if len(parts) == 1:
        return parts[0]
    return Prepared(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def _free_memory() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # only Linux says it
        return _ASSUMED_FREE_BYTES
