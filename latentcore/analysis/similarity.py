"""The samples whose latents are most like a query, exactly, without an index.

One matrix-vector product in float32 ranks all rows. Its rounding error has a bound, so the rows
that may be among the k best are known for certain; only these are computed again in float64, and
their order is final. Below half a million rows no index is faster.

Source of the bound: Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed. (2002),
section 3.1: a sum of d products, in whatever order, errs by at most d u/(1 − d u) times the sum of
the products' absolute values, u being the unit roundoff; that sum is at most the product of the
two norms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import LatentSet, Neighbors, Partitions
from latentcore.errors import RequestError, ShapeError

Metric = Literal["cosine", "euclidean"]
METRICS: tuple[Metric, ...] = ("cosine", "euclidean")

_BLOCK_VALUES = 1 << 20
_FLOAT32 = np.finfo(np.float32)
_FLOAT64 = np.finfo(np.float64)


@dataclass(frozen=True, eq=False)
class SearchTable:
    """Latents that can be searched, with the norms of their rows.

    Attributes
    ----------
    values : ndarray of float32, shape (n, d)
    norms : ndarray of float64, shape (n,)
        Euclidean; NaN for rows that are not finite, which are never found.
    """

    values: NDArray[np.float32]
    norms: NDArray[np.float64]

    @classmethod
    def of(cls, values: ArrayLike) -> SearchTable:
        """Compute the norms.

        Parameters
        ----------
        values : array_like, shape (n, d)

        Raises
        ------
        ShapeError
            If it has another number of axes.
        """
        table = np.ascontiguousarray(values, np.float32)
        if table.ndim != 2:
            message = f"Latents to be searched have shape (n, d), but these have {table.shape}."
            raise ShapeError(message)
        norms = np.empty(len(table))
        for block in _blocks(*table.shape):
            norms[block] = _norms(table[block])
        return cls(table, norms)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def n_searched(self) -> int:
        """Number of rows that can be found."""
        return int(np.isfinite(self.norms).sum())

    def nearest(
        self,
        query: ArrayLike,
        k: int = 10,
        *,
        metric: Metric = "cosine",
        exclude: int | None = None,
    ) -> Neighbors:
        """Find the k rows that are most like a query.

        Parameters
        ----------
        query : array_like, shape (d,)
        k : int
            All rows that can be found where there are fewer.
        metric : {"cosine", "euclidean"}
            The cosine to a row of zeros is 0.
        exclude : int, optional
            A row that is not to be found: the query's own.

        Returns
        -------
        Neighbors
            Most similar first; equal ones in the order of their rows.

        Raises
        ------
        RequestError
            If k or the metric makes no sense, or the query has no direction.
        ShapeError
            If the query has another number of dimensions.
        """
        vector = _checked(query, metric, self.values.shape[1])
        _refuse_none(k)
        candidates = self._candidates(vector, k, metric, exclude)
        return _best(candidates, self._distances(candidates, vector, metric), k, metric)

    def distances(self, query: ArrayLike, metric: Metric = "cosine") -> NDArray[np.float64]:
        """Return how far every row is from a query, shape (n,); NaN where a row isn't finite.

        Parameters and errors as for `nearest`. The cosine distance is 1 − cosine.
        """
        vector = _checked(query, metric, self.values.shape[1])
        return self._distances(np.arange(len(self)), vector, metric)

    def _candidates(
        self, query: NDArray[np.float64], k: int, metric: Metric, exclude: int | None
    ) -> NDArray[np.int64]:
        """Return rows that hold the k nearest for certain, ascending."""
        least, most = self._bounds(query, metric)
        if exclude is not None:
            least[exclude] = most[exclude] = np.nan
        return np.flatnonzero(least <= _kth(most, k))

    def _bounds(
        self, query: NDArray[np.float64], metric: Metric
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return numbers that order rows as their distances do: least and most possible ones."""
        d = len(query)
        length = float(np.linalg.norm(query))
        direction = (query / (length or 1.0)).astype(np.float32)
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            products = (self.values @ direction).astype(np.float64)
            # Twice the bound: direction and norms are rounded as well.
            share, lost = 2 * (d + 4) * float(_FLOAT32.eps), d * float(_FLOAT32.tiny)
            # Distances are compared as float64 has them: rows that are equal so are tied.
            tied = 4 * (d + 4) * float(_FLOAT64.eps)
            error = share * self.norms + lost
            if metric == "cosine":
                norms = np.where(self.norms > 0, self.norms, 1.0)
                middle, error = 1.0 - products / norms, error / norms + tied
            else:
                middle = self.norms**2 - 2 * length * products
                error = 2 * length * error + share * self.norms**2
                error += tied * (length**2 + self.norms**2)
            unknown = ~np.isfinite(middle) & np.isfinite(self.norms)
            least, most = middle - error, middle + error
        least[unknown], most[unknown] = -np.inf, np.inf
        return least, most

    def _distances(
        self, rows: NDArray[np.int64], query: NDArray[np.float64], metric: Metric
    ) -> NDArray[np.float64]:
        """Return the distances of some rows in float64, each computed by itself."""
        found = np.empty(len(rows))
        for block in _blocks(len(rows), len(query)):
            values = self.values[rows[block]].astype(np.float64)
            found[block] = _exact(values, self.norms[rows[block]], query, metric)
        return found


