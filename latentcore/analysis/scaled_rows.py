"""Rows of a table of features, scaled when they are asked for: a scaled copy of all may not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ScaledRows:
    """m rows of d features, in an order of their own; indexed by rows like an array.

    Attributes
    ----------
    source : ndarray, shape (n, d)
    rows : ndarray of int64, shape (m,)
        Which rows of the source these are.
    mean, factor : ndarray of float64, shape (d,)
        Are subtracted, and divided by.
    weight : ndarray of float64, shape (d,)
        Is multiplied with then.
    """

    source: NDArray[np.floating]
    rows: NDArray[np.int64]
    mean: NDArray[np.float64]
    factor: NDArray[np.float64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of features."""
        return len(self.rows), self.source.shape[1]

    def __getitem__(self, which: Any) -> NDArray[np.float64]:
        """Return some rows, shape (k, d): `which` is a slice, numbers, or a mask of shape (m,)."""
        values: NDArray[np.float64] = self.source[self.rows[which]].astype(np.float64)
        values -= self.mean
        values /= self.factor
        values *= self.weight
        return values

    def column(self, place: int) -> NDArray[np.float64]:
        """Return one feature of all rows, shape (m,)."""
        values: NDArray[np.float64] = self.source[self.rows, place].astype(np.float64)
        values -= self.mean[place]
        values /= self.factor[place]
        values *= self.weight[place]
        return values


def columns_of(values: NDArray[np.floating] | ScaledRows) -> Iterator[NDArray[np.float64]]:
    """Yield each feature, shape (m,)."""
    for place in range(values.shape[1]):
        if isinstance(values, ScaledRows):
            yield values.column(place)
        else:
            yield np.ascontiguousarray(values[:, place], np.float64)
