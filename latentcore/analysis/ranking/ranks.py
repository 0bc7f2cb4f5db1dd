"""Spearman's and Kendall's correlation of ranks."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.ranking._metric import METRICS, Pairs, Tick
from latentcore.analysis.ranking._order import sorted_by_latent
from latentcore.analysis.ranking._threads import over_dimensions


@METRICS.register("spearman")
class Spearman:
    """Spearman's rank correlation, equal values sharing their mean rank, -1 … 1."""

    name: ClassVar[str] = "spearman"
    title: ClassVar[str] = "Spearman"
    absolute: ClassVar[bool] = True
    place: ClassVar[int] = 1
    stage: ClassVar[int] = 1
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    undefined: ClassVar[str] = ""

    def score(self, pairs: Pairs, tick: Tick) -> NDArray[np.float64]:
        """Score each dimension."""
        from latentcore.analysis.ranking._rank_loops import spearman

        scores = np.empty(len(pairs.latents))
        order, ranks = pairs.order, pairs.order.ranks

        def work(start: int, stop: int) -> None:
            values, places = sorted_by_latent(pairs.latents[start:stop], order)
            spearman(values, places, ranks, scores[start:stop])

        over_dimensions(work, pairs.latents.shape, tick)
        return scores


@METRICS.register("kendall")
class Kendall:
    """Kendall's tau-b, -1 … 1.

    Pairs of points in the same order minus those in opposite order, over the geometric mean of
    the pairs not tied in the latent and in the reference.

    Source: Kendall, *Biometrika* 33 (1945) 239; counting by sorting after Knight, *J. Am. Stat.
    Assoc.* 61 (1966) 436.
    """

    name: ClassVar[str] = "kendall"
    title: ClassVar[str] = "Kendall τ-b"
    absolute: ClassVar[bool] = True
    place: ClassVar[int] = 2
    stage: ClassVar[int] = 1
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    undefined: ClassVar[str] = ""

    def score(self, pairs: Pairs, tick: Tick) -> NDArray[np.float64]:
        """Score each dimension."""
        from latentcore.analysis.ranking._rank_loops import kendall

        scores = np.empty(len(pairs.latents))
        order = pairs.order

        def work(start: int, stop: int) -> None:
            values, places = sorted_by_latent(pairs.latents[start:stop], order)
            kendall(values, places, order.level, order.starts, order.ties, scores[start:stop])

        over_dimensions(work, pairs.latents.shape, tick)
        return scores
