"""HDBSCAN."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import metadata
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import CLUSTERERS, ClusterFit, learned_rows
from latentcore.analysis.parameters import check_at_least, parameter
from latentcore.errors import RequestError
from latentcore.progress import Progress

_DEFAULT_SHARE = 0.01
_DEFAULT_LEAST = 5
# The distances to all these neighbors are held in memory, for each point.
_DEFAULT_MOST_SAMPLES = 50
# By more features than this, neighbors are found by comparing all points: more than some
# thousand take minutes.
_FEW_FEATURES = 4
_MOST_LEARNED = 10_000


@CLUSTERERS.register("hdbscan")
@dataclass(frozen=True)
class HdbscanClusters:
    """Hierarchy of density-based clusters, cut where clusters last longest.

    Source: Campello, Moulavi and Sander, PAKDD 2013; McInnes, Healy and Astels, *JOSS* 2 (2017)
    205.

    Notes
    -----
    Engines differ in their labels, so the report names package and version. Where many points
    are equally far apart, ties in the spanning tree hang on the order of the rows.

    By more than four features the hierarchy is that of at most 10,000 points, drawn evenly; each
    other point gets the label of the nearest of them. `min_cluster_size` counts points of all.
    """

    name: ClassVar[str] = "hdbscan"
    title: ClassVar[str] = "HDBSCAN"

    min_cluster_size: int | None = parameter(
        None,
        help="fewest points that count as a cluster",
        convert=int,
        minimum=2,
        automatic="1 % of the points, at least 5",
    )
    min_samples: int | None = parameter(
        None,
        help="neighbors that make a point dense; more means more noise",
        convert=int,
        minimum=1,
        automatic=f"min_cluster_size, at most {_DEFAULT_MOST_SAMPLES}",
    )

    def __post_init__(self) -> None:
        check_at_least("min_cluster_size", self.min_cluster_size, 2)
        check_at_least("min_samples", self.min_samples, 1)

    def fit(self, values: NDArray[np.floating], progress: Progress) -> ClusterFit:
        """Build the hierarchy and cut it.

        Raises
        ------
        RequestError
            If there are fewer rows than one cluster needs.
        """
        values = np.ascontiguousarray(values, np.float64)
        size = self.min_cluster_size or max(_DEFAULT_LEAST, round(_DEFAULT_SHARE * len(values)))
        samples = self.min_samples or min(size, _DEFAULT_MOST_SAMPLES)
        if len(values) < max(size, samples + 1):
            message = (
                f"{len(values)} points can't hold a cluster of min_cluster_size = {size} with "
                f"min_samples = {samples}. Choose a larger ROI, or smaller numbers."
            )
            raise RequestError(message)
        progress.step(0, 1, "HDBSCAN")
        n, d = values.shape
        learned = learned_rows(n, n if d <= _FEW_FEATURES else _MOST_LEARNED)
        with warnings.catch_warnings():
            # The package warns of its own use of scikit-learn and of Python syntax.
            warnings.simplefilter("ignore")
            import hdbscan

            model = hdbscan.HDBSCAN(
                min_cluster_size=max(2, round(size * len(learned) / n)),
                min_samples=max(1, min(samples, len(learned) - 1)),
                algorithm="best" if d <= _FEW_FEATURES else "prims_kdtree",
                approx_min_span_tree=False,
                gen_min_span_tree=True,
                core_dist_n_jobs=1,
            ).fit(values[learned])
            validity = float(model.relative_validity_) if model.labels_.max() >= 1 else None
        progress.step(1, 1, "HDBSCAN")
        labels = _spread(model.labels_.astype(np.int32), values, learned)
        return ClusterFit(
            labels=labels,
            parameters={
                "k": int(labels.max()) + 1,
                "min_cluster_size": size,
                "min_samples": samples,
                "n_learned": len(learned),
            },
            scores={
                "criterion": None if validity is None else "dbcv",
                "value": validity,
                "noise_share": float((labels < 0).mean()),
            },
            engine=f"hdbscan {metadata.version('hdbscan')}",
        )


def _spread(
    labels: NDArray[np.int32], values: NDArray[np.floating], learned: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Give each row the label of the nearest learned row."""
    if len(learned) == len(values):
        return labels
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=1).fit(values[learned])
    nearest: NDArray[np.int64] = search.kneighbors(values, return_distance=False)[:, 0]
    return labels[nearest]
