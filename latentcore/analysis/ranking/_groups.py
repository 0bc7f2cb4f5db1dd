"""Check what is to be ranked, and group the dimensions that are finite at the same points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.ranking._metric import FEWEST_PAIRS, Pairs
from latentcore.errors import InputError, ShapeError

# A few columns of a row-major table are copied at once: one by one, each would fetch the whole
# table from memory.
_COLUMNS_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Group:
    """Dimensions that are finite at the same points.

    Attributes
    ----------
    columns : ndarray of intp, shape (k,)
    rows : ndarray of intp, shape (m,)
        Where they, and the reference, are finite.
    """

    columns: NDArray[np.intp]
    rows: NDArray[np.intp]


@dataclass(eq=False)
class Measured:
    """Latents and reference, checked.

    Attributes
    ----------
    latents : ndarray of float32, shape (n, d)
    reference, x, y : ndarray of float64, shape (n,)
    dims : ndarray of int32, shape (d,)
    groups : tuple of Group
        The dimensions that can be scored.
    n : ndarray of int32, shape (d,)
        Finite pairs of each dimension.
    reasons : tuple of str, length d
        Why a dimension is in no group; empty if it is in one.
    """

    latents: NDArray[np.float32]
    reference: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    dims: NDArray[np.int32]
    groups: tuple[Group, ...]
    n: NDArray[np.int32]
    reasons: tuple[str, ...]
    trend_degree: int
    seed: int
    _last: tuple[Group, Pairs] | None = field(default=None, init=False)

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return len(self.dims)

    def pairs(self, group: Group) -> Pairs:
        """Return the values of a group; the last group's are kept for the next metric."""
        if self._last is None or self._last[0] is not group:
            self._last = None
            self._last = (group, self._take(group))
        return self._last[1]

    def _take(self, group: Group) -> Pairs:
        latents = np.empty((len(group.columns), len(group.rows)), np.float32)
        for start in range(0, len(group.columns), _COLUMNS_AT_ONCE):
            together = slice(start, start + _COLUMNS_AT_ONCE)
            latents[together] = self.latents[:, group.columns[together]][group.rows].T
        return Pairs(
            latents=latents,
            reference=self.reference[group.rows],
            x=self.x[group.rows],
            y=self.y[group.rows],
            trend_degree=self.trend_degree,
            seed=self.seed,
        )


def measured(
    latents: ArrayLike,
    reference: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    dims: ArrayLike | None,
    *,
    trend_degree: int,
    seed: int,
) -> Measured:
    """Check latents and reference, and find out which dimensions can be scored.

    Raises
    ------
    ShapeError
        If the lengths differ.
    InputError
        If the reference, or a coordinate, can't be used.
    """
    latents = np.asarray(latents, np.float32)
    reference, x, y = (np.asarray(values, np.float64) for values in (reference, x, y))
    _check_lengths(latents, reference, x, y)
    _check_coordinates(x, y)
    _check_reference(reference)
    numbers = np.arange(latents.shape[1]) if dims is None else np.asarray(dims)
    if numbers.shape != latents.shape[1:]:
        message = f"{latents.shape[1]} columns of latents came with {numbers.shape} dimensions."
        raise ShapeError(message)
    groups, n, reasons = _grouped(latents, reference)
    return Measured(
        latents, reference, x, y, numbers.astype(np.int32), groups, n, reasons, trend_degree, seed
    )


def _check_lengths(latents: NDArray[np.float32], *columns: NDArray[np.float64]) -> None:
    if latents.ndim == 2 and all(column.shape == latents.shape[:1] for column in columns):
        return
    reference, x, y = (column.shape for column in columns)
    message = (
        "Ranking needs latents of shape (n, d), and n values each of the reference, x and y. It "
        f"got latents {latents.shape}, reference {reference}, x {x}, y {y}. Join them by their "
        "coordinates first."
    )
    raise ShapeError(message)


def _check_coordinates(x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    bad = int((~(np.isfinite(x) & np.isfinite(y))).sum())
    if bad:
        message = f"{bad} of {len(x)} points have no finite coordinates. Remove those rows."
        raise InputError(message)


def _check_reference(reference: NDArray[np.float64]) -> None:
    finite = reference[np.isfinite(reference)]
    if len(finite) < FEWEST_PAIRS:
        message = (
            f"The reference is finite at {len(finite)} of {len(reference)} points, but ranking "
            f"needs at least {FEWEST_PAIRS}. Choose a larger ROI, or another map."
        )
        raise InputError(message)
    if finite.min() == finite.max():
        message = (
            f"The reference is {finite[0]:g} at all {len(finite)} points: nothing can follow a "
            "constant map. Choose a larger ROI, or another map."
        )
        raise InputError(message)


def _grouped(
    latents: NDArray[np.float32], reference: NDArray[np.float64]
) -> tuple[tuple[Group, ...], NDArray[np.int32], tuple[str, ...]]:
    known = np.isfinite(reference)
    by_pattern: dict[bytes, list[int]] = {}
    n = np.zeros(latents.shape[1], np.int32)
    reasons = [""] * latents.shape[1]
    for column, values in _columns(latents):
        finite = known & np.isfinite(values)
        n[column] = finite.sum()
        reasons[column] = _why_not(values, finite, known, reference)
        if not reasons[column]:
            by_pattern.setdefault(np.packbits(finite).tobytes(), []).append(column)
    groups = tuple(
        Group(np.array(columns), np.flatnonzero(_unpacked(pattern, len(known))))
        for pattern, columns in by_pattern.items()
    )
    return groups, n, tuple(reasons)


def _columns(latents: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for start in range(0, latents.shape[1], _COLUMNS_AT_ONCE):
        together = np.ascontiguousarray(latents[:, start : start + _COLUMNS_AT_ONCE].T)
        yield from enumerate(together, start)


def _unpacked(pattern: bytes, length: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(pattern, np.uint8), count=length).astype(bool)


def _why_not(
    values: NDArray[np.float32],
    finite: NDArray[np.bool_],
    known: NDArray[np.bool_],
    reference: NDArray[np.float64],
) -> str:
    infinite = int(np.isinf(values[known]).sum())
    if infinite:
        return f"infinite at {infinite} points"
    pairs = int(finite.sum())
    if pairs < FEWEST_PAIRS:
        return f"{pairs} finite pairs; at least {FEWEST_PAIRS} are needed"
    own = values[finite]
    if own.min() == own.max():
        return f"constant: {own[0]:g} at all {pairs} points"
    beside = reference[finite]
    if beside.min() == beside.max():
        return f"the reference is constant, {beside[0]:g}, where this dimension is finite"
    return ""
