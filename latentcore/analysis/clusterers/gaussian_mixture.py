"""Gaussian mixture, the number of components fixed or chosen by an information criterion."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.clusterers import (
    CLUSTERERS,
    ClusterFit,
    check_k,
    learned_rows,
    shuffled_rows,
)
from latentcore.analysis.parameters import check_at_least, check_choice, check_seed, parameter
from latentcore.errors import Cancelled, RequestError
from latentcore.progress import Progress

_CRITERIA = ("bic", "aic")
_COVARIANCES = ("full", "tied", "diag")
# As published: a pair of features always has full covariance matrices, from all points.
_PUBLISHED_FEATURES = 2
_MOST_LEARNED = 50_000
# Up to so many, the time of all, begun at a sample, is bearable beside that of two samples.
_EXACT_ROWS = 100_000
_POINTS_PER_PARAMETER = 10
# An iteration of a matrix of more features takes seconds.
_MOST_FEATURES = 64
# Cores are shared with the page's other jobs; a sweep rarely has more than some values of k.
_MOST_THREADS = 4
_POLL_S = 0.2
# Of more points than are learned from at once, EM starts at what so many of them say.
_START_ROWS = 20_000
# It can be stopped between the steps of EM; of more values each of these takes long.
_LONG_VALUES = 1_000_000


@CLUSTERERS.register("gmm")
@dataclass(frozen=True)
class GaussianMixtures:
    """Gaussian mixture, with full covariance matrices where the points can tell them.

    With `k` None, mixtures of `k_min` … `k_max` components are fitted and the one with the
    lowest criterion is taken: Schwarz, *Annals of Statistics* 6 (1978) 461, or Akaike, *IEEE
    Trans. Autom. Control* 19 (1974) 716.

    Notes
    -----
    scikit-learn adds 1e-6 to the diagonal of each covariance matrix. A raw latent whose variance
    is far below that is seen as constant: standardize it, unless a published run is reproduced.

    The start comes from KMeans on rows picked by the seed, so the labels hang on the order of
    the rows; `latentcore.analysis.clustering.cluster` gives them in scan order. Of more than
    50,000 rows, EM starts at the mixtures that it found for 20,000 of them, drawn by the seed:
    those that a sample is learned from.
    """

    name: ClassVar[str] = "gmm"
    title: ClassVar[str] = "Gaussian mixture"

    k: int | None = parameter(
        None,
        help="number of components",
        convert=int,
        minimum=1,
        automatic="the best of k_min … k_max by the criterion",
    )
    k_min: int = parameter(2, help="smallest number of components tried", convert=int, minimum=1)
    k_max: int = parameter(8, help="largest number of components tried", convert=int, minimum=1)
    criterion: str = parameter("bic", help="by which k is chosen", choices=_CRITERIA)
    covariance: str | None = parameter(
        None,
        help="full: one matrix for each component; tied: one for all; diag: no correlations",
        choices=_COVARIANCES,
        automatic="full if there are 10 points for each of its parameters, else tied; diag for "
        f"more than {_MOST_FEATURES} features",
    )
    seed: int = parameter(0, help="seed of the start", convert=int, minimum=0)

    def __post_init__(self) -> None:
        check_at_least("k", self.k, 1)
        if self.covariance is not None:
            check_choice("covariance", self.covariance, _COVARIANCES)
        check_seed(self.seed)
        check_at_least("k_min", self.k_min, 1)
        check_choice("criterion", self.criterion, _CRITERIA)
        if self.k is None and self.k_min > self.k_max:
            message = (
                f"k_min = {self.k_min} is above k_max = {self.k_max}, so there is no k to try. "
                "Exchange them, or give k."
            )
            raise RequestError(message)

    @property
    def exact_rows(self) -> int:
        """Up to so many rows all are learned from."""
        return _EXACT_ROWS

    @property
    def start_rows(self) -> int:
        """From what so many rows say EM starts, where there are many."""
        return _START_ROWS

    def takes_long(self, n: int, d: int) -> bool:
        """Tell whether a step of a fit takes more than a second or two."""
        return n * d > _LONG_VALUES

    def fit(self, values: NDArray[np.floating], progress: Progress) -> ClusterFit:
        """Fit the mixtures and give each row its most likely component.

        Raises
        ------
        RequestError
            If there are fewer different rows than components.
        """
        return self._fit(values, None, progress)

    def fit_sample(self, values: NDArray[np.floating], n: int, progress: Progress) -> ClusterFit:
        """Fit the mixtures to a sample; the criterion is that of all n rows.

        See `_criterion_of`.
        """
        return self._fit(values, n, progress)

    def _fit(
        self, values: NDArray[np.floating], n_all: int | None, progress: Progress
    ) -> ClusterFit:
        import sklearn

        points = np.asarray(values, np.float64)
        tried = [self.k] if self.k is not None else list(range(self.k_min, self.k_max + 1))
        check_k(max(tried), points)
        n, d = points.shape
        few = d <= _PUBLISHED_FEATURES
        learned = points if few else points[learned_rows(n, _MOST_LEARNED, self.seed)]
        told = len(learned) if n_all is None else min(n_all, _MOST_LEARNED)
        covariance = self.covariance or _covariance_for(told, d, max(tried))
        if not few or self.covariance is not None:
            _check_enough(len(learned), d, max(tried), covariance)
        start: Mapping[int, Any] = {}
        if n_all is None and n > _MOST_LEARNED:
            some = points[shuffled_rows(n, self.seed)[: self.start_rows]]
            start = self._sweep(some, tried, covariance, {}, "a start from a sample", progress)
        models = self._sweep(learned, tried, covariance, start, "Gaussian mixtures", progress)
        by_k = {
            k: float(getattr(models[k], self.criterion)(learned))
            if n_all is None
            else self._criterion_of(models[k], learned, n_all)
            for k in tried
        }
        best = min(tried, key=lambda k: (by_k[k], k))
        predict = partial(_likeliest, _plain(models[best]))
        return ClusterFit(
            labels=predict(points),
            parameters={
                "k": best,
                "k_min": None if self.k is not None else self.k_min,
                "k_max": None if self.k is not None else self.k_max,
                "criterion": self.criterion,
                "covariance": covariance,
                "n_learned": len(learned),
                "seed": self.seed,
            },
            scores={
                "criterion": self.criterion,
                "value": by_k[best],
                "by_k": by_k,
                "converged": {k: bool(models[k].converged_) for k in tried},
            },
            engine=f"scikit-learn {sklearn.__version__}",
            notes=self._notes(best, by_k),
            predict=predict,
        )

    def _criterion_of(self, model: Any, values: NDArray[np.float64], n: int) -> float:
        """Return BIC or AIC over n rows, estimated from some of them.

        Fitted to m rows, p parameters lower -2 ln L by p below that of the best mixture (Akaike).
        What is left of it per row is the same for n rows, which lower it by p again.
        """
        m = len(values)
        deviance = -2.0 * m * float(model.score(values))
        p = (float(model.aic(values)) - deviance) / 2
        of_all = (deviance + p) * n / m - p
        return of_all + p * (float(np.log(n)) if self.criterion == "bic" else 2.0)

    def _notes(self, best: int, by_k: Mapping[int, float]) -> tuple[str, ...]:
        """Say so where the criterion has not reached its lowest value."""
        if len(by_k) < 2 or best != max(by_k):
            return ()
        gain = (by_k[best - 1] - by_k[best]) / (by_k[min(by_k)] - by_k[best])
        name = self.criterion.upper()
        note = (
            f"{name} still falls at k_max = {best} (the last step is {100 * gain:.1f} % of the "
            f"whole fall from k_min = {min(by_k)}): the best k may be larger. Raise k_max, or give "
            "k."
        )
        return (note,)

    def _sweep(
        self,
        values: NDArray[np.float64],
        tried: list[int],
        covariance: str,
        start: Mapping[int, Any],
        what: str,
        progress: Progress,
    ) -> dict[int, Any]:
        """Fit each k in a thread of its own; every thread computes as a serial run would."""
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

        models: dict[int, Any] = {}
        stop = threading.Event()
        # Made once: it looks through all libraries of the process, which takes milliseconds.
        one_thread = partial(ThreadpoolController().limit, limits=1)
        with (
            one_thread(),
            warnings.catch_warnings(),
            # OpenMP's limit belongs to a thread, so each worker sets its own.
            ThreadPoolExecutor(min(len(tried), _MOST_THREADS), initializer=one_thread) as pool,
        ):
            warnings.simplefilter("ignore", ConvergenceWarning)  # reported in the scores
            waiting = {
                pool.submit(self._fit_one, values, k, covariance, start.get(k), stop): k
                for k in tried
            }
            try:
                while waiting:
                    progress.step(len(models), len(tried), f"fitting {what}")
                    done, _ = wait(waiting, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                    models |= {waiting.pop(future): future.result() for future in done}
            except BaseException:
                stop.set()
                _drop(waiting)
                raise
        progress.step(len(models), len(tried), f"fitting {what}")
        return models

    def _fit_one(
        self,
        values: NDArray[np.float64],
        k: int,
        covariance: str,
        start: Any,
        stop: threading.Event,
    ) -> Any:
        try:
            mixture = _mixture(stop)(k, covariance_type=covariance, random_state=self.seed)
            if start is not None:
                mixture.set_params(
                    weights_init=start.weights_,
                    means_init=start.means_,
                    precisions_init=start.precisions_,
                )
            return mixture.fit(values)
        except ValueError as error:
            message = f"A Gaussian mixture of {k} components can't be fitted: {error}"
            raise RequestError(message) from error


def _mixture(stop: threading.Event) -> type[Any]:
    """Return scikit-learn's mixture, which ends at its next iteration once `stop` is set."""
    from sklearn.mixture import GaussianMixture

    class Stoppable(GaussianMixture):  # type: ignore[misc]
        def _e_step(self, *given: Any, **named: Any) -> Any:
            if stop.is_set():
                message = "The job was cancelled."
                raise Cancelled(message)
            return super()._e_step(*given, **named)

    return Stoppable


