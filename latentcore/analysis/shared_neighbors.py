"""Which samples two sets of latents put next to each other: exact nearest neighbors, held together.

The share of nearest neighbors in common needs no common space: it compares what is near to what.

Source: Lee and Verleysen, *Quality assessment of dimensionality reduction*, Neurocomputing 72
(2009), 1431: there it is called Q_NX.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.progress import Progress

Floats = NDArray[np.floating]

# So many distances are computed for each set of latents; beyond, some samples are asked.
MOST_PAIRS = 20_000_000_000
_ASKED_AT_ONCE = 8_192


@dataclass(frozen=True, eq=False)
class SharedNeighbors:
    """The share of nearest neighbors that two sets of latents have in common.

    Attributes
    ----------
    share : ndarray of float32, shape (n,)
        Of each sample, 0 to 1; NaN where it was not asked.
    mean : float
        Over those asked.
    chance : float
        The mean that neighbors drawn at random would give, k / (n − 1).
    """

    share: NDArray[np.float32]
    mean: float
    chance: float


def asked_rows(n: int, seed: int, most_pairs: int = MOST_PAIRS) -> NDArray[np.int64]:
    """Return which of n samples are asked for their neighbors: all, or a seeded draw, ascending."""
    most = max(1, most_pairs // max(1, n))
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def nearest_others(
    points: Floats, asked: NDArray[np.integer], k: int, progress: Progress | None = None
) -> NDArray[np.int64]:
    """Return the k nearest other points (Euclidean) of those asked, shape (m, k), exactly.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        Finite.
    asked : ndarray of int, shape (m,)
        Row numbers.
    """
    from sklearn.neighbors import NearestNeighbors

    progress = progress or Progress()
    method = "auto" if points.shape[1] <= 16 else "brute"
    search = NearestNeighbors(n_neighbors=k + 1, algorithm=method).fit(points)
    found = np.empty((len(asked), k), np.int64)
    for start in range(0, len(asked), _ASKED_AT_ONCE):
        progress.step(start, len(asked), "finding neighbors")
        rows = asked[start : start + _ASKED_AT_ONCE]
        near = search.kneighbors(points[rows], return_distance=False)
        itself = near == np.asarray(rows)[:, None]
        # Where others lie on the very same place, a point may not find itself: drop the last.
        itself[~itself.any(axis=1), -1] = True
        found[start : start + len(rows)] = near[~itself].reshape(len(rows), k)
    progress.step(len(asked), len(asked), "finding neighbors")
    return found


def in_common(first: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the share of neighbors that two lists have in common, (m, k) and (m, k) → (m,)."""
    k = first.shape[1]
    merged = np.sort(np.concatenate([first, other], axis=1), axis=1)
    # Within a list no neighbor stands twice, so equal ones beside each other are of both.
    return np.asarray((merged[:, 1:] == merged[:, :-1]).sum(axis=1) / k, np.float32)


def shared_neighbors(
    first: NDArray[np.integer], other: NDArray[np.integer], asked: NDArray[np.integer], n: int
) -> SharedNeighbors:
    """Hold the neighbors that two sets of latents give the same samples against each other.

    Parameters
    ----------
    first, other : ndarray of int, shape (m, k)
        From `nearest_others`, of the same rows.
    asked : ndarray of int, shape (m,)
    n : int
        Samples in all.
    """
    share = np.full(n, np.nan, np.float32)
    share[asked] = in_common(first, other)
    mean = float(share[asked].astype(np.float64).mean())
    return SharedNeighbors(share, mean, first.shape[1] / (n - 1))
