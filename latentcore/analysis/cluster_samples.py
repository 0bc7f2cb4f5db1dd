"""Clusters of very many points: learned from a sample that is grown until it says enough.

A method that takes too long on all points is fitted on two disjoint samples of one size; both fits
label points that neither has seen, and the adjusted Rand index between both labelings is the
sample's agreement. The size is doubled until that is 0.95 or the largest size is reached. The
first of both fits then labels all points.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.cluster_fits import Fits, Rows
from latentcore.analysis.clusterers import Clusterer, ClusterFit, shuffled_rows
from latentcore.analysis.samples import Sample
from latentcore.containers import Sampling
from latentcore.errors import RequestError
from latentcore.progress import Progress

_SIZES = (10_000, 20_000, 40_000)
# The first size is there to see how the time grows; clusters are learned from more.
_FEWEST_LEARNED = 20_000
_SAME = 0.95
_JUDGED = 20_000
# Of a method that begins where a sample has ended: a row's time beside that of the sample.
_FROM_START = 0.6
_BLOCK = 100_000


@runtime_checkable
class SampledClusterer(Protocol):
    """A clusterer that can learn from some of the rows and then label all."""

    @property
    def exact_rows(self) -> int:
        """Up to so many rows all are learned from, because that is fast."""
        ...

    @property
    def start_rows(self) -> int:
        """To learn from all begins with what a sample of so many rows says; 0 if it does not."""
        ...

    def fit_sample(self, values: NDArray[np.floating], n: int, progress: Progress) -> ClusterFit:
        """Learn from `values`, drawn evenly from `n` rows; the fit predicts.

        What counts points or sums over them (a least size, a criterion) is meant for all n.
        """
        ...


@dataclass(frozen=True, eq=False)
class SampledFit:
    """A fit, and how it was sampled; None where all rows were learned from."""

    fit: ClusterFit
    sampling: Sampling | None


def fit_rows(
    clusterer: Clusterer,
    values: Rows,
    sample: Sample,
    progress: Progress,
    *,
    checked: bool = True,
    learn: NDArray[np.bool_] | None = None,
) -> SampledFit:
    """Put rows into clusters, learned from all of them or from a sample.

    Parameters
    ----------
    values : ndarray of float64, shape (n, d), or ScaledRows
    sample : int, "all" or None
        With None, a sample where the method has more than `SampledClusterer.exact_rows` rows and
        can predict.
    checked : bool
        Whether a second sample says how far the first is to be trusted.
    learn : ndarray of bool, shape (n,), optional
        The rows that are learned from; the others are placed by what was learned.

    Raises
    ------
    RequestError
        If the sample is too small, or the parameters don't suit the rows.
    """
    if learn is not None:
        return _learned_from(clusterer, values, learn, sample, progress, checked=checked)
    n, d = values.shape
    sizes = _sizes(clusterer, n, sample)
    with Fits(clusterer, max(sizes, default=n), d, progress) as fits:
        if not sizes or not isinstance(clusterer, SampledClusterer):
            return SampledFit(fits.fit(values), None)
        return _sampled(clusterer, values, sizes, fits, progress, checked=checked)


def _sampled(
    clusterer: SampledClusterer,
    values: Rows,
    sizes: tuple[int, ...],
    fits: Fits,
    progress: Progress,
    *,
    checked: bool,
) -> SampledFit:
    n, seed = len(values), int(getattr(clusterer, "seed", 0))
    mixed = shuffled_rows(n, seed)
    if not checked:
        fit = fits.fit(values[mixed[: sizes[-1]]], n)
        return _labeled(fit, values, Sampling(sizes[-1], n, seed), progress)
    checks: list[tuple[int, float]] = []
    seconds: list[float] = []
    for size in sizes:
        started = time.perf_counter()
        first = fits.fit(values[mixed[:size]], n)
        seconds.append(time.perf_counter() - started)
        if size < min(_FEWEST_LEARNED, sizes[-1]) or 2 * size > n:
            continue
        checks.append((size, _agreement(fits, first, values, mixed, size)))
        if checks[-1][1] >= _SAME:
            break
    agreement = dict(checks).get(size)
    expected = _seconds_of_all(clusterer, sizes[: len(seconds)], seconds, n)
    sampling = Sampling(size, n, seed, agreement, tuple(checks), expected)
    return _labeled(first, values, sampling, progress)


def _learned_from(
    clusterer: Clusterer,
    values: Rows,
    learn: NDArray[np.bool_],
    sample: Sample,
    progress: Progress,
    *,
    checked: bool,
) -> SampledFit:
    found = fit_rows(clusterer, values[learn], sample, progress, checked=checked)
    if found.fit.predict is None:
        message = (
            f"{clusterer.title} can't place points that it has not learned from. Learn from all, "
            "or choose another method."
        )
        raise RequestError(message)
    labels = np.empty(len(values), np.int32)
    labels[learn] = found.fit.labels
    others = np.flatnonzero(~learn)
    for start in range(0, len(others), _BLOCK):
        progress.step(start, len(others), "placing the other points")
        rows = others[start : start + _BLOCK]
        labels[rows] = _predicted(found.fit, values[rows])
    return SampledFit(replace(found.fit, labels=labels), found.sampling)


def _sizes(clusterer: Clusterer, n: int, sample: Sample) -> tuple[int, ...]:
    """Return the sizes of samples to try, from small to large; none where all are learned."""
    if sample == "all" or not isinstance(clusterer, SampledClusterer):
        return ()
    if sample is None and clusterer.start_rows:
        # More would begin elsewhere, or end where these do.
        return (clusterer.start_rows,) if n > clusterer.exact_rows else ()
    if sample is None:
        within = tuple(size for size in _SIZES if 2 * size <= n)
        return within if n > clusterer.exact_rows else ()
    if sample < 2:
        message = f"A sample of {sample} points can't hold clusters. Give 2 or more, or 'all'."
        raise RequestError(message)
    return (max(2, sample // 2), sample) if sample < n else ()


def _agreement(
    fits: Fits, first: ClusterFit, values: Rows, mixed: NDArray[np.int64], size: int
) -> float:
    """Return the ARI between a fit and one on other points, over points that neither has seen."""
    from sklearn.metrics import adjusted_rand_score

    second = fits.fit(values[mixed[size : 2 * size]], len(values))
    unseen = mixed[2 * size : 2 * size + _JUDGED]
    judged = values[unseen if len(unseen) >= size // 2 else mixed[-_JUDGED:]]
    return float(adjusted_rand_score(_predicted(first, judged), _predicted(second, judged)))


def _predicted(fit: ClusterFit, values: NDArray[np.float64]) -> NDArray[np.int32]:
    assert fit.predict is not None  # the promise of `fit_sample`
    return fit.predict(values)


def _labeled(fit: ClusterFit, values: Rows, sampling: Sampling, progress: Progress) -> SampledFit:
    """Label all rows by what was learned from some."""
    labels = np.empty(len(values), np.int32)
    for start in range(0, len(values), _BLOCK):
        progress.step(start, len(values), "placing the other points")
        labels[start : start + _BLOCK] = _predicted(fit, values[start : start + _BLOCK])
    scores = fit.scores
    if "noise_share" in scores:
        scores = {**scores, "noise_share": float((labels < 0).mean())}
    notes = (*fit.notes, *_notes(sampling))
    return SampledFit(replace(fit, labels=labels, scores=scores, notes=notes), sampling)


def _seconds_of_all(
    clusterer: SampledClusterer, sizes: tuple[int, ...], seconds: list[float], n: int
) -> float:
    """Extend the time of the two largest samples to all n, by the power that it grows with."""
    if clusterer.start_rows:
        return float(seconds[-1] / sizes[-1] * (clusterer.start_rows + _FROM_START * n))
    growth = 1.0
    if len(sizes) > 1:
        growth = math.log(seconds[-1] / seconds[-2]) / math.log(sizes[-1] / sizes[-2])
    return float(seconds[-1] * (n / sizes[-1]) ** min(max(growth, 1.0), 2.0))


def _notes(sampling: Sampling) -> Iterator[str]:
    said = f"Learned from {sampling.n:,} of {sampling.of:,} points (seed {sampling.seed})"
    if sampling.agreement is None:
        yield f"{said}; all were then placed by what was learned."
        return
    ari = f"(ARI {sampling.agreement:.2f})"
    if sampling.agreement >= _SAME:
        yield f"{said}; another sample of that size gives the same clusters {ari}."
    else:
        yield (
            f"{said}; another sample of that size gives other clusters {ari}: don't trust their "
            "number and borders, learn from all points, or choose another method."
        )
