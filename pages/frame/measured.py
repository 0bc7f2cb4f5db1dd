"""What is measured as it happens, for `pages.operation.metrics` to tell."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Series:
    """How often values fell below each bound, or above all, and their sum."""

    counts: list[int]
    sum: float = 0.0


@dataclass(frozen=True)
class Histogram:
    """Durations, counted by their size; thread-safe.

    Attributes
    ----------
    bounds : sequence of float
        In seconds, ascending.
    labels : tuple of str
        Names of what is counted apart; of few values each, and none that a user could make up.
    """

    bounds: Sequence[float]
    labels: tuple[str, ...]
    _series: dict[tuple[str, ...], Series] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        counts = len(self.bounds) + 1
        object.__setattr__(self, "_series", defaultdict(lambda: Series([0] * counts)))

    def observe(self, seconds: float, *values: str) -> None:
        """Count a duration; `values` are those of the labels."""
        with self._lock:
            series = self._series[values]
            series.counts[bisect_left(self.bounds, seconds)] += 1
            series.sum += seconds

    @contextmanager
    def timed(self, *values: str) -> Iterator[None]:
        """Count how long something takes, however it ends."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.observe(time.perf_counter() - started, *values)

    def series(self) -> dict[tuple[str, ...], Series]:
        """Return what was counted, by the values of the labels."""
        with self._lock:
            return {
                values: Series(list(one.counts), one.sum) for values, one in self._series.items()
            }


PAGE_SECONDS = Histogram((0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0), ("page",))
JOB_SECONDS = Histogram((0.3, 1.0, 3.0, 10.0, 60.0, 600.0, 3600.0, 36_000.0), ("verb", "state"))
