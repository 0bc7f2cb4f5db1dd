"""Confidence intervals of scores, from blocks of the map."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.autocorrelation import (
    autocorrelation,
    correlation_length,
    share_within_blocks,
)
from latentcore.analysis.ranking._groups import Measured, measured
from latentcore.analysis.ranking._metric import Metric, Pairs, Tick, ignore_tick
from latentcore.analysis.ranking.ranking import Report, chosen_metrics, score
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError
from latentcore.progress import Progress

_BLOCK_LENGTHS = 5.0
_FEWEST_BLOCKS = 16
_LATENTS_LOOKED_AT = 16
_FEWEST_RESAMPLES = 40
_LARGEST_SHARE = 0.9
# Where less of the variance is seen within blocks, a correction would be a guess.
_LEAST_SEEN = 0.25

Half = Callable[[Pairs, np.random.Generator], NDArray[np.intp]]


@dataclass(frozen=True, eq=False)
class Intervals:
    """Confidence intervals of scores.

    Attributes
    ----------
    lower, upper : Mapping of str to ndarray of float64, shape (d,)
        Per metric; NaN where a dimension has no score.
    block : float
        Side of a block, in units of x and y; NaN of groups.
    n_blocks : int
        Blocks that hold a point.
    """

    lower: Mapping[str, NDArray[np.float64]]
    upper: Mapping[str, NDArray[np.float64]]
    level: float
    block: float
    n_blocks: int
    n_resamples: int


def block_intervals(
    latents: ArrayLike,
    reference: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    *,
    metrics: Sequence[str],
    level: float = 0.95,
    n_resamples: int = 200,
    block: float | None = None,
    trend_degree: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> Intervals:
    """Find confidence intervals by scoring random halves of the map, made of whole blocks.

    Each resample draws blocks, without replacement, until it has half of the points, and scores
    them. If blocks are long against the correlation length, they are nearly independent, and a
    score from a share f of them varies about the score from all of them with 1/f - 1 times the
    variance that the latter has itself; deviations are scaled by the root of that. Drawing with
    replacement would put points onto each other, which nearest neighbors (``mi``) can't bear.

    Parameters
    ----------
    latents, reference, x, y
        As for `rank`.
    level : float
        Share of such intervals that should hold the true score, 0 … 1.
    n_resamples : int
        At least 40.
    block : float, optional
        Side of a block in units of x and y. If not given, five times the distance at which
        the autocorrelations of reference and latents have together fallen to 1/e, but no more
        than leaves 16 blocks.
    trend_degree : int
        As for `rank`.
    seed : int
        Of the draws, and of ``mi``.

    Raises
    ------
    InputError
        As `rank`; if a parameter makes no sense; if blocks are so large that there are fewer
        than four.

    Notes
    -----
    The interval is that of subsampling: score minus the quantiles of the scaled deviations,
    widened by Student's t against the normal quantile for the number of blocks and by what the
    autocorrelation says that blocks miss across their edges, and cut at the metric's bounds.
    What halves score higher on the whole is bias of small samples, and is taken off: where a
    score is mostly bias (distance correlation, HSIC or mutual information near independence),
    the interval may lie below it.

    What it can't do: see structure longer than the map. On simulated fields intervals of 95 %
    held the true Pearson correlation and mutual information 93 to 98 times of 100 where the
    correlation length was up to a tenth of the map's side; the longer it is, the fewer. Near
    independence, distance correlation, HSIC and mutual information have no normal limit; ask
    `chance`, which doesn't need one.

    Source
    ------
    Politis and Romano, *Ann. Stat.* 22 (1994) 2031, for random fields; the scaling for a large
    share, as the delete-d jackknife of Shao and Wu, *Ann. Stat.* 17 (1989) 1176.
    """
    _check(level, n_resamples)
    chosen = chosen_metrics(metrics)
    data = measured(latents, reference, x, y, None, trend_degree=trend_degree, seed=seed)
    grid = ScanGrid.from_coordinates(data.x, data.y)
    correlation = _correlation(data, grid)
    side = _default_block(correlation, grid) if block is None else float(block)
    n_blocks = block_count(data.x, data.y, side) if side > 0 else 0
    if n_blocks < 4:
        message = (
            f"Blocks of side {side:g} divide this map into {n_blocks}; intervals need at least "
            "four. Give a smaller block, or choose a larger ROI."
        )
        raise RequestError(message)
    seen = share_within_blocks(correlation, side, grid)
    # Halves of the same blocks vary against each other: what correlates across edges is not
    # only missed, but counts the other way once among the other blocks.
    seen -= (1 - seen) / (n_blocks - 1)

    def half(pairs: Pairs, random: np.random.Generator) -> NDArray[np.intp]:
        return half_of_blocks(pairs.x, pairs.y, side, random)

    lower, upper = _bounds(
        data, chosen, half, (level, n_blocks, max(seen, _LEAST_SEEN)), n_resamples, seed,
        progress or Progress(),
    )  # fmt: skip
    return Intervals(lower, upper, level, side, n_blocks, n_resamples)


def group_intervals(
    latents: ArrayLike,
    reference: ArrayLike,
    groups: ArrayLike,
    *,
    metrics: Sequence[str],
    level: float = 0.95,
    n_resamples: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> Intervals:
    """Find confidence intervals by scoring random halves of samples, made of whole groups.

    As `block_intervals`, for samples that lie on no grid: what belongs together (a place, a time,
    a file) is drawn together. Groups are taken as independent of each other.

    Parameters
    ----------
    latents, reference
        As for `rank`; of metrics that need no places.
    groups : array_like of int, shape (n,)
        Of each sample the number of its group.

    Raises
    ------
    InputError
        As `block_intervals`, or where there are fewer than four groups.
    """
    _check(level, n_resamples)
    chosen = chosen_metrics(metrics)
    number = np.asarray(groups, np.float64)
    data = measured(
        latents, reference, number, np.zeros(len(number)), None, trend_degree=1, seed=seed
    )
    n_groups = len(np.unique(number[np.isfinite(data.reference)]))
    if n_groups < 4:
        message = f"There are {n_groups} groups of samples, but intervals need at least four."
        raise RequestError(message)
    lower, upper = _bounds(
        data, chosen, lambda pairs, random: _half(pairs.x, random), (level, n_groups, 1.0),
        n_resamples, seed, progress or Progress(),
    )  # fmt: skip
    return Intervals(lower, upper, level, float("nan"), n_groups, n_resamples)


def _bounds(
    data: Measured,
    chosen: Sequence[Metric],
    half: Half,
    seen: tuple[float, int, float],
    n_resamples: int,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Return the lower and the upper ends per metric; `seen`: level, blocks, share they see."""
    lower, upper = {}, {}
    report = Report(progress, len(chosen) * n_resamples * data.d)
    for metric in chosen:
        report.metric(f"{metric.title} of blocks")
        whole = score(metric, data, ignore_tick)
        errors = np.full((n_resamples, data.d), np.nan)
        for group in data.groups:
            random = np.random.default_rng(seed)
            errors[:, group.columns] = _errors(
                metric, data.pairs(group), whole[group.columns], half, n_resamples, random,
                report.tick,
            )  # fmt: skip
        low, high = _quantiles(errors, *seen)
        lower[metric.name] = np.clip(whole - high, *metric.bounds)
        upper[metric.name] = np.clip(whole - low, *metric.bounds)
    return lower, upper


