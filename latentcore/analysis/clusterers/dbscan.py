"""DBSCAN, the radius fixed or estimated from the distances to neighbors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import CLUSTERERS, ClusterFit, learned_rows
from latentcore.analysis.parameters import check_at_least, parameter
from latentcore.errors import RequestError
from latentcore.progress import Progress

# The published estimate: the 0.98 quantile of the distance to the 8th neighbor, where the
# point itself counts as the first.
_NEIGHBOR = 8
_QUANTILE = 0.98
_COUNT_BLOCK = 4_096
_MOST_NEIGHBORS = 4_000_000
# A tree helps in few dimensions; beyond, all distances of a block of rows are faster.
_TREE_DIMS = 8
_DISTANCE_BLOCK = 256
_DISTANCE_COLUMNS = 4_096
_MOST_KEPT = 50_000_000
_RELATIVE_ROUNDING = 1e-9
# More points of so few features are sorted into cells first: the labels are the same.
_BY_NEIGHBORHOODS = 50_000
_CELL_FEATURES = 3
# Of more rows, by cells or by neighborhoods, a step takes more than a second or two.
_LONG_ROWS, _LONG_ROWS_OF_MANY = 100_000, 10_000
# Above so many multiplications a quantile of the distances is estimated from some of the rows …
_EXACT_WORK = 4e10
_ASKED = 5_000
# … and DBSCAN, which needs all of them, would take too long.
_MOST_WORK = 2e11


@CLUSTERERS.register("dbscan")
@dataclass(frozen=True)
class DbscanClusters:
    """Density-based clusters and noise.

    Source: Ester, Kriegel, Sander and Xu, KDD 1996.

    Notes
    -----
    Which points are noise doesn't hang on the order of the rows; a point on the border of two
    clusters goes to the one whose first core point comes first.
    """

    name: ClassVar[str] = "dbscan"
    title: ClassVar[str] = "DBSCAN"

    eps: float | None = parameter(
        None,
        help="radius of a neighborhood, in the units of the features as they are used",
        convert=float,
        minimum=0.0,
        automatic=f"the {_QUANTILE} quantile of the distance to the {_NEIGHBOR}th neighbor",
    )
    min_samples: int = parameter(
        20, help="points in the neighborhood of a core point, itself included", convert=int,
        minimum=1,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_at_least("eps", self.eps, 0.0, open_end=True)
        check_at_least("min_samples", self.min_samples, 1)

    def takes_long(self, n: int, d: int) -> bool:
        """Tell whether a step of a fit takes more than a second or two."""
        return n > (_LONG_ROWS if d <= _CELL_FEATURES else _LONG_ROWS_OF_MANY)

    def fit(self, values: NDArray[np.floating], progress: Progress) -> ClusterFit:
        """Join what is dense.

        Raises
        ------
        RequestError
            If eps can't be estimated, there are fewer rows than `min_samples`, or so many of many
            features that it would take too long.
        """
        import sklearn

        points = np.asarray(values, np.float64)
        if len(points) < self.min_samples:
            message = (
                f"{len(points)} points can't hold a neighborhood of min_samples = "
                f"{self.min_samples}. Choose a larger ROI, or fewer min_samples."
            )
            raise RequestError(message)
        _check_work(points)
        progress.step(0, 1, "estimating the radius")
        eps = self.eps if self.eps is not None else estimate_eps(points)
        labels = _labels(points, eps, self.min_samples, progress)
        return ClusterFit(
            labels=labels,
            parameters={
                "k": int(labels.max()) + 1,
                "eps": eps,
                "eps_estimated": self.eps is None,
                "min_samples": self.min_samples,
            },
            scores={
                "criterion": None,
                "value": None,
                "noise_share": float((labels < 0).mean()),
            },
            engine=f"scikit-learn {sklearn.__version__}",
        )


def _check_work(values: NDArray[np.float64]) -> None:
    n, d = values.shape
    if d > _TREE_DIMS and n * n * d > _MOST_WORK:
        message = (
            f"DBSCAN of {n:,} points by {d} features would compare all points with all others, "
            f"which takes too long above {int((_MOST_WORK / d) ** 0.5):,} points. Choose a ROI, at "
            f"most {_TREE_DIMS} features, or another method."
        )
        raise RequestError(message)


def _labels(
    values: NDArray[np.float64], eps: float, min_samples: int, progress: Progress
) -> NDArray[np.int32]:
    n, d = values.shape
    if n <= _BY_NEIGHBORHOODS or d > _CELL_FEATURES:
        return dbscan_labels(values, eps, min_samples, progress)
    from latentcore.analysis.clusterers._cells import dbscan_by_cells

    return dbscan_by_cells(values, eps, min_samples, progress)


def dbscan_labels(
    values: NDArray[np.float64], eps: float, min_samples: int, progress: Progress
) -> NDArray[np.int32]:
    """Return the labels of DBSCAN, holding few neighborhoods in memory at a time.

    scikit-learn's own keeps every neighborhood: a whole scan whose band contrast takes 200
    values and a radius of 1 asks for gigabytes. Labels, and the cluster of each border point,
    are the same.

    Parameters
    ----------
    values : ndarray of float64, shape (n, d)

    Returns
    -------
    ndarray of int32, shape (n,)
        -1 is noise.
    """
    found = _neighborhoods(values, eps)
    sizes = _neighborhood_sizes(found, len(values), progress)
    core = sizes >= min_samples
    labels = np.full(len(values), -1, np.int32)
    label, left = 0, len(values)
    for seed in np.flatnonzero(core):
        if labels[seed] < 0:
            labels[seed] = label
            left = _grow(found, int(seed), core, sizes, labels, left - 1, progress)
            label += 1
    progress.step(len(values), len(values), "DBSCAN")
    return labels


class _Neighborhoods(Protocol):
    """Which rows lie within eps of a row, itself included."""

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many lie within eps of each of `rows`."""
        ...

    def of(self, rows: NDArray[np.int64]) -> Sequence[NDArray[np.integer]]:
        """Return those within eps of each of `rows`."""
        ...


