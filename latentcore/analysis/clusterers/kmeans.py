"""KMeans."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import CLUSTERERS, ClusterFit, check_k
from latentcore.analysis.parameters import check_at_least, check_seed, parameter
from latentcore.progress import Progress

# Rows times clusters times starts that take few seconds.
_MOST_WORK = 10_000_000
# The same times features, at least four, that take one or two.
_LONG_WORK = 20_000_000


@CLUSTERERS.register("kmeans")
@dataclass(frozen=True)
class KMeansClusters:
    """KMeans with the greedy k-means++ start.

    Source: Arthur and Vassilvitskii, *k-means++: the advantages of careful seeding*, SODA 2007.

    Notes
    -----
    The defaults are those of the published runs. With many clusters the result hangs on its
    start: give `n_init` 50 or more. The start is drawn from the rows in the order given, see
    `latentcore.analysis.clustering.cluster`.
    """

    name: ClassVar[str] = "kmeans"
    title: ClassVar[str] = "KMeans"

    k: int = parameter(3, help="number of clusters", convert=int, minimum=1)
    n_init: int | None = parameter(
        None,
        help="number of starts, of which the best is kept",
        convert=int,
        minimum=1,
        automatic="one",
    )
    seed: int = parameter(0, help="seed of the start", convert=int, minimum=0)

    def __post_init__(self) -> None:
        check_at_least("k", self.k, 1)
        check_seed(self.seed)
        check_at_least("n_init", self.n_init, 1)

    @property
    def exact_rows(self) -> int:
        """Up to so many rows all are learned from."""
        return _MOST_WORK // (self.k * (self.n_init or 1))

    @property
    def start_rows(self) -> int:
        """Those of no sample: all are learned from as a sample is."""
        return 0

    def takes_long(self, n: int, d: int) -> bool:
        """Tell whether a fit takes more than a second or two."""
        return n * self.k * (self.n_init or 1) * max(d, 4) > _LONG_WORK

    def fit_sample(self, values: NDArray[np.floating], n: int, progress: Progress) -> ClusterFit:
        """Find the centers of a sample; the inertia is extended to n rows."""
        fit = self.fit(values, progress)
        inertia = fit.scores["value"] * n / len(values)  # type: ignore[operator]
        return replace(fit, scores={**fit.scores, "value": inertia})

    def fit(self, values: NDArray[np.floating], progress: Progress) -> ClusterFit:
        """Find k centers and give each row the nearest.

        Raises
        ------
        RequestError
            If there are fewer different rows than clusters.
        """
        import sklearn
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        values = np.asarray(values, np.float64)
        check_k(self.k, values)
        progress.step(0, 1, "KMeans")
        with warnings.catch_warnings():
            # Reported by `iterations` in the scores.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = KMeans(
                self.k,
                n_init="auto" if self.n_init is None else self.n_init,
                random_state=self.seed,
            ).fit(values)
        progress.step(1, 1, "KMeans")
        return ClusterFit(
            labels=model.labels_.astype(np.int32),
            parameters={"k": self.k, "n_init": self.n_init or 1, "seed": self.seed},
            scores={
                "criterion": "inertia",
                "value": float(model.inertia_),
                "iterations": int(model.n_iter_),
            },
            engine=f"scikit-learn {sklearn.__version__}",
            predict=partial(_nearest_center, model),
        )


def _nearest_center(model: Any, rows: NDArray[np.floating]) -> NDArray[np.int32]:
    labels: NDArray[np.int32] = model.predict(np.asarray(rows, np.float64)).astype(np.int32)
    return labels
