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
                "method": "halves of the map, made of whole blocks drawn without replacement",
                "block": self.intervals.block,
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
    from latentcore.analysis.ranking.uncertainty import block_intervals, chance

    metrics, note = chosen_uncertainty(request.uncertainty, scored.ranking, latents)
    if scored.sampling is not None and (metrics or note):
        metrics, note = (), _SAMPLED
    if not metrics:
        return Uncertainty(notes=(Note("uncertainty", note),) if note else ())
    grid = latents.grid
    assert grid is not None  # else nothing could be joined
    data = (latents.values, joined.reference.values, grid.x, grid.y)
    common: dict[str, Any] = {
        "metrics": metrics, "trend_degree": request.trend_degree, "seed": request.seed,
        "progress": progress,
    }  # fmt: skip
    try:
        intervals = block_intervals(
            *data, level=request.level, n_resamples=request.resamples, **common
        )
        found = chance(*data, n_surrogates=request.surrogates, method=request.null, **common)
    except InputError as error:
        if request.uncertainty is not None:
            raise
        return Uncertainty(notes=(Note("uncertainty", f"No intervals and p-values: {error}"),))
    return Uncertainty(intervals, found, _notes(metrics, found))


def _notes(metrics: Sequence[str], found: Chance) -> tuple[Note, ...]:
    """Say of each metric how many dimensions chance would not give."""
    notes = []
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
