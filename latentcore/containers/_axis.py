"""One axis of a scan: its step, and the node of each coordinate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError

# A coordinate may miss its grid node by this share of the step: vendors print micrometers with
# few decimals, and 0.125 written as 0.13 must still find its column.
NODE_TOLERANCE = 0.1
# Pieces of this size stay in the processor's cache.
BLOCK = 65_536
# The true step may be a whole fraction of the smallest difference seen (x = 0, 2, 5 has step 1).
_LARGEST_STEP_DIVISOR = 12
_MOST_STEPS = 1e18


def step_of(values: NDArray[np.float64], axis: str) -> float:
    """Return the largest step of which all differences are multiples; 0 for a single value."""
    unique = _unique(values)
    if len(unique) == 1:
        return 0.0
    offsets = unique - unique[0]
    smallest = _smallest_differences(unique)
    for divisor in range(1, _LARGEST_STEP_DIVISOR + 1):
        for guess in smallest:
            # Refine over the whole span, else a rounded step drifts off by a column per thousand.
            count = float(offsets[-1]) * divisor / float(guess)
            if count > _MOST_STEPS:
                continue
            step: float = float(offsets[-1]) / max(1, round(count))
            if _misses(offsets, step) <= NODE_TOLERANCE:
                return step
            # The last coordinate may be the one that was rounded most: fit the step to all.
            nodes = np.rint(offsets / step)
            step = float(nodes @ offsets / (nodes @ nodes))
            if _misses(offsets, step) <= NODE_TOLERANCE:
                return step
    message = (
        f"The {axis} coordinates lie on no regular grid: the smallest difference is "
        f"{smallest[-1]:g}, but others are no multiples of it. Free-form scans have no grid: "
        "resample them to a square or hexagonal one."
    )
    raise MalformedFileError(message)


def nodes_along(
    values: NDArray[np.float64], step: float, axis: str
) -> tuple[NDArray[np.int32], int]:
    """Return the node of each coordinate, shape (n,), counted from the smallest, and how many."""
    low = values.min()
    span = (values.max() - low) / step
    if span >= np.iinfo(np.int32).max:
        message = f"The {axis} coordinates span {span:g} steps: more than a scan can have."
        raise MalformedFileError(message)
    nodes, worst = np.empty(len(values), np.int32), 0.0
    for block in blocks(len(values)):
        offsets = (values[block] - low) / step
        nearest = np.rint(offsets)
        worst = max(worst, float(np.abs(offsets - nearest).max()))
        nodes[block] = nearest
    if worst > NODE_TOLERANCE * 2:
        message = (
            f"The {axis} coordinates miss the grid of step {step:g} by up to {worst:.2f} steps. "
            "Check the step."
        )
        raise MalformedFileError(message)
    return nodes, int(nodes.max()) + 1


def blocks(n: int) -> Iterator[slice]:
    """Yield n places, piece by piece."""
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))


def _unique(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sorted different values; those of a scan are few, and sorted fast by blocks."""
    return np.unique(np.concatenate([np.unique(values[block]) for block in blocks(len(values))]))


def _smallest_differences(unique: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of the differences near the smallest one, and the smallest.

    The mean is the step where coordinates were rounded (0.12 and 0.13 for 0.125); the smallest
    leads to it where steps are missing (2 and 3 for 1).
    """
    differences = np.diff(unique)
    # One column's coordinates may differ in the last digits of a float32. Where points lie
    # dense, their distance shows how small a difference must be to mean nothing.
    noise = min(
        8 * float(np.finfo(np.float32).eps) * float(np.median(np.abs(unique))),
        NODE_TOLERANCE * float(differences.mean()),
    )
    differences = differences[differences > noise]
    smallest = float(differences.min())
    return float(differences[differences < 1.5 * smallest].mean()), smallest


def _misses(offsets: NDArray[np.float64], step: float) -> float:
    """Return how far the offsets lie from multiples of a step at most, as a share of it."""
    nodes = offsets / step
    return float(np.abs(nodes - np.rint(nodes)).max())