def _plain(mixture: Any) -> Any:
    """Return a mixture that goes to other processes."""
    from sklearn.mixture import GaussianMixture

    plain = GaussianMixture(**mixture.get_params())
    plain.__dict__.update(mixture.__dict__)
    return plain


def _likeliest(mixture: Any, rows: NDArray[np.floating]) -> NDArray[np.int32]:
    labels: NDArray[np.int32] = mixture.predict(rows).astype(np.int32)
    return labels


def _drop(waiting: dict[Future[Any], int]) -> None:
    for future in waiting:
        future.cancel()


def _covariance_for(n: int, d: int, k: int) -> str:
    """Return the kind of covariance matrices that n points of d features can tell for k."""
    if d > _MOST_FEATURES:
        return "diag"
    parameters = k * (1 + d + d * (d + 1) // 2)
    return "full" if d <= _PUBLISHED_FEATURES or n >= _POINTS_PER_PARAMETER * parameters else "tied"


def _check_enough(n: int, d: int, k: int, covariance: str) -> None:
    """Refuse what has no maximum of likelihood: matrices of fewer points than features."""
    least = {"full": k * (d + 1), "tied": k + d, "diag": 2 * k}[covariance]
    if n < least:
        message = (
            f"{n} points can't tell a Gaussian mixture of {k} components with {covariance} "
            f"covariance of {d} features, which needs {least} at least. Choose fewer features or "
            "components, or a larger ROI."
        )
        raise RequestError(message)
