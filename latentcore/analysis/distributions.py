"""How a quantity is distributed in groups of points: boxes with whiskers, as Explore draws them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import NOISE

# More violins than this can't be told apart.
MOST_GROUPS = 30
_NODES = 512


@dataclass(frozen=True)
class Box:
    """A group's finite values in numbers.

    Attributes
    ----------
    group : str
    n : int
        Finite values; without any there are no other numbers.
    low, high : float or None
        The least and the largest.
    quartiles : tuple of float
        25, 50 and 75 %, interpolated linearly.
    whiskers : tuple of float
        The last values within 1.5 interquartile ranges of the box.
    bandwidth : float or None
        Of the violin's Gaussian kernel; None where all values are the same.
    """

    group: str
    n: int
    low: float | None = None
    high: float | None = None
    quartiles: tuple[float, ...] = ()
    whiskers: tuple[float, ...] = ()
    bandwidth: float | None = None


def box(group: str, values: ArrayLike) -> Box:
    """Describe one group; values that are not finite take no part.

    Notes
    -----
    Whiskers: Tukey, Exploratory Data Analysis (1977). Bandwidth: 0.9 min(s, IQR / 1.34) n^(-1/5)
    (Silverman, Density Estimation, 1986, eq. 3.31), with s alone where the quartiles are the same,
    and not below the distance of the 512 places at which the density is drawn.
    """
    exact = np.asarray(values, np.float64)
    exact = np.sort(exact[np.isfinite(exact)])
    n = len(exact)
    if not n:
        return Box(group, 0)
    q1, median, q3 = (float(q) for q in np.quantile(exact, (0.25, 0.5, 0.75)))
    low, high = float(exact[0]), float(exact[-1])
    fence = 1.5 * (q3 - q1)
    within = exact[(exact >= q1 - fence) & (exact <= q3 + fence)]
    # No whisker ends inside the box, whose ends may lie between two values.
    whiskers = (min(float(within[0]), q1), max(float(within[-1]), q3))
    bandwidth = None
    if high > low:
        spread = float(exact.std(ddof=1))
        narrow = min(spread, (q3 - q1) / 1.34) if q3 > q1 else spread
        bandwidth = max(0.9 * narrow * n**-0.2, (high - low) / (_NODES - 1))
    return Box(group, n, low, high, (q1, median, q3), whiskers, bandwidth)


def boxes(
    values: ArrayLike,
    labels: NDArray[np.integer],
    names: Mapping[int, str],
    inside: NDArray[np.bool_],
) -> Iterator[Box]:
    """Describe the groups of labels that have a name, ascending, noise last.

    Parameters
    ----------
    values : array_like, shape (n,)
    labels : ndarray of int, shape (n,)
    names : Mapping of int to str
        Points with other labels are in no group.
    inside : ndarray of bool, shape (n,)
        The others don't count.

    Yields
    ------
    Box
        Where there are more than `MOST_GROUPS`, those with most points, in or out of view.
    """
    quantity = np.asarray(values)
    present, first, counts = np.unique(labels, return_index=True, return_counts=True)
    by_size = np.lexsort((first, -counts))
    largest = [label for label in present[by_size].tolist() if label in names][:MOST_GROUPS]
    for label in sorted(largest, key=lambda label: (label <= NOISE, label)):
        yield box(names[label], quantity[(labels == label) & inside])