def _neighborhoods(values: NDArray[np.float64], eps: float) -> _Neighborhoods:
    if values.shape[1] <= _TREE_DIMS:
        return _ByTree(values, eps)
    found = _ByDistances(values, eps)
    # A radius that rounding could hide is left to the tree, which subtracts before it squares.
    return found if eps * eps > _RELATIVE_ROUNDING * found.largest else _ByTree(values, eps)


class _ByTree:
    def __init__(self, values: NDArray[np.float64], eps: float) -> None:
        from sklearn.neighbors import KDTree

        self._tree, self._values, self._eps = KDTree(values), values, eps

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        counts: NDArray[np.int64]
        counts = self._tree.query_radius(self._values[rows], self._eps, count_only=True)
        return counts

    def of(self, rows: NDArray[np.int64]) -> Sequence[NDArray[np.integer]]:
        found: Sequence[NDArray[np.integer]] = self._tree.query_radius(
            self._values[rows], self._eps
        )
        return found


class _ByDistances:
    """All distances of some rows at a time; what was found is kept as far as it fits."""

    def __init__(self, values: NDArray[np.float64], eps: float) -> None:
        # |a − b|² = |a|² + |b|² − 2ab loses digits far from 0.
        centered = values - values.mean(axis=0)
        squares = np.einsum("ij,ij->i", centered, centered)
        self.largest = float(squares.max())
        self._limits = eps * eps - squares
        self._asked = np.column_stack([centered, np.ones(len(values))])
        # One product gives |b|² − 2ab, which is to be at most eps² − |a|².
        self._others = np.column_stack([-2 * centered, squares])
        self._kept: dict[int, NDArray[np.integer]] = {}
        self._pairs = 0

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        blocks = (rows[at : at + _DISTANCE_BLOCK] for at in range(0, len(rows), _DISTANCE_BLOCK))
        return np.array([len(found) for block in blocks for found in self.of(block)])

    def of(self, rows: NDArray[np.int64]) -> Sequence[NDArray[np.integer]]:
        missing = np.array([row for row in rows.tolist() if row not in self._kept], np.int64)
        computed: dict[int, NDArray[np.integer]] = {}
        for start in range(0, len(missing), _DISTANCE_BLOCK):
            block = missing[start : start + _DISTANCE_BLOCK]
            computed |= zip(block.tolist(), self._compute(block), strict=True)
        found = [self._kept[row] if row in self._kept else computed[row] for row in rows.tolist()]
        if self._pairs < _MOST_KEPT:
            self._kept |= computed
            self._pairs += sum(map(len, computed.values()))
        return found

    def _compute(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.integer]]:
        asked, limits = self._asked[rows], self._limits[rows, None]
        near = np.empty((len(rows), len(self._others)), np.bool_)
        for start in range(0, len(self._others), _DISTANCE_COLUMNS):  # stays in the cache
            columns = slice(start, start + _DISTANCE_COLUMNS)
            np.less_equal(asked @ self._others[columns].T, limits, out=near[:, columns])
        return (np.flatnonzero(row).astype(np.int32) for row in near)


