"""Denoise any points of a scan, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.denoising._store import PatternStore, Read
from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import window, window_steps

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_STORE_BYTES = 256 << 20


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """What a point's pattern becomes, and of what.

    Attributes
    ----------
    before, after : ndarray of float32, shape (C, H, W)
    rows : ndarray of int64, shape (w,)
        The points in its window, itself among them; −1 where there is none.
    steps : ndarray of int64, shape (w, 2)
        Where they are, as `latentcore.containers.neighborhoods.window_steps` counts.
    weights : ndarray of float64, shape (w,)
        Their shares in the average: they sum up to 1.
    """

    before: Floats
    after: Floats
    rows: Rows
    steps: Rows
    weights: NDArray[np.float64]

    @property
    def picture(self) -> NDArray[np.float64]:
        """The weights where the points are, NaN where there is none: (2 R + 1, …).

        Of a hexagonal window each is two by two pixels, and rows are shifted by one.
        """
        down, right = (self.steps - self.steps.min(axis=0)).T
        wide = 2 if (self.steps.sum(axis=1) % 2 == 0).all() else 1
        picture = np.full((down.max() + 1, right.max() + wide), np.nan)
        for pixel in range(wide):
            picture[down, right + pixel] = np.where(self.rows < 0, np.nan, self.weights)
        return picture.repeat(wide, axis=0)


class Denoiser:
    """Averages patterns over their neighborhoods.

    Parameters
    ----------
    read : callable
        Rows, ascending → patterns (b, C, …, H, W).
    grid : ScanGrid
        Of all rows.
    shape : tuple of int
        (C, …, H, W) of a pattern.
    reach : int
        Steps from a point to the rim of its window: 3 is a window of 7 × 7.
    store_bytes : int
        For patterns in memory; more where a single window needs more. It can't change the result.
    """

    def __init__(
        self,
        read: Read,
        grid: ScanGrid,
        shape: tuple[int, ...],
        reach: int,
        store_bytes: int = _STORE_BYTES,
    ) -> None:
        self.grid = grid
        self.shape = shape
        self.reach = reach
        self.saturation = np.float32(np.inf)
        one = len(window_steps(grid, reach + 1))
        capacity = max(one, store_bytes // (4 * int(np.prod(shape))))
        self._store = PatternStore(read, len(grid), shape, capacity)
        self._variance = np.full(len(grid), np.nan)

    def peaks(self, rows: Rows) -> Floats:
        """Return the largest value of each pattern; NaN where it can't be compared."""
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), self._store.capacity):
            part = slice(start, start + self._store.capacity)
            found[part] = self._store.peaks[self._store.slots(rows[part])]
        return found

    def saturates(self, level: float) -> None:
        """Set from what value on pixels are saturated, and don't count."""
        self.saturation = np.float32(level)
        self._variance[:] = np.nan

    def variances(self, rows: Rows) -> NDArray[np.float64]:
        """Return the variance of the noise of each pattern: (b,); 0 where there is no telling."""
        for part, _ in self._parts(rows[np.isnan(self._variance[rows])], 1):
            self._measure(part)
        return self._variance[rows]

    def distances(self, rows: Rows, reach: int) -> NDArray[np.float64]:
        """Return normalized distances to the points in each window: (b, w).

        That to itself is infinite, as to a point that is not there.
        """
        found = np.empty((len(rows), len(window_steps(self.grid, reach))))
        for part, places in self._parts(rows, reach + 1):
            found[places] = self._distances(part, reach)[0]
        return found

    def denoised(self, rows: Rows, lam: float) -> Floats:
        """Return the averages of patterns: (b, C, …, H, W).

        A pattern that is not finite stays as it is, and is nobody's neighbor.
        """
        result = np.empty((len(rows), *self.shape), np.float32)
        for part, places in self._parts(rows, self.reach + 1):
            result[places] = self._averages(part, lam)[0]
        return result

    def look(self, row: int, lam: float) -> Neighborhood:
        """Return what becomes of one pattern, and of what."""
        rows = np.array([row], np.int64)
        after, weights = self._averages(rows, lam)
        slot = self._store.slots(rows)
        before = self._store.in_order(self._store.patterns[slot]).reshape(self.shape)
        around = window(self.grid, self.reach, points=rows)[0]
        steps = window_steps(self.grid, self.reach)
        return Neighborhood(before, after[0], around, steps, weights[0])

    def _averages(self, rows: Rows, lam: float) -> tuple[Floats, NDArray[np.float64]]:
        from latentcore.analysis.denoising import _loops

        weights, near = self._distances(rows, self.reach)
        itself = near.shape[1] // 2
        _loops.weigh(weights, itself, 1 / lam**2)
        here = self._store.slots(np.unique(rows))[np.unique(rows, return_inverse=True)[1]]
        near[:, itself] = here
        averages = np.empty((len(rows), self._store.patterns.shape[1]), np.float32)
        _loops.average(self._store.patterns, near, weights, averages)
        odd = np.isnan(self._store.peaks[here])
        averages[odd] = self._store.patterns[here[odd]]
        weights[odd] = np.arange(near.shape[1]) == itself
        return self._store.in_order(averages).reshape(-1, *self.shape), weights

    def _distances(self, rows: Rows, reach: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return normalized distances and the slots that they are to, (b, w) both."""
        from latentcore.analysis.denoising import _loops

        around = window(self.grid, reach, points=rows)
        known = np.unique(around[around >= 0])
        self.variances(known)
        squares, counts, near = self._compared(around)
        _loops.normalized(
            squares, counts, self._variance[rows], np.where(around < 0, 0, self._variance[around])
        )
        return squares, near

    def _measure(self, rows: Rows) -> None:
        from latentcore.analysis.denoising import _loops

        squares, counts, _ = self._compared(window(self.grid, 1, points=rows))
        found = np.empty(len(rows))
        _loops.least_noise(squares, counts, found)
        self._variance[rows] = found

    def _compared(
        self, around: Rows
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int32]]:
        """Return squared distances from the middle of windows, and slots: all (b, w).

        Between them: over how many pixels.
        """
        from latentcore.analysis.denoising import _loops

        known, place = np.unique(around, return_inverse=True)
        there = known >= 0
        slots = np.full(len(known), -1, np.int32)
        slots[there] = self._store.slots(known[there])
        slots[there] = np.where(np.isnan(self._store.peaks[slots[there]]), -1, slots[there])
        near = slots[place.reshape(around.shape)]
        here = near[:, near.shape[1] // 2].copy()
        near[:, near.shape[1] // 2] = -1
        near[here < 0] = -1
        squares, counts = np.empty(near.shape), np.empty(near.shape, np.int64)
        _loops.distances(
            self._store.patterns, self._store.peaks, np.maximum(here, 0), near,
            self._store.pixels, self.saturation, squares, counts,
        )  # fmt: skip
        return squares, counts, near

    def _parts(self, rows: Rows, reach: int) -> Iterator[tuple[Rows, Rows]]:
        """Yield rows, with their places among those given, whose windows fit in memory together."""
        order = np.argsort(self.grid.node[rows], kind="stable")
        waiting = [order] if len(order) else []
        while waiting:
            places = waiting.pop()
            if len(places) > self._store.capacity or not self._fits(rows[places], reach):
                middle = len(places) // 2
                waiting += [places[middle:], places[:middle]]
            else:
                yield rows[places], places

    def _fits(self, rows: Rows, reach: int) -> bool:
        around = window(self.grid, reach, points=rows)
        return len(rows) == 1 or len(np.unique(around[around >= 0])) <= self._store.capacity
