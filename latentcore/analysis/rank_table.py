"""Ranks instead of scores: who is on top by which metric, and how alike metrics are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import Ranking

if TYPE_CHECKING:
    import pandas as pd

_SORTED_BY = "pearson"


def scores_table(
    ranking: Ranking, errors: Mapping[str, NDArray[np.float64]] | None = None
) -> pd.DataFrame:
    """Return dim, a column per metric, n and reason; the strongest by Pearson first.

    Without Pearson among the metrics the first of them sorts. `errors` are added as columns
    ``<metric>_se``.
    """
    import pandas as pd

    metrics = list(ranking.scores)
    table = pd.DataFrame({"dim": ranking.dims, **ranking.scores, "n": ranking.n})
    table["reason"] = ranking.reasons
    for metric, found in (errors or {}).items():
        table[f"{metric}_se"] = found
    order = ranking.order(_SORTED_BY if _SORTED_BY in metrics else metrics[0])
    return table.set_index("dim").loc[order].reset_index()


def rank_numbers(ranking: Ranking) -> NDArray[np.float64]:
    """Return the rank of each dimension by each metric.

    Returns
    -------
    ndarray of float64, shape (d, metrics)
        1 is the strongest; NaN where there is no score.
    """
    numbers = np.full((len(ranking.dims), len(ranking.scores)), np.nan)
    row_of = {int(dim): row for row, dim in enumerate(ranking.dims)}
    for column, metric in enumerate(ranking.scores):
        rows = [row_of[int(dim)] for dim in ranking.order(metric)]
        numbers[rows, column] = np.arange(1, len(rows) + 1)
        numbers[np.isnan(ranking.scores[metric]), column] = np.nan
    return numbers


def top_dims(ranking: Ranking, metric: str, top: int) -> list[int]:
    """Return the strongest dimensions by one metric; those without a score are not among them."""
    scored = int(np.isfinite(ranking.scores[metric]).sum())
    return [int(dim) for dim in ranking.order(metric)[: min(top, scored)]]


def top_ranks(ranking: Ranking, top: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the dimensions that are among the strongest by any metric, and their ranks.

    Parameters
    ----------
    top : int
        How many of each metric.

    Returns
    -------
    dims : ndarray of int32, shape (t,)
        Smallest mean rank first.
    ranks : ndarray of float64, shape (t, metrics)
        See `rank_numbers`.
    """
    ranks = rank_numbers(ranking)
    rows = np.flatnonzero((ranks <= top).any(axis=1))
    mean = np.nanmean(ranks[rows], axis=1) if len(rows) else np.empty(0)
    rows = rows[np.lexsort((ranking.dims[rows], mean))]
    return ranking.dims[rows], ranks[rows]


def metric_likeness(ranking: Ranking) -> NDArray[np.float64]:
    """Return Spearman's correlation between the rankings of each two metrics.

    Returns
    -------
    ndarray of float64, shape (metrics, metrics)
        Over the dimensions that both score; NaN where these are fewer than three.
    """
    ranks = rank_numbers(ranking)
    k = ranks.shape[1]
    likeness = np.full((k, k), np.nan)
    for row, column in np.ndindex(k, k):
        both = np.isfinite(ranks[:, [row, column]]).all(axis=1)
        if both.sum() >= 3:
            # No ties: equal scores are ordered by their dimension.
            pair = ranks[both][:, [row, column]].argsort(axis=0).argsort(axis=0)
            likeness[row, column] = np.asarray(np.corrcoef(pair.T))[0, 1]
    return likeness
