"""Samples of very many points: drawn evenly, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError

# A size, all points, or None: what the number of points asks for.
Sample = int | Literal["all"] | None

GROUPS = 10
"""Parts of a sample that a standard error is found from."""


def sample_size(n: int, sample: Sample, *, most: int, usual: int, fewest: int) -> int | None:
    """Return how many of n points are looked at; None for all of them.

    Parameters
    ----------
    most : int
        Without being asked, a sample is drawn of more points than this,
    usual : int
        and has so many.
    fewest : int
        A smaller one is refused.

    Raises
    ------
    RequestError
        If the sample is too small.
    """
    if sample == "all" or (sample is None and n <= most):
        return None
    size = usual if sample is None else sample
    if size < fewest:
        message = f"A sample of {size} points is too small. Give {fewest} or more, or 'all'."
        raise RequestError(message)
    return size if size < n else None


def drawn(rows: NDArray[np.int64], size: int, seed: int) -> NDArray[np.int64]:
    """Draw some of the rows without replacement, all equally likely; ascending."""
    found = np.random.default_rng(seed).choice(rows, size, replace=False, shuffle=False)
    found.sort()
    return found


def standard_error(
    score: Callable[[NDArray[np.intp]], NDArray[np.float64]], n: int, of: int, seed: int
) -> NDArray[np.float64]:
    """Return the standard error that a score has because it is one of a sample.

    The method of random groups: the sample is divided at random into ten parts, each is scored,
    and the s.d. of these scores over √10 is the standard error of the whole sample's, times
    √(1 − n/N) for a sample of n from N.

    Parameters
    ----------
    score : callable
        Scores some rows of the sample: any number of scores, NaN where there is none.
    n, of : int
        Points of the sample, and those it was drawn from.

    Source
    ------
    Wolter, *Introduction to Variance Estimation*, 2nd ed. (2007), chapter 2.
    """
    mixed = np.random.default_rng(seed).permutation(n)
    scores = np.array([score(np.sort(part)) for part in np.array_split(mixed, GROUPS)])
    found: NDArray[np.float64] = scores.std(axis=0, ddof=1) / np.sqrt(GROUPS) * np.sqrt(1 - n / of)
    return found
