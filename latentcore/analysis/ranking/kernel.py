"""The Hilbert–Schmidt independence criterion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.ranking._metric import METRICS, Pairs, Tick
from latentcore.analysis.ranking._order import sorted_by_latent
from latentcore.analysis.ranking._threads import over_dimensions

# The published kernel is exp(-d² / (2 σ² + 1e-12)), in the units of the data.
_ADDED = 1e-12
# A table of nodes with more entries is given up for the sum over all pairs.
_MOST_ENTRIES = 1 << 24


@METRICS.register("hsic")
class Hsic:
    """HSIC with Gaussian kernels as wide as the median distance, biased, over (n - 1)².

    The width is that of the non-zero distances. The score depends on the number of points and,
    where the widths aren't far above 1e-6, on the units; it ranks dimensions, it doesn't
    compare maps.

    Source: Gretton, Bousquet, Smola and Schölkopf, *ALT* 2005, 63.

    Notes
    -----
    The kernels are interpolated on nodes, see ``_hsic_loops``, to 1e-12. Where both variables
    have heavy tails beside a dense core, so that boxes as wide as the median distance number
    thousands in each, all pairs are summed: as exact, but in O(n²) time.
    """

    name: ClassVar[str] = "hsic"
    title: ClassVar[str] = "HSIC"
    absolute: ClassVar[bool] = False
    place: ClassVar[int] = 5
    stage: ClassVar[int] = 4
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)
    undefined: ClassVar[str] = ""

    def score(self, pairs: Pairs, tick: Tick) -> NDArray[np.float64]:
        """Score each dimension."""
        from latentcore.analysis.ranking import _hsic_loops as loops

        scores = np.empty(len(pairs.latents))
        kernel = loops.kernel_table()
        reference = _Side.of(pairs.order.values)

        def work(start: int, stop: int) -> None:
            values, places = sorted_by_latent(pairs.latents[start:stop], pairs.order)
            for row in range(stop - start):
                latent = _Side.of(values[row].astype(np.float64))
                scores[start + row] = _hsic(latent, places[row], reference, kernel)

        over_dimensions(work, pairs.latents.shape, tick)
        return scores


@dataclass(frozen=True, eq=False)
class _Side:
    """One of both variables, sorted.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
    sigma : float
        Width of the kernel.
    box : ndarray of int64, shape (n,)
        The box each value lies in.
    occupied : ndarray of int64, shape (boxes,)
        Where the boxes sit.
    weights : ndarray of float64, shape (n, 16)
        Interpolation weights of each value in its box.
    """

    values: NDArray[np.float64]
    sigma: float
    box: NDArray[np.int64]
    occupied: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> _Side:
        from latentcore.analysis.ranking import _hsic_loops as loops
        from latentcore.analysis.ranking._median_distance import median_distance

        sigma = float(np.hypot(median_distance(values), np.sqrt(_ADDED / 2)))
        box = np.empty(len(values), np.int64)
        occupied = np.empty(len(values), np.int64)
        placed = loops.positions(values, sigma)
        count = loops.boxes(placed, box, occupied)
        weights = np.empty((len(values), loops.PADDED))
        loops.node_weights(placed, weights)
        return cls(values, sigma, box, occupied[:count].copy(), weights)


def _hsic(x: _Side, places: NDArray[np.uint32], y: _Side, kernel: NDArray[np.float64]) -> float:
    from latentcore.analysis.ranking import _hsic_loops as loops

    entries = len(x.occupied) * loops.NODES * len(y.occupied) * loops.PADDED
    if entries > _MOST_ENTRIES:
        score = loops.pairwise_hsic(x.values, y.values[places], x.sigma, y.sigma)
    else:
        score = loops.table_hsic(
            x.box, x.weights, x.occupied, places, y.box, y.weights, y.occupied, kernel
        )
    return float(score)
