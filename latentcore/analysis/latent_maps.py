"""Limits between which a latent map, or each cluster of one, is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.errors import RequestError, ShapeError

_LOW, _HIGH = 2.0, 98.0


def robust_limits(
    values: ArrayLike, *, low: float = _LOW, high: float = _HIGH, symmetric: bool = False
) -> tuple[float, float]:
    """Return color limits that a few outliers can't stretch.

    Parameters
    ----------
    values : array_like
        Not finite ones take no part.
    low, high : float
        Percentiles.
    symmetric : bool
        Whether the limits lie symmetrically about 0, for a diverging color map.

    Returns
    -------
    tuple of float
        (lo, hi) with lo ≤ hi; (0, 1) where nothing is finite. Equal where all values are.

    Raises
    ------
    RequestError
        If the percentiles are not 0 ≤ low < high ≤ 100.
    """
    if not 0 <= low < high <= 100:
        message = f"Percentiles must be 0 ≤ low < high ≤ 100, but are {low:g} and {high:g}."
        raise RequestError(message)
    given = np.asarray(values)
    given = given if given.dtype == np.float32 else given.astype(np.float64)
    finite = given[np.isfinite(given)]
    if len(finite) == 0:
        return 0.0, 1.0
    bottom, top = _percentiles(finite, low, high)
    if symmetric:
        top = max(abs(bottom), abs(top))
        bottom = -top
    return bottom, top


def _percentiles(values: NDArray[np.floating], *wanted: float) -> list[float]:
    """Return `np.percentile` of the values as float64; only its few neighbors become float64.

    The values are put into another order.
    """
    ranks = np.array(wanted) / 100 * (len(values) - 1)
    below = np.floor(ranks).astype(np.int64)
    above = np.minimum(below + 1, len(values) - 1)
    values.partition(np.unique([below, above]))
    first, second = values[below].astype(np.float64), values[above].astype(np.float64)
    share, between = ranks - below, second - first
    # From the nearer end, so that a share of 1 is the second value itself.
    near = np.where(share < 0.5, first + between * share, second - between * (1 - share))
    return [float(one) for one in near]


def cluster_ranges(
    labels: NDArray[np.integer], latent: ArrayLike
) -> dict[int, tuple[float, float]]:
    """Return the 2 % and 98 % quantile of the latent within each cluster.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        -1 (noise) is left out: it has one gray.
    latent : array_like, shape (n,)

    Returns
    -------
    dict of int to tuple of float
        {label: (lo, hi)}; clusters without a finite latent are left out.
    """
    labels, values = _paired(labels, latent)
    taking_part = (labels >= 0) & np.isfinite(values)
    labels, values = labels[taking_part], values[taking_part]
    return {
        int(label): robust_limits(values[labels == label]) for label in np.unique(labels).tolist()
    }


def shading(
    labels: NDArray[np.integer],
    latent: ArrayLike,
    ranges: dict[int, tuple[float, float]] | None = None,
) -> NDArray[np.float64]:
    """Return where each latent lies within its cluster's range.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 … 1; 0.5 where the range is a single value; NaN for noise and missing latents.
    """
    labels, values = _paired(labels, latent)
    ranges = cluster_ranges(labels, values) if ranges is None else ranges
    place = np.full(len(values), np.nan)
    for label, (low, high) in ranges.items():
        own = (labels == label) & np.isfinite(values)
        # Division by a subnormal difference could overflow to infinity, which the clip mends.
        place[own] = 0.5 if low == high else np.clip((values[own] - low) / (high - low), 0, 1)
    return place


def _paired(
    labels: NDArray[np.integer], latent: ArrayLike
) -> tuple[NDArray[np.integer], NDArray[np.float64]]:
    labels, values = np.asarray(labels).ravel(), np.asarray(latent, np.float64).ravel()
    if len(labels) != len(values):
        message = f"{len(labels)} labels can't be paired with {len(values)} latents."
        raise ShapeError(message)
    return labels, values
