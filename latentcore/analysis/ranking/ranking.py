"""Score every latent dimension against a reference map: the quickest metrics first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.ranking._groups import Measured, measured
from latentcore.analysis.ranking._metric import METRICS, Metric, metric_names
from latentcore.containers import Ranking
from latentcore.errors import RequestError
from latentcore.progress import Progress


def rank(
    latents: ArrayLike,
    reference: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    *,
    dims: ArrayLike | None = None,
    metrics: Sequence[str] | None = None,
    trend_degree: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
    on_metric: Callable[[str, NDArray[np.float64]], None] | None = None,
) -> Ranking:
    """Score every latent dimension against a reference map.

    Every score is exact: it equals the metric's definition to rounding, on all points, in
    O(n log n) time and O(n) memory; only HSIC takes O(n²) time where both sides are heavy-tailed.

    Parameters
    ----------
    latents : array_like of float32, shape (n, d)
        One column per latent dimension. Rows that are NaN in a column are left out of that
        dimension's score, never filled.
    reference : array_like of float, shape (n,)
        The map to compare with. Where it isn't finite, the row is left out.
    x, y : array_like of float, shape (n,)
        Where the points sit on the specimen.
    dims : array_like of int, shape (d,), optional
        What dimension each column is; 0, 1, … if not given.
    metrics : sequence of str, optional
        Names in `METRICS`; all if not given.
    trend_degree : int
        Degree, 1–3, of the polynomial in x and y that ``pp_spatial`` removes.
    seed : int
        Of the noise that breaks ties in ``mi``.
    on_metric : callable, optional
        Called as ``on_metric(name, scores)`` as soon as a metric is complete: linear and rank
        metrics first, then mutual information, distance correlation and HSIC.

    Returns
    -------
    Ranking
        Metrics in the order of their columns. A dimension that is constant, infinite
        somewhere, or has fewer than 20 finite pairs has NaN and a reason.

    Raises
    ------
    UnknownNameError
        If no metric has one of the names.
    ShapeError
        If the lengths differ.
    InputError
        If the reference is constant, or finite at fewer than 20 points; if a coordinate isn't
        finite, or a parameter makes no sense.
    """
    if not 1 <= trend_degree <= 3:
        message = (
            f"A spatial trend has degree 1, 2 or 3, but trend_degree is {trend_degree}. "
            "1 removes a plane."
        )
        raise RequestError(message)
    chosen = chosen_metrics(metrics)
    data = measured(latents, reference, x, y, dims, trend_degree=trend_degree, seed=seed)
    report = Report(progress or Progress(), len(chosen) * data.d)
    scores = dict.fromkeys((metric.name for metric in chosen), np.empty(0))
    for metric in sorted(chosen, key=lambda metric: metric.stage):
        report.metric(metric.title)
        scores[metric.name] = score(metric, data, report.tick)
        if on_metric is not None:
            on_metric(metric.name, scores[metric.name].copy())
    return Ranking(
        dims=data.dims,
        scores=scores,
        absolute=frozenset(metric.name for metric in chosen if metric.absolute),
        n=data.n,
        reasons=_reasons(data, chosen, scores),
    )


def chosen_metrics(names: Sequence[str] | None) -> tuple[Metric, ...]:
    """Return the metrics of those names, each once, in the order of their columns.

    Raises
    ------
    UnknownNameError
        If there is no such metric.
    RequestError
        If there is no name.
    """
    wanted = metric_names() if names is None else names
    if len(wanted) == 0:
        message = f"Ranking needs at least one metric. There are: {', '.join(metric_names())}."
        raise RequestError(message)
    found = {METRICS.get(name)() for name in dict.fromkeys(wanted)}
    return tuple(sorted(found, key=lambda metric: metric.place))


def score(metric: Metric, data: Measured, tick: Callable[[int], None]) -> NDArray[np.float64]:
    """Return the scores of all dimensions by one metric, shape (d,)."""
    scores = np.full(data.d, np.nan)
    for group in data.groups:
        scores[group.columns] = metric.score(data.pairs(group), tick)
    return scores


def _reasons(
    data: Measured, metrics: Iterable[Metric], scores: dict[str, NDArray[np.float64]]
) -> tuple[str, ...]:
    reasons = list(data.reasons)
    for metric in metrics:
        for column in np.flatnonzero(np.isnan(scores[metric.name])):
            if not data.reasons[column]:
                reason = metric.undefined or f"{metric.title} is undefined"
                reasons[column] = "; ".join(filter(None, (reasons[column], reason)))
    return tuple(reasons)


class Report:
    """Reports to a `Progress` how many (metric, dimension) are done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._done, self._total, self._title = progress, 0, total, ""

    def metric(self, title: str) -> None:
        """Say which metric comes now."""
        self._title = title
        self.tick(0)

    def tick(self, dimensions: int) -> None:
        """Count dimensions as done."""
        self._done += dimensions
        self._progress.step(self._done, self._total, self._title)
