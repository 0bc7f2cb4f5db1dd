"""Whether a ranking holds across scans: each scan by itself, and chosen on all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.partition_shares import comparable
from latentcore.analysis.rank_table import rank_numbers
from latentcore.analysis.ranking.sampled import rank_latents
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Partitions, Ranking
from latentcore.errors import InputError, RequestError
from latentcore.progress import Progress
from latentcore.requests.options import sample_asked
from latentcore.workflows.rank.request import RankRequest

if TYPE_CHECKING:
    import pandas as pd

ACROSS, BY_PARTITION = "left_out_scores.csv", "partition_scores.csv"


@dataclass(frozen=True, eq=False)
class _Part:
    """The ranking of one partition, and of all others; None with a reason where there is none."""

    name: str
    own: Ranking | None
    others: Ranking | None
    reason: str


def write_across(
    request: RankRequest,
    folder: RunFolder,
    latents: LatentSet,
    reference: NDArray[np.floating],
    progress: Progress,
) -> dict[str, Any]:
    """Write ``partition_scores.csv`` and ``left_out_scores.csv``; return what the report says.

    Parameters
    ----------
    reference : ndarray, shape (n,)

    Raises
    ------
    RequestError
        If the latents have not 2 to 50 partitions.
    """
    partitions = comparable(latents.partition)
    if partitions is None:
        message = (
            "⟨across⟩ holds the scans of a collection, or other partitions, against each other; "
            "these latents have not 2 to 50 of them. Make a collection by 'collect'."
        )
        raise RequestError(message)
    parts = [
        _ranked(request, latents, reference, partitions, code, progress)
        for code in range(len(partitions.names))
    ]
    folder.write_csv(BY_PARTITION, _by_partition(parts))
    table = _left_out(parts)
    folder.write_csv(ACROSS, table)
    return {
        "partitions": list(partitions.names),
        "by_partition": BY_PARTITION,
        "left_out": ACROSS,
        "reasons": {part.name: part.reason for part in parts if part.reason},
        "same_dim": {
            metric: bool(rows["dim"].nunique() == 1)
            for metric, rows in table.groupby("metric", sort=False)
        },
    }


def _ranked(
    request: RankRequest,
    latents: LatentSet,
    reference: NDArray[np.floating],
    partitions: Partitions,
    code: int,
    progress: Progress,
) -> _Part:
    name = partitions.names[code]
    progress.step(code, len(partitions.names), f"scoring {name} and all others")
    own = partitions.codes == code
    found: list[Ranking | None] = []
    reason = ""
    for among in (own, ~own):
        try:
            ranking = rank_latents(
                latents, reference, sample=sample_asked(request.sample), metrics=request.metric,
                trend_degree=request.trend_degree, seed=request.seed, among=among,
                with_errors=False,
            ).ranking  # fmt: skip
        except InputError as error:
            found.append(None)
            reason = str(error)
        else:
            found.append(ranking)
    return _Part(name, found[0], found[1], reason)


def _by_partition(parts: list[_Part]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(
        [
            pd.DataFrame({
                "partition": part.name, "dim": part.own.dims, **part.own.scores, "n": part.own.n,
            })
            for part in parts
            if part.own is not None
        ],
        ignore_index=True,
    )  # fmt: skip


def _left_out(parts: list[_Part]) -> pd.DataFrame:
    import pandas as pd

    rows = [row for part in parts for row in _rows_of(part)]
    columns = ["metric", "partition", "dim", "score_others", "score", "rank", "best_dim", "best"]
    return pd.DataFrame(rows, columns=columns).sort_values("metric", kind="stable")


def _rows_of(part: _Part) -> Iterator[tuple[Any, ...]]:
    """Yield by each metric the dimension that all others choose, and what it is worth here."""
    if part.own is None or part.others is None:
        return
    numbers = rank_numbers(part.own)
    for column, metric in enumerate(part.others.scores):
        elsewhere, here = part.others.scores[metric], part.own.scores[metric]
        if np.isnan(elsewhere).all() or np.isnan(here).all():
            continue
        (dim, best) = (int(one.order(metric)[0]) for one in (part.others, part.own))
        place, top = (part.own.dims.tolist().index(one) for one in (dim, best))
        yield (
            metric, part.name, dim, elsewhere[part.others.dims.tolist().index(dim)], here[place],
            numbers[place, column], best, here[top],
        )  # fmt: skip
