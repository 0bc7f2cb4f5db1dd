"""Patterns of a scan in bounded memory, as numbers that can be compared quickly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Read = Callable[[Rows], NDArray[np.generic]]

# Of the shorter side's half; beyond it detectors often show nothing but their rim.
_RADIUS = 0.98
# Squares of larger values would not fit in float32.
_LARGEST_VALUE = 1e15
_READ_BYTES = 16 << 20


class PatternStore:
    """Holds the patterns that were asked for last, each in a slot.

    Attributes
    ----------
    patterns : ndarray of float32, shape (slots, p)
        The pixels of the circular mask come first.
    pixels : int
        Those of the mask.
    peaks : ndarray of float32, shape (slots,)
        Largest value inside the mask; NaN where a pattern can't be compared: it is not finite, or
        too large.

    Parameters
    ----------
    read : callable
        Rows, ascending → patterns (b, C, …, H, W).
    n : int
        Rows of the scan.
    capacity : int
        Slots.
    """

    def __init__(self, read: Read, n: int, shape: tuple[int, ...], capacity: int) -> None:
        mask = circular_mask(shape)
        self.order = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
        self.pixels = int(mask.sum())
        self.capacity = min(capacity, n)
        self.patterns = np.empty((self.capacity, len(self.order)), np.float32)
        self.peaks = np.empty(self.capacity, np.float32)
        self._read = read
        self._slot_of = np.full(n, -1, np.int32)
        self._row_in = np.full(self.capacity, -1, np.int64)
        self._next = 0

    def slots(self, rows: Rows) -> NDArray[np.int32]:
        """Return the slots of rows, ascending and at most `capacity`, which are read if need be."""
        missing = rows[self._slot_of[rows] < 0]
        if len(missing):
            self._load(missing, rows)
        return self._slot_of[rows]

    def in_order(self, values: Floats) -> Floats:
        """Return patterns, (b, p), with their pixels where they belong."""
        result = np.empty_like(values)
        result[:, self.order] = values
        return result

    def _load(self, missing: Rows, wanted: Rows) -> None:
        used = np.zeros(self.capacity, np.bool_)
        there = self._slot_of[wanted]
        used[there[there >= 0]] = True
        oldest_first = np.roll(np.arange(self.capacity), -self._next)
        free = oldest_first[~used[oldest_first]][: len(missing)]
        old = self._row_in[free]
        self._slot_of[old[old >= 0]] = -1
        # What a read that fails leaves is a free slot, not a row that was never read.
        self._row_in[free] = -1
        at_once = max(1, _READ_BYTES // (4 * self.patterns.shape[1]))
        for start in range(0, len(missing), at_once):
            part = slice(start, start + at_once)
            self._fill(free[part], self._read(missing[part]))
        self._row_in[free] = missing
        self._slot_of[missing] = free
        self._next = (int(free[-1]) + 1) % self.capacity

    def _fill(self, slots: Rows, raw: NDArray[np.generic]) -> None:
        with np.errstate(over="ignore"):
            flat = raw.reshape(len(raw), -1).astype(np.float32)
        values = flat[:, self.order]
        finite = np.abs(values).max(axis=1) <= _LARGEST_VALUE
        self.patterns[slots] = values
        peaks = values[:, : self.pixels].max(axis=1)
        self.peaks[slots] = np.where(finite, peaks, np.float32(np.nan))


def circular_mask(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which values of a pattern lie in the circle about its middle, flat: (C·…·H·W,)."""
    height, width = shape[-2:]
    y, x = np.ogrid[:height, :width]
    square = (y - (height - 1) / 2) ** 2 + (x - (width - 1) / 2) ** 2
    inside = square <= (_RADIUS * min(height, width) / 2) ** 2
    # A pattern of 1 × n pixels has hardly any inside.
    return np.broadcast_to(inside if inside.any() else ~inside, shape).ravel()
