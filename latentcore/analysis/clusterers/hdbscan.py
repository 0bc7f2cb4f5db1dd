"""HDBSCAN."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import metadata
from typing import Any, ClassVar

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
# Rows of few features, and comparisons of values of many, that take a second.
_LONG_ROWS, _LONG_WORK = 20_000, 500_000_000
_EXACT_ROWS = 50_000


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

    Learned from a sample, a point that is not in it gets the label of the nearest that is, noise
    included; `min_cluster_size` is taken in proportion, `min_samples` as it is.

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

    @property
    def exact_rows(self) -> int:
        """Up to so many rows all are learned from."""
        return _EXACT_ROWS

    @property
    def start_rows(self) -> int:
        """Those of no sample: all are learned from as a sample is."""
        return 0

    def takes_long(self, n: int, d: int) -> bool:
        """Tell whether a fit takes more than a second or two."""
        if d <= _FEW_FEATURES:
            return n > _LONG_ROWS
        return min(n, _MOST_LEARNED) * n * d > _LONG_WORK

    def fit_sample(self, values: NDArray[np.floating], n: int, progress: Progress) -> ClusterFit:
        """Build the hierarchy of a sample of n rows."""
        whole = self.min_cluster_size or _default_size(n)
        size = max(2, round(whole * len(values) / n))
        samples = self.min_samples or min(whole, _DEFAULT_MOST_SAMPLES)
        samples = min(samples, len(values) - 1)
        fit = replace(self, min_cluster_size=size, min_samples=samples).fit(values, progress)
        return replace(fit, parameters={**fit.parameters, "min_cluster_size": whole})

    def fit(self, values: NDArray[np.floating], progress: Progress) -> ClusterFit:
        """Build the hierarchy and cut it.

        Raises
        ------
        RequestError
            If there are fewer rows than one cluster needs.
        """
        values = np.ascontiguousarray(values, np.float64)
        size = self.min_cluster_size or _default_size(len(values))
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
        own = model.labels_.astype(np.int32)
        predict = _Nearest(values[learned], own)
        labels = own if len(learned) == n else predict(values)
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
            predict=predict,
        )


def _default_size(n: int) -> int:
    return max(_DEFAULT_LEAST, round(_DEFAULT_SHARE * n))


class _Nearest:
    """Gives any rows the label of the nearest learned row."""

    def __init__(self, learned: NDArray[np.floating], labels: NDArray[np.int32]) -> None:
        self._learned, self._labels = learned, labels

    def __call__(self, rows: NDArray[np.floating]) -> NDArray[np.int32]:
        nearest: NDArray[np.int64] = self._search.kneighbors(rows, return_distance=False)[:, 0]
        return self._labels[nearest]

    @cached_property
    def _search(self) -> Any:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=1).fit(self._learned)