def _neighborhood_sizes(found: _Neighborhoods, n: int, progress: Progress) -> NDArray[np.int64]:
    sizes = np.empty(n, np.int64)
    for start in range(0, n, _COUNT_BLOCK):
        progress.step(start, n, "counting neighbors")
        rows = np.arange(start, min(n, start + _COUNT_BLOCK))
        sizes[rows] = found.counts(rows)
    return sizes


def _grow(
    found: _Neighborhoods,
    seed: int,
    core: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    labels: NDArray[np.int32],
    left: int,
    progress: Progress,
) -> int:
    """Give the cluster of `seed` to everything that is dense-connected with it, in `labels`.

    Returns how many of the `left` rows without a cluster are left then.
    """
    label = labels[seed]
    frontier = np.array([seed])
    while len(frontier):
        # As many neighborhoods as fit, at least one.
        fit = max(1, int(np.searchsorted(np.cumsum(sizes[frontier]), _MOST_NEIGHBORS)))
        block, frontier = frontier[:fit], frontier[fit:]
        reached = np.concatenate(found.of(block))
        new = np.unique(reached[labels[reached] < 0])
        labels[new] = label
        frontier = np.concatenate([frontier, new[core[new]]])
        left -= len(new)
        progress.step(len(labels) - left, len(labels), "DBSCAN")
        if left == 0:
            break
    return left


def estimate_eps(values: NDArray[np.float64]) -> float:
    """Return the 0.98 quantile of the distance to the 8th neighbor, the point itself included.

    Of many points with many features it is the quantile over 5,000 of them, drawn evenly, whose
    neighbors are sought among all: its standard error is 0.002 in the quantile's 0.98.

    Raises
    ------
    RequestError
        If there are fewer than 8 rows, or nearly all have seven equals.
    """
    from scipy.spatial import cKDTree
    from sklearn.neighbors import NearestNeighbors

    if len(values) < _NEIGHBOR:
        message = (
            f"Estimating eps needs at least {_NEIGHBOR} points, but there are {len(values)}. "
            "Give eps, or choose a larger ROI."
        )
        raise RequestError(message)
    n, d = values.shape
    few = d <= 2 or n * n * d <= _EXACT_WORK
    asked = values if few else values[learned_rows(n, _ASKED)]
    if few and n > _BY_NEIGHBORHOODS:
        distances = cKDTree(values).query(asked, [_NEIGHBOR], workers=-1)[0]
    else:
        distances, _ = NearestNeighbors(n_neighbors=_NEIGHBOR).fit(values).kneighbors(asked)
    eps = float(np.quantile(distances[:, -1], _QUANTILE))
    if eps > 0:
        return eps
    message = (
        "eps can't be estimated: nearly every point has seven others with exactly its values. "
        "Give eps."
    )
    raise RequestError(message)
