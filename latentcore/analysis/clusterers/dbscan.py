"""DBSCAN, the radius fixed or estimated from the distances to neighbors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import CLUSTERERS, ClusterFit
from latentcore.analysis.parameters import check_at_least, parameter
from latentcore.errors import RequestError
from latentcore.progress import Progress

# The published estimate: the 0.98 quantile of the distance to the 8th neighbor, where the
# point itself counts as the first.
_NEIGHBOR = 8
_QUANTILE = 0.98
_COUNT_BLOCK = 4_096
_MOST_NEIGHBORS = 4_000_000


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

    def fit(self, values: NDArray[np.floating], progress: Progress) -> ClusterFit:
        """Join what is dense.

        Raises
        ------
        RequestError
            If eps can't be estimated, or there are fewer rows than `min_samples`.
        """
        import sklearn

        points = np.asarray(values, np.float64)
        if len(points) < self.min_samples:
            message = (
                f"{len(points)} points can't hold a neighborhood of min_samples = "
                f"{self.min_samples}. Choose a larger ROI, or fewer min_samples."
            )
            raise RequestError(message)
        progress.step(0, 1, "estimating the radius")
        eps = self.eps if self.eps is not None else estimate_eps(points)
        labels = dbscan_labels(points, eps, self.min_samples, progress)
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
    from sklearn.neighbors import KDTree

    tree = KDTree(values)
    sizes = _neighborhood_sizes(tree, values, eps, progress)
    core = sizes >= min_samples
    labels = np.full(len(values), -1, np.int32)
    label, left = 0, len(values)
    for seed in np.flatnonzero(core):
        if labels[seed] < 0:
            labels[seed] = label
            left = _grow(tree, values, eps, int(seed), core, sizes, labels, left - 1, progress)
            label += 1
    progress.step(len(values), len(values), "DBSCAN")
    return labels


def _neighborhood_sizes(
    tree: Any, values: NDArray[np.float64], eps: float, progress: Progress
) -> NDArray[np.int64]:
    sizes = np.empty(len(values), np.int64)
    for start in range(0, len(values), _COUNT_BLOCK):
        progress.step(start, len(values), "counting neighbors")
        block = slice(start, start + _COUNT_BLOCK)
        sizes[block] = tree.query_radius(values[block], eps, count_only=True)
    return sizes


def _grow(
    tree: Any,
    values: NDArray[np.float64],
    eps: float,
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
        reached = np.concatenate(tree.query_radius(values[block], eps))
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

    Raises
    ------
    RequestError
        If there are fewer than 8 rows, or nearly all have seven equals.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(values) < _NEIGHBOR:
        message = (
            f"Estimating eps needs at least {_NEIGHBOR} points, but there are {len(values)}. "
            "Give eps, or choose a larger ROI."
        )
        raise RequestError(message)
    distances, _ = NearestNeighbors(n_neighbors=_NEIGHBOR).fit(values).kneighbors(values)
    eps = float(np.quantile(distances[:, _NEIGHBOR - 1], _QUANTILE))
    if eps > 0:
        return eps
    message = (
        "eps can't be estimated: nearly every point has seven others with exactly its values. "
        "Give eps."
    )
    raise RequestError(message)
