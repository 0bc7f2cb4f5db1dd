"""What a test of two scans exchanges as a whole: squares of scans, whole scans, or samples.

Neighboring points of a scan are alike. So points may not be exchanged one by one, and squares
only with gaps between them: what two squares share across their border would count twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.autocorrelation import autocorrelation, first_below
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError

FEWEST_UNITS = 4
# Below this correlation two points count as independent. Chosen by simulated fields: see
# ``benchmarks/bench_differ.py``.
_ALIKE = 0.1
_USUAL_SQUARES = 25
_MOST_ALONG = 1024
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Units:
    """What is exchanged as a whole.

    Attributes
    ----------
    of : ndarray of int64, shape (n,)
        Which unit each sample is of, 0 to m - 1.
    in_a : ndarray of bool, shape (m,)
        Which side a unit is of.
    fold : ndarray of int64, shape (m,)
        Which fold tests it; dealt without regard to the sides.
    """

    of: NDArray[np.int64]
    in_a: NDArray[np.bool_]
    fold: NDArray[np.int64]

    @property
    def samples_in_a(self) -> NDArray[np.bool_]:
        """Which samples are of side A, shape (n,)."""
        return self.in_a[self.of]

    def folds(self) -> range:
        """Return the folds' numbers."""
        return range(int(self.fold.max()) + 1)

    def take(self, rows: NDArray[np.int64]) -> Units:
        """Return the same units with some of the samples."""
        return Units(self.of[rows], self.in_a, self.fold)


def dealt_units(of: NDArray[np.int64], in_a: NDArray[np.bool_], folds: int, seed: int) -> Units:
    """Deal units to folds by chance.

    Parameters
    ----------
    of : ndarray of int64, shape (n,)
        Which unit each sample is of, 0 to m - 1.
    in_a : ndarray of bool, shape (m,)
    folds : int
        At most; each holds two units at least.

    Raises
    ------
    RequestError
        If a side has fewer than four units.
    """
    counts = (int(in_a.sum()), int((~in_a).sum()))
    if min(counts) < FEWEST_UNITS:
        message = (
            f"The two sides have {counts[0]} and {counts[1]} parts to exchange, but at least "
            f"{FEWEST_UNITS} of each are needed to say what chance gives. Choose a smaller ⟨block⟩ "
            "or ⟨gap⟩, or larger areas."
        )
        raise RequestError(message)
    folds = min(folds, len(in_a) // 2)
    fold = np.random.default_rng(seed).permutation(len(in_a)) % folds
    return Units(of, in_a, fold.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Squares:
    """Equal parts of a scan, as near to squares as the scan's sides allow.

    Attributes
    ----------
    of : ndarray of int64, shape (n,)
        Which part each point lies in, row by row from 0.
    inner : ndarray of bool, shape (n,)
        Whether a point is at least half a gap away from its part's border.
    shape : tuple of int
        Parts down and across.
    """

    of: NDArray[np.int64]
    inner: NDArray[np.bool_]
    shape: tuple[int, int]


def squares_of_scan(grid: ScanGrid, side: float, gap: float) -> Squares:
    """Cut a scan into equal parts whose sides are `side` or a little more.

    Parameters
    ----------
    side, gap : float
        In steps of the grid.
    """
    parts, inner = [], np.ones(len(grid), np.bool_)
    shape = []
    for values in (grid.y, grid.x):
        along = (values - values.min()) / grid.spacing
        extent = float(along.max()) + 1
        n = max(1, int(extent // side))
        within = along * n / extent
        part = np.minimum(within.astype(np.int64), n - 1)
        # The first point of a part lies at 0 and the last one a step before its end.
        from_start = (within - part) * extent / n
        least, most = gap / 2 - _ROUNDING, extent / n - 1 - gap / 2 + _ROUNDING
        inner &= (from_start >= least) & (from_start <= most)
        parts.append(part)
        shape.append(n)
    return Squares(parts[0] * shape[1] + parts[1], inner, (shape[0], shape[1]))


def usual_side(grids: Sequence[ScanGrid], gap: float) -> float:
    """Return a side, in steps, that gives the smallest scan about 25 squares.

    It is at least twice the gap, so that a quarter of each square is left.
    """
    areas = [
        math.prod((np.ptp(values) / grid.spacing + 1) for values in (grid.x, grid.y))
        for grid in grids
    ]
    return max(math.floor(math.sqrt(min(areas) / _USUAL_SQUARES)), 2 * math.ceil(gap), 2)


def correlated_distance(values: NDArray[np.floating], grid: ScanGrid) -> float:
    """Return at which distance, in steps, points are no longer alike: a correlation below 0.1.

    Parameters
    ----------
    values : ndarray, shape (n, d)
        NaN where there is none; dimensions weigh as much as they vary. Of scans of more than
        1,024 points along a side the middle is looked at.
    """
    middle = np.ones(len(grid), np.bool_)
    for along in (grid.x, grid.y):
        distance = np.abs(along - (along.min() + along.max()) / 2) / grid.spacing
        middle &= distance <= _MOST_ALONG / 2
    own, chosen = grid.cut(middle), np.asarray(values[middle], np.float64)
    total, weight = None, 0.0
    for dimension in chosen.T:
        variance = float(np.nanvar(dimension))
        if not variance > 0:
            continue
        part = variance * autocorrelation(dimension, own)
        total, weight = part if total is None else total + part, weight + variance
    if total is None:
        return 0.0
    return first_below(_ALIKE, total / weight, own) / own.spacing
