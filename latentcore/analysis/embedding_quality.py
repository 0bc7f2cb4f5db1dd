"""How far to trust an embedding: which neighbors it shows are neighbors in latent space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SCORE_ROWS = 2_000
_SCORE_NEIGHBORS = 15
# Among more rows neighbors are sought for hours, or in more memory than there is.
_MOST_SOUGHT = 2_000_000


def trustworthiness(
    values: NDArray[np.floating],
    coordinates: NDArray[np.floating],
    *,
    neighbors: int = _SCORE_NEIGHBORS,
    metric: str = "euclidean",
    rows: int = _SCORE_ROWS,
    seed: int = 0,
) -> dict[str, float | int]:
    """Return how many neighbors in an embedding are neighbors in latent space too.

    scikit-learn's definition (Venna and Kaski, *Neural Networks* 19 (2006) 889), among rows
    drawn by the seed, because it needs all pairs.

    Parameters
    ----------
    values : ndarray, shape (n, d)
    coordinates : ndarray, shape (n, c)
        Rows with a NaN in either take no part.
    neighbors : int
        Lowered to what the number of rows allows.
    metric : str
        In latent space.
    rows : int
        At most so many are used.

    Returns
    -------
    dict
        ``value`` (0 … 1, NaN for fewer than 4 rows), ``neighbors`` and ``rows`` used.
    """
    from sklearn.manifold import trustworthiness as score

    chosen = _scored_rows(values, coordinates, rows, seed)
    k = min(neighbors, (len(chosen) - 1) // 2)
    value = float("nan")
    if k >= 1:
        value = float(score(values[chosen], coordinates[chosen], n_neighbors=k, metric=metric))
    return {"value": value, "neighbors": k, "rows": len(chosen)}


def neighbour_preservation(
    values: NDArray[np.floating],
    coordinates: NDArray[np.floating],
    *,
    neighbors: int = _SCORE_NEIGHBORS,
    metric: str = "euclidean",
    rows: int = _SCORE_ROWS,
    seed: int = 0,
) -> dict[str, float | int]:
    """Return the share of each row's nearest latents that are nearest in the embedding too.

    The rows asked are drawn by the seed; their neighbors are sought among all rows, of more than
    two million among as many that are drawn by the seed.

    Parameters
    ----------
    values, coordinates, neighbors, metric, rows, seed
        As in `trustworthiness`.

    Returns
    -------
    dict
        ``value`` (0 … 1, NaN for fewer than 2 rows), ``neighbors`` and ``rows`` used, and
        ``among`` how many rows neighbors were sought.
    """
    asked = _scored_rows(values, coordinates, rows, seed)
    everyone = np.union1d(asked, _scored_rows(values, coordinates, _MOST_SOUGHT, seed))
    k = min(neighbors, len(everyone) - 1)
    if k < 1:
        return {"value": float("nan"), "neighbors": 0, "rows": len(asked), "among": len(everyone)}
    near = _nearest(values, asked, everyone, k, metric)
    shown = _nearest(coordinates, asked, everyone, k, "euclidean")
    kept = [len(np.intersect1d(a, b)) for a, b in zip(near, shown, strict=True)]
    value = float(np.mean(kept) / k)
    return {"value": value, "neighbors": k, "rows": len(asked), "among": len(everyone)}


def _scored_rows(
    values: NDArray[np.floating],
    coordinates: NDArray[np.floating],
    rows: int,
    seed: int,
) -> NDArray[np.int64]:
    present = np.flatnonzero(np.isfinite(values).all(axis=1) & np.isfinite(coordinates).all(axis=1))
    if len(present) <= rows:
        return present
    return np.sort(np.random.default_rng(seed).choice(present, rows, replace=False))


def _nearest(
    values: NDArray[np.floating],
    asked: NDArray[np.int64],
    everyone: NDArray[np.int64],
    k: int,
    metric: str,
) -> list[NDArray[np.int64]]:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k + 1, metric=metric).fit(values[everyone])
    found = everyone[search.kneighbors(values[asked], return_distance=False)]
    # A row is its own nearest, but among equal rows it need not be the first one named.
    return [near[near != own][:k] for own, near in zip(asked, found, strict=True)]
