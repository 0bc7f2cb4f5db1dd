"""Rankings of very many points: scored on a sample, with the standard errors of its scores."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.ranking._metric import metric_names
from latentcore.analysis.ranking.ranking import rank
from latentcore.analysis.samples import GROUPS, Sample, drawn, sample_size, standard_error
from latentcore.containers import LatentSet, Ranking, Sampling
from latentcore.errors import InputError, RequestError
from latentcore.progress import Progress

MOST_ROWS = 1_000_000
USUAL_ROWS = 200_000
_FEWEST_ROWS = 1_000
_PLACED = ("pp_spatial",)


@dataclass(frozen=True, eq=False)
class SampledRanking:
    """A ranking, and how its points were sampled.

    Attributes
    ----------
    sampling : Sampling or None
        None where all points were scored.
    errors : Mapping of str to ndarray of float64, shape (d,)
        Per metric the standard errors of the sample's scores as those of all points.
    rows : ndarray of int64 or None
        The points of the sample, ascending.
    """

    ranking: Ranking
    sampling: Sampling | None = None
    errors: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    rows: NDArray[np.int64] | None = None

    @property
    def note(self) -> str:
        """What is to be said of the sample; empty where there is none."""
        if self.sampling is None:
            return ""
        one = self.sampling
        minutes = max(1, round((one.seconds_all or 0) / 60))
        return (
            f"Scored on {one.n:,} of {one.of:,} points (seed {one.seed}); each score has its "
            f"standard error. All points would take about {minutes:,} min: --sample all."
        )


def rank_latents(
    latents: LatentSet,
    reference: NDArray[np.floating],
    *,
    sample: Sample = None,
    metrics: Sequence[str] | None = None,
    trend_degree: int = 1,
    seed: int = 0,
    among: NDArray[np.bool_] | None = None,
    with_errors: bool = True,
    progress: Progress | None = None,
) -> SampledRanking:
    """Score every latent dimension against a reference map, of very many points on a sample.

    Parameters
    ----------
    latents : LatentSet
        Without a scan grid, metrics that need places can't be asked for and aren't computed.
    reference : ndarray, shape (n,)
        NaN where it has no value.
    sample : int, "all" or None
        How many of the points that have a latent and a reference are scored. With None all of up
        to 1,000,000, and 200,000 of more.
    among : ndarray of bool, shape (n,), optional
        Which points are looked at, as if there were no others; no copy is made of all of them.
    with_errors : bool
        Whether standard errors are found where a sample is scored: they take as long again.

    Other parameters and errors as for `latentcore.analysis.ranking.rank`.
    """
    if latents.grid is None:
        metrics = _without_places(metrics)
    taking_part = np.isfinite(reference) & latents.partly_encoded
    known = np.flatnonzero(taking_part if among is None else taking_part & among)
    size = sample_size(len(known), sample, most=MOST_ROWS, usual=USUAL_ROWS, fewest=_FEWEST_ROWS)

    def scored(part: LatentSet, beside: NDArray[np.floating], progress: Progress | None) -> Ranking:
        if part.grid is None:
            x = y = np.zeros(len(part))  # no metric looks at them
        else:
            x, y = part.grid.x, part.grid.y
        return rank(
            part.values, beside, x, y, dims=part.dims, metrics=metrics,
            trend_degree=trend_degree, seed=seed, progress=progress,
        )  # fmt: skip

    if size is None:
        if among is not None:
            latents, reference = latents.take(among), reference[among]
        return SampledRanking(scored(latents, reference, progress))
    rows = drawn(known, size, seed)
    part, beside = latents.take(rows), reference[rows]
    started = time.perf_counter()
    ranking = scored(part, beside, progress)
    growth = len(known) * math.log(len(known)) / (size * math.log(size))
    seconds = (time.perf_counter() - started) * growth
    sampling = Sampling(size, len(known), seed, seconds_all=seconds)
    if not with_errors:
        return SampledRanking(ranking, sampling, rows=rows)
    names = tuple(ranking.scores)
    done = 0

    def group(own: NDArray[np.intp]) -> NDArray[np.float64]:
        nonlocal done
        (progress or Progress()).step(done, GROUPS, "standard errors of the sample")
        done += 1
        try:
            found = scored(part.take(own), beside[own], None).scores
        except InputError:  # the reference is constant there
            return np.full((len(names), len(ranking.dims)), np.nan)
        return np.array([found[name] for name in names])

    errors = standard_error(group, size, len(known), seed)
    return SampledRanking(ranking, sampling, dict(zip(names, errors, strict=True)), rows)


def _without_places(metrics: Sequence[str] | None) -> tuple[str, ...]:
    if metrics is None:
        return tuple(name for name in metric_names() if name not in _PLACED)
    placed = [name for name in metrics if name in _PLACED]
    if placed:
        message = (
            f"{placed[0]!r} removes a trend over the scan, but the latents have no coordinates. "
            "Leave it out, or give ⟨coords⟩."
        )
        raise RequestError(message)
    return tuple(metrics)
