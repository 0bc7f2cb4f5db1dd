"""How sure a ranking is: intervals and p-values of some of its metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.ranking import METRICS
from latentcore.analysis.ranking.sampled import SampledRanking
from latentcore.containers import LatentSet, Ranking
from latentcore.errors import InputError, RequestError
from latentcore.inputs.sample_groups import SampleGroups, sample_groups
from latentcore.progress import Progress
from latentcore.requests.notes import Note
from latentcore.workflows.rank.references import JoinedReference

if TYPE_CHECKING:
    import pandas as pd

    from latentcore.analysis.ranking.uncertainty import Chance, Intervals

from latentcore.workflows.rank.request import RankRequest

UNCERTAINTY = "latent_uncertainty.csv"
_NONE = "none"
# Intervals and p-values score a map about 300 times: of Pearson's correlation alone it is
# seconds up to here, for example 512 dimensions of 9,700 points.
_MOST_VALUES = 5_000_000
_AUTOMATIC = "pearson"
_SAMPLED = (
    "No intervals and p-values: they need neighboring points, which a sample lacks. Choose an ROI "
    "of up to 1,000,000 points, or all points."
)


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Intervals and p-values, or the reason why there are none."""

    intervals: Intervals | None = None
    chance: Chance | None = None
    notes: tuple[Note, ...] = ()
    groups: SampleGroups | None = None

    def table(self, ranking: Ranking) -> pd.DataFrame:
        """Return a row per metric and dimension: score, lower, upper, p, p_corrected."""
        import pandas as pd

        assert self.intervals is not None
        assert self.chance is not None
        parts = []
        for metric in self.intervals.lower:
            part = pd.DataFrame(
                {
                    "dim": ranking.dims,
                    "metric": metric,
                    "score": ranking.scores[metric],
                    "lower": self.intervals.lower[metric],
                    "upper": self.intervals.upper[metric],
                    "p": self.chance.p[metric],
                    "p_corrected": self.chance.corrected[metric],
                }
            )
            parts.append(part.set_index("dim").loc[ranking.order(metric)].reset_index())
        return pd.concat(parts, ignore_index=True)

    def report(self) -> dict[str, Any] | None:
        """Return what the report holds: how both were found, and what they mean."""
        if self.intervals is None or self.chance is None:
            return None
        return {
            "metrics": list(self.intervals.lower),
            "table": UNCERTAINTY,
            "intervals": {
                "level": self.intervals.level,
                "method": "halves of the map, made of whole blocks drawn without replacement"
                if self.groups is None
                else "halves of the samples, made of whole groups drawn without replacement",
                "block": self.intervals.block if self.groups is None else self.groups.what,
                "n_blocks": self.intervals.n_blocks,
                "n_resamples": self.intervals.n_resamples,
            },
            "chance": {
                "null": self.chance.method,
                "n_surrogates": self.chance.n_surrogates,
                "correction": "Westfall and Young, step-down, over all dimensions",
            },
        }


def chosen_uncertainty(
    asked: Sequence[str] | None, ranking: Ranking, latents: LatentSet
) -> tuple[tuple[str, ...], str]:
    """Return the metrics that get intervals and p-values, and what is to be said of the choice."""
    if asked is None:
        if _AUTOMATIC not in ranking.scores:
            return (), ""
        if math.prod(latents.shape) > _MOST_VALUES:
            note = (
                f"{len(latents)} points × {len(ranking.dims)} dimensions: intervals and p-values "
                "would take minutes and are left out. Ask for them by --uncertainty pearson."
            )
            return (), note
        return (_AUTOMATIC,), ""
    if tuple(asked) == (_NONE,):
        return (), ""
    foreign = [name for name in asked if name not in ranking.scores]
    if foreign:
        message = (
            f"Intervals of {', '.join(map(repr, foreign))} were asked for, but dimensions are "
            f"ranked by {', '.join(ranking.scores)}. Name some of these, or 'none'."
        )
        raise RequestError(message)
    return tuple(name for name in ranking.scores if name in asked), ""


def find_uncertainty(
    request: RankRequest,
    latents: LatentSet,
    joined: JoinedReference,
    scored: SampledRanking,
    progress: Progress,
) -> Uncertainty:
    """Find intervals and p-values of the metrics that a request asks for.

    Where nobody asked, a map on which they can't be found gets a note, no error.
    """
    metrics, note = chosen_uncertainty(request.uncertainty, scored.ranking, latents)
    if scored.sampling is not None and (metrics or note):
        metrics, note = (), _SAMPLED
    if not metrics:
        return Uncertainty(notes=(Note("uncertainty", note),) if note else ())
    groups = None
    try:
        if latents.grid is None:
            intervals, found, groups = _by_groups(request, latents, joined, metrics, progress)
        else:
            intervals, found = _by_place(request, latents, joined, metrics, progress)
    except InputError as error:
        if request.uncertainty is not None:
            raise
        return Uncertainty(notes=(Note("uncertainty", f"No intervals and p-values: {error}"),))
    return Uncertainty(intervals, found, _notes(metrics, found, groups, intervals), groups)


def _by_place(
    request: RankRequest,
    latents: LatentSet,
    joined: JoinedReference,
    metrics: Sequence[str],
    progress: Progress,
) -> tuple[Intervals, Chance]:
    from latentcore.analysis.ranking.uncertainty import block_intervals, chance

    grid = latents.grid
    assert grid is not None
    data = (latents.values, joined.reference.values, grid.x, grid.y)
    common: dict[str, Any] = {
        "metrics": metrics, "trend_degree": request.trend_degree, "seed": request.seed,
        "progress": progress,
    }  # fmt: skip
    intervals = block_intervals(*data, level=request.level, n_resamples=request.resamples, **common)
    found = chance(*data, n_surrogates=request.surrogates, method=request.null, **common)
    return intervals, found


def _by_groups(
    request: RankRequest,
    latents: LatentSet,
    joined: JoinedReference,
    metrics: Sequence[str],
    progress: Progress,
) -> tuple[Intervals, Chance, SampleGroups]:
    from latentcore.analysis.ranking.uncertainty import group_chance, group_intervals

    assert joined.columns is not None
    groups = sample_groups(request.groups, latents, joined.columns)
    data = (latents.values, joined.reference.values, groups.number)
    common: dict[str, Any] = {"metrics": metrics, "seed": request.seed, "progress": progress}
    intervals = group_intervals(*data, level=request.level, n_resamples=request.resamples, **common)
    found = group_chance(*data, n_surrogates=request.surrogates, **common)
    return intervals, found, groups


def _notes(
    metrics: Sequence[str], found: Chance, groups: SampleGroups | None, intervals: Intervals
) -> tuple[Note, ...]:
    """Say of each metric how many dimensions chance would not give."""
    notes = []
    if groups is not None:
        alone = groups.what == "each sample by itself"
        text = (
            "Intervals and p-values take each sample as independent. If places, times or files are "
            "known, name them by --groups."
            if alone
            else f"Intervals and p-values take samples of one group as one: {intervals.n_blocks:,} "
            f"groups ({groups.what})."
        )
        notes.append(Note("groups", text))
    for metric in metrics:
        corrected = found.corrected[metric]
        scored = int(np.isfinite(corrected).sum())
        real = int((corrected < 0.05).sum())
        text = (
            f"{METRICS.get(metric).title}: {real} of {scored} dimensions follow the reference more "
            "than chance would let any (corrected p < 0.05)."
        )
        notes.append(Note("chance", text))
    return tuple(notes)
