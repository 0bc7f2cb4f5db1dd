"""Keep the samples whose values lie in chosen ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

# Half-open, [low, high); either end may be infinite.
Ranges = tuple[tuple[float, float], ...]
Filters = Mapping[str, Ranges]


def within_ranges(values: NDArray[np.floating], ranges: Ranges) -> NDArray[np.bool_]:
    """Return which values lie in any of the ranges.

    Parameters
    ----------
    values : ndarray, shape (n,)
    ranges : tuple of (float, float)
        Half-open, ``low <= value < high``.

    Returns
    -------
    ndarray of bool, shape (n,)
        False where a value is NaN.
    """
    kept = np.zeros(len(values), np.bool_)
    for low, high in ranges:
        kept |= (values >= low) & (values < high)
    return kept


def kept_by(
    filters: Filters, values_of: Callable[[str], NDArray[np.floating]], n: int
) -> NDArray[np.bool_]:
    """Return which samples every filter keeps.

    Parameters
    ----------
    filters : Mapping of str to Ranges
        For each quantity the ranges that its value may lie in.
    values_of : callable
        Returns the values of a quantity by its name, shape (n,).
    """
    kept = np.ones(n, np.bool_)
    for name, ranges in filters.items():
        kept &= within_ranges(values_of(name), ranges)
    return kept
