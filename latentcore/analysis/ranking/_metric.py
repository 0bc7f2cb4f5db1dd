"""What a metric is, and where metrics are registered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.ranking._order import ReferenceOrder
from latentcore.registry import Registry

FEWEST_PAIRS = 20
"""With fewer points a score isn't worth a number."""

Tick = Callable[[int], None]
"""Called with the number of dimensions that were finished since the last call."""


def ignore_tick(dimensions: int) -> None:
    """Take no notice of finished dimensions."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Finite values of some latent dimensions and of the reference, at the same points.

    Attributes
    ----------
    latents : ndarray of float32, shape (d, m)
        One row per dimension, each with at least two different values.
    reference : ndarray of float64, shape (m,)
        At least two different values.
    x, y : ndarray of float64, shape (m,)
        Where the points sit.
    trend_degree : int
        Degree of the polynomial in x and y that `pp_spatial` removes.
    seed : int
        Of the noise that breaks ties in `mi`.
    """

    latents: NDArray[np.float32]
    reference: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    trend_degree: int = 1
    seed: int = 0

    @cached_property
    def order(self) -> ReferenceOrder:
        """The order of the reference, found at the first use."""
        return ReferenceOrder.of(self.reference)

    def part(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], Pairs | None]:
        """Return those dimensions that vary over some of the points, and their pairs there.

        None where too few points, or a constant reference, leave nothing to score.
        """
        reference = self.reference[rows]
        latents = self.latents[:, rows]
        nothing = np.empty(0, np.intp)
        if len(rows) < FEWEST_PAIRS or reference.min() == reference.max():
            return nothing, None
        varied = np.flatnonzero(latents.min(axis=1) != latents.max(axis=1))
        if len(varied) == 0:
            return nothing, None
        x, y = self.x[rows], self.y[rows]
        return varied, Pairs(latents[varied], reference, x, y, self.trend_degree, self.seed)


class Metric(Protocol):
    """One measure of how strongly a latent dimension follows a reference.

    Attributes
    ----------
    name : str
        The name it is registered under, its column in tables.
    title : str
        What a reader of a page knows it as.
    absolute : bool
        Whether dimensions rank by the absolute value of the score.
    place : int
        Its column among the metrics.
    stage : int
        Metrics of a lower stage are computed first, because they are quicker.
    bounds : tuple of float
        The lowest and the highest score there can be.
    undefined : str
        Why a dimension with different values may have no score nevertheless, with the metric's
        name; empty if that never happens.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    absolute: ClassVar[bool]
    place: ClassVar[int]
    stage: ClassVar[int]
    bounds: ClassVar[tuple[float, float]]
    undefined: ClassVar[str]

    def score(self, pairs: Pairs, tick: Tick) -> NDArray[np.float64]:
        """Score each dimension of `pairs`, shape (d,); NaN where the score is undefined."""
        ...


METRICS: Registry[type[Metric]] = Registry("metric", "latentcore.analysis.ranking")


def metric_names() -> tuple[str, ...]:
    """Return the names of all metrics, in the order of their columns."""
    return tuple(sorted(METRICS.names(), key=lambda name: METRICS.get(name).place))
