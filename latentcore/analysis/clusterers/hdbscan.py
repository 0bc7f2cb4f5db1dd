"""HDBSCAN."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import metadata
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import CLUSTERERS, ClusterFit
from latentcore.analysis.parameters import check_at_least, parameter
from latentcore.errors import RequestError
from latentcore.progress import Progress

_DEFAULT_SHARE = 0.01
_DEFAULT_LEAST = 5
# The distances to all these neighbors are held in memory, for each point.
_DEFAULT_MOST_SAMPLES = 50


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
        with warnings.catch_warnings():
            # The package warns of its own use of scikit-learn and of Python syntax.
            warnings.simplefilter("ignore")
            import hdbscan

            model = hdbscan.HDBSCAN(
                min_cluster_size=size,
                min_samples=samples,
                approx_min_span_tree=False,
                gen_min_span_tree=True,
                core_dist_n_jobs=1,
            ).fit(values)
            validity = float(model.relative_validity_) if model.labels_.max() >= 1 else None
        progress.step(1, 1, "HDBSCAN")
        labels = model.labels_.astype(np.int32)
        return ClusterFit(
            labels=labels,
            parameters={
                "k": int(labels.max()) + 1,
                "min_cluster_size": size,
                "min_samples": samples,
            },
            scores={
                "criterion": None if validity is None else "dbcv",
                "value": validity,
                "noise_share": float((labels < 0).mean()),
            },
            engine=f"hdbscan {metadata.version('hdbscan')}",
        )
