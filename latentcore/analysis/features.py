"""Features of points: a table that is scaled and weighted before a clusterer gets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.scaled_rows import ScaledRows, columns_of
from latentcore.errors import RequestError, ShapeError

Scaling = Literal["standard", "none"]
_SCALINGS = ("standard", "none")
_MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class UsedFeatures:
    """What a clusterer is given.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Which points, in the order in which they are given.
    values : ScaledRows
        Scaled and weighted, m of d features.
    mean, sd : ndarray of float64, shape (d,)
        Of the features before scaling, over the m points, or those that are learned from; the
        s.d. divides by their number.
    learn : ndarray of bool, shape (m,), or None
        Which points clusters are learned from, if not all.
    """

    rows: NDArray[np.int64]
    values: ScaledRows
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    learn: NDArray[np.bool_] | None = None

    @property
    def variance_shares(self) -> NDArray[np.float64]:
        """Share of each feature, as it is used, in the sum of their variances, shape (d,)."""
        variance = np.array([column.var() for column in columns_of(self.values)])
        return np.asarray(variance / variance.sum())


@dataclass(frozen=True, eq=False)
class Features:
    """d features of n points.

    Attributes
    ----------
    values : ndarray of float64 or float32, shape (n, d)
        A row with a value that is not finite takes no part.
    order : ndarray of int64, shape (n,), optional
        A key by which rows are sorted before they are clustered, usually the node on the scan
        grid: the labels then don't hang on the order of rows in a file.
    weights : Mapping of str to float
        By how much the squared differences of a feature count, 1 where it is not named.
    learn : ndarray of bool, shape (n,), optional
        The points that clusters and scaling are learned from; the others are placed among them.
    """

    values: NDArray[np.floating]
    names: tuple[str, ...]
    order: NDArray[np.int64] | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    learn: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        n, d = self.values.shape
        check_weights(self.weights, self.names)
        if len(self.names) != d or (self.order is not None and len(self.order) != n):
            got = None if self.order is None else len(self.order)
            message = (
                f"Features of shape {(n, d)} can't go with {len(self.names)} names and "
                f"{got} order keys."
            )
            raise ShapeError(message)

    def __len__(self) -> int:
        return len(self.values)

    def weight(self, name: str) -> float:
        """Return what a feature weighs."""
        return float(self.weights.get(name, 1.0))

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one feature, NaN at points that take no part, shape (n,)."""
        values = self.values[:, self.names.index(name)].astype(np.float64)
        values[~self.finite] = np.nan
        return values

    def at(self, rows: NDArray[np.bool_]) -> Features:
        """Return the features of some of the points, `rows` of shape (n,)."""
        order = None if self.order is None else self.order[rows]
        learn = None if self.learn is None else self.learn[rows]
        return replace(self, values=self.values[rows], order=order, learn=learn)

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """Which points take part, shape (n,)."""
        found = np.ones(len(self), np.bool_)
        for column in self.values.T:
            found &= np.isfinite(column)
        return found

    def use(self, scaling: Scaling) -> UsedFeatures:
        """Leave out what is not finite, sort, scale, and multiply by √weight.

        Parameters
        ----------
        scaling : {"standard", "none"}
            Zero mean and unit standard deviation, or the values as they are.

        Raises
        ------
        RequestError
            If fewer than two points are finite, or a feature is constant.
        """
        if scaling not in _SCALINGS:
            message = f"scaling must be one of {', '.join(_SCALINGS)}, but is {scaling!r}."
            raise RequestError(message)
        rows = np.flatnonzero(self.finite)
        learned = len(rows) if self.learn is None else int(self.learn[rows].sum())
        if learned < 2:
            named = (
                f"finite {' and '.join(self.names)}"
                if len(self.names) <= _MOST_NAMED
                else f"finite value of each of the {len(self.names)} features"
            )
            message = (
                f"{learned} of {len(self)} points have a {named}; "
                "clusters need at least two. Choose another ROI, dimension or map."
            )
            raise RequestError(message)
        if self.order is not None:
            rows = rows[np.argsort(self.order[rows], kind="stable")]
        learn = None if self.learn is None else self.learn[rows]
        mean, sd = self._mean_and_sd(rows if learn is None else rows[learn])
        weight = np.sqrt([self.weight(name) for name in self.names])
        if scaling == "standard":
            values = ScaledRows(self.values, rows, mean, sd, weight)
        else:
            values = ScaledRows(self.values, rows, np.zeros(len(sd)), np.ones(len(sd)), weight)
        return UsedFeatures(rows, values, mean, sd, learn)

    def _mean_and_sd(
        self, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and s.d. of each feature, (d,) each; a constant one is refused."""
        found = []
        for place, name in enumerate(self.names):
            column = self.values[rows, place].astype(np.float64)
            low = column.min()
            if low == column.max():
                message = (
                    f"The {name} is {low:g} at each of the {len(rows)} points, so it can't "
                    "separate anything. Choose another dimension, map or ROI."
                )
                raise RequestError(message)
            found.append((column.mean(), column.std()))
        mean, sd = np.array(found).T
        return mean, sd


def check_weights(weights: Mapping[str, float], names: Sequence[str]) -> None:
    """Refuse weights that are not above 0, or of features that don't exist.

    Raises
    ------
    RequestError
    """
    unknown = [name for name in weights if name not in names]
    if unknown:
        message = (
            f"A weight is given for {unknown[0]!r}, which is no feature here. "
            f"There are: {', '.join(names[:20])}{' …' if len(names) > 20 else ''}."
        )
        raise RequestError(message)
    for name, weight in weights.items():
        if not 0 < weight < np.inf:
            message = (
                f"The weight of {name} must be above 0, but is {weight:g}. "
                "Leave out a feature that is to count nothing."
            )
            raise RequestError(message)