def distances_to(
    latents: LatentSet, query: ArrayLike, metric: Metric = "cosine"
) -> NDArray[np.float64]:
    """Return how far every sample is from a query, as `SearchTable.distances`, read in blocks.

    For a single query: the latents are gone through once, and are not held.
    """
    vector = _checked(query, metric, latents.shape[1])
    found = np.empty(len(latents))
    for rows, values in latents.blocks():
        block = np.ascontiguousarray(values, np.float32)
        found[rows] = _exact(block.astype(np.float64), _norms(block), vector, metric)
    return found


def nearest_of(
    distances: NDArray[np.float64], k: int, *, metric: Metric, exclude: int | None = None
) -> Neighbors:
    """Return the k nearest by their distances: the same as `SearchTable.nearest`.

    Parameters
    ----------
    distances : ndarray of float64, shape (n,)
        NaN where a row can't be found.
    """
    _refuse_none(k)
    candidates = np.flatnonzero(distances <= _kth(distances, k + (exclude is not None)))
    candidates = candidates[candidates != exclude] if exclude is not None else candidates
    return _best(candidates, distances[candidates], k, metric)


def nearest_of_each(
    distances: NDArray[np.float64],
    partitions: Partitions,
    k: int,
    *,
    metric: Metric,
    exclude: int | None = None,
) -> dict[str, Neighbors]:
    """Return the k nearest of each partition, as `nearest_of` those of all."""
    return {
        name: nearest_of(
            np.where(partitions.mask([name]), distances, np.nan), k, metric=metric, exclude=exclude
        )
        for name in partitions.names
    }


def _best(
    candidates: NDArray[np.int64], distances: NDArray[np.float64], k: int, metric: Metric
) -> Neighbors:
    best = np.lexsort((candidates, distances))[:k]
    return Neighbors(
        rows=candidates[best],
        distance=distances[best],
        similarity=similarity_of(distances[best], metric),
        metric=metric,
    )


def _kth(values: NDArray[np.float64], k: int) -> float:
    """Return the k-th smallest; infinity where fewer are finite."""
    # NaN sorts last.
    kth = float(np.partition(values, k - 1)[k - 1]) if k < len(values) else np.inf
    return kth if np.isfinite(kth) else np.inf


def _refuse_none(k: int) -> None:
    if k < 1:
        message = f"{k} neighbors were asked for. Ask for at least 1."
        raise RequestError(message)


def _checked(query: ArrayLike, metric: Metric, d: int) -> NDArray[np.float64]:
    if metric not in METRICS:
        message = f"The metric must be one of {', '.join(METRICS)}, but is {metric!r}."
        raise RequestError(message)
    vector = np.asarray(query, np.float64)
    if vector.shape != (d,):
        message = (
            f"The query has shape {vector.shape}, but the latents have "
            f"{d} dimensions. Search with a latent of the same model."
        )
        raise ShapeError(message)
    if not np.isfinite(vector).all():
        message = "The query has no latent: it is not finite. Choose an encoded sample."
        raise RequestError(message)
    if metric == "cosine" and not vector.any():
        message = (
            "The query's latent is all zeros, so it has no direction and no cosine. "
            "Search with the Euclidean metric."
        )
        raise RequestError(message)
    return vector


def similarity_of(distances: NDArray[np.float64], metric: Metric) -> NDArray[np.float64]:
    """Turn distances into similarities: the cosine itself, or 1 / (1 + Euclidean distance)."""
    return 1 - distances if metric == "cosine" else 1 / (1 + distances)


def _norms(values: NDArray[np.float32]) -> NDArray[np.float64]:
    norms = np.sqrt(np.square(values, dtype=np.float64).sum(axis=1))
    norms[~np.isfinite(norms)] = np.nan
    return cast("NDArray[np.float64]", norms)


def _exact(
    values: NDArray[np.float64],
    norms: NDArray[np.float64],
    query: NDArray[np.float64],
    metric: Metric,
) -> NDArray[np.float64]:
    # Sums along a row, not products of matrices: those round a row otherwise from place to place,
    # and two equal rows would no longer be equally far.
    with np.errstate(invalid="ignore"):
        if metric == "euclidean":
            found = np.sqrt(np.square(values - query).sum(axis=1))
        else:
            lengths = np.where(norms > 0, norms, 1.0) * np.sqrt(np.square(query).sum())
            found = 1.0 - np.clip((values * query).sum(axis=1) / lengths, -1.0, 1.0)
    found[np.isnan(norms)] = np.nan
    return cast("NDArray[np.float64]", found)


def _blocks(n: int, d: int) -> list[slice]:
    """Cut n rows of d values into pieces of a few megabytes in float64."""
    rows = max(1, _BLOCK_VALUES // max(1, d))
    return [slice(start, start + rows) for start in range(0, n, rows)]
