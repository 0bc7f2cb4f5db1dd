"""Distance correlation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.ranking._metric import METRICS, Pairs, Tick
from latentcore.analysis.ranking._order import near_one, sorted_by_latent
from latentcore.analysis.ranking._threads import over_dimensions


@METRICS.register("dcorr")
class DistanceCorrelation:
    """Distance correlation, 0 … 1, the V-statistic: 0 in the limit of independence alone.

    Source: Székely, Rizzo and Bakirov, *Ann. Stat.* 35 (2007) 2769; that O(n log n) is enough,
    Huo and Székely, *Technometrics* 58 (2016) 435.
    """

    name: ClassVar[str] = "dcorr"
    title: ClassVar[str] = "Distance correlation"
    absolute: ClassVar[bool] = False
    place: ClassVar[int] = 4
    stage: ClassVar[int] = 3
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    undefined: ClassVar[str] = ""

    def score(self, pairs: Pairs, tick: Tick) -> NDArray[np.float64]:
        """Score each dimension."""
        from latentcore.analysis.ranking._distance_loops import distance_correlations

        scores = np.empty(len(pairs.latents))
        order, reference = pairs.order, near_one(pairs.order.values)

        def work(start: int, stop: int) -> None:
            values, places = sorted_by_latent(pairs.latents[start:stop], order)
            distance_correlations(
                values, places, reference, order.level, order.starts, scores[start:stop]
            )

        over_dimensions(work, pairs.latents.shape, tick)
        return scores