def _errors(
    metric: Metric,
    pairs: Pairs,
    whole: NDArray[np.float64],
    half: Half,
    n_resamples: int,
    random: np.random.Generator,
    tick: Tick,
) -> NDArray[np.float64]:
    """Score halves of the map; return how the whole's score errs, so judged, (resamples, k)."""
    scores = np.full((n_resamples, len(pairs.latents)), np.nan)
    shares = np.empty((n_resamples, 1))
    for resample in range(n_resamples):
        rows = half(pairs, random)
        shares[resample] = min(len(rows) / len(pairs.x), _LARGEST_SHARE)
        varied, part = pairs.part(rows)
        if part is not None:
            scores[resample, varied] = metric.score(part, ignore_tick)
        tick(len(whole))
    enough = np.isfinite(scores).sum(axis=0) >= _FEWEST_RESAMPLES / 2
    bias = np.full(len(whole), np.nan)
    bias[enough] = np.nanmean((scores - whole)[:, enough], axis=0)
    odds = shares / (1 - shares)
    errors: NDArray[np.float64] = bias * odds + (scores - whole - bias) * np.sqrt(odds)
    return errors


def _quantiles(
    errors: NDArray[np.float64], level: float, n_blocks: int, seen: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.special import ndtri, stdtrit

    tail = (1 - level) / 2
    wider = stdtrit(n_blocks - 1, 1 - tail) / ndtri(1 - tail) / np.sqrt(seen)
    low, high = np.full((2, errors.shape[1]), np.nan)
    known = ~np.isnan(errors).all(axis=0)
    if not known.any():  # halves of a small map may hold too few points for any score
        return low, high
    middle = np.nanmean(errors[:, known], axis=0)
    quantiles = np.nanquantile(errors[:, known], (tail, 1 - tail), axis=0, method="weibull")
    low[known], high[known] = middle + wider * (quantiles - middle)
    return low, high


def _correlation(data: Measured, grid: ScanGrid) -> NDArray[np.float64]:
    """Return the autocorrelation of what scores sum: the reference's times the latents'."""
    columns = [int(column) for group in data.groups for column in group.columns]
    looked_at = columns[:: max(1, len(columns) // _LATENTS_LOOKED_AT)]
    own = autocorrelation(data.reference, grid)
    if not looked_at:
        return own
    latents = np.zeros_like(own)
    for column in looked_at:
        latents += autocorrelation(data.latents[:, column].astype(np.float64), grid)
    return own * latents / len(looked_at)


def _default_block(correlation: NDArray[np.float64], grid: ScanGrid) -> float:
    """Return a block's side: long against the correlation length, short against the map."""
    height, width = (
        size * spacing for size, spacing in zip(grid.shape, grid.step[::-1], strict=True)
    )
    most = _side_for(width, height, _FEWEST_BLOCKS)
    return max(min(_BLOCK_LENGTHS * correlation_length(correlation, grid), most), min(grid.step))


def _side_for(width: float, height: float, blocks: int) -> float:
    """Return the longest side of squares of which that many fit into width × height."""
    side = float(np.sqrt(width * height / blocks))
    while int(width / side + 1e-9) * int(height / side + 1e-9) < blocks:
        side *= 0.98
    return side


def _check(level: float, n_resamples: int) -> None:
    if not 0 < level < 1:
        message = f"A level lies between 0 and 1, as 0.95 does, but is {level:g}."
        raise RequestError(message)
    if n_resamples < _FEWEST_RESAMPLES:
        message = (
            f"Quantiles need at least {_FEWEST_RESAMPLES} resamples, but n_resamples is "
            f"{n_resamples}."
        )
        raise RequestError(message)


def block_count(x: NDArray[np.float64], y: NDArray[np.float64], side: float) -> int:
    """Return how many blocks of that side hold a point, the first at the corner."""
    return len(np.unique(_blocks(x, y, side, 0.0, 0.0)))


def half_of_blocks(
    x: NDArray[np.float64], y: NDArray[np.float64], side: float, random: np.random.Generator
) -> NDArray[np.intp]:
    """Return the rows of about half of the points: blocks drawn without replacement.

    The blocks' corner is drawn too, so that no point is always at an edge.
    """
    blocks = _blocks(x, y, side, *random.uniform(0, side, 2))
    return _half(blocks, random)


def _half(blocks: NDArray[np.number], random: np.random.Generator) -> NDArray[np.intp]:
    """Return the rows of about half of the points, of whole blocks, whose numbers are given."""
    numbers, block = np.unique(blocks, return_inverse=True)
    order = random.permutation(len(numbers))
    sizes = np.cumsum(np.bincount(block)[order])
    drawn = np.zeros(len(numbers), bool)
    drawn[order[: max(1, int(np.argmin(np.abs(sizes - len(blocks) / 2))) + 1)]] = True
    return np.flatnonzero(drawn[block])


def _blocks(
    x: NDArray[np.float64], y: NDArray[np.float64], side: float, right: float, down: float
) -> NDArray[np.int64]:
    columns = ((x - x.min() + right) // side).astype(np.int64)
    rows = ((y - y.min() + down) // side).astype(np.int64)
    numbers: NDArray[np.int64] = rows * (int(columns.max()) + 1) + columns
    return numbers
