"""Two-sample statistics against plain computations, and their p-values on scans of one kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import pairwise_kernels, roc_auc_score

from latentcore.analysis.exchange_units import (
    Units,
    correlated_distance,
    dealt_units,
    squares_of_scan,
    usual_side,
)
from latentcore.analysis.two_samples import Features, compare_distributions
from latentcore.containers import ScanGrid
from latentcore.progress import Progress


def square_grid(side: int) -> ScanGrid:
    y, x = (axis.ravel() for axis in np.mgrid[0:side, 0:side])
    return ScanGrid.from_coordinates(x, y)


def test_statistics_are_those_of_plain_computations() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(8000, 3)) * [1, 2, 0.5] + 4
    of = np.repeat(np.arange(40), 200)
    values[of < 20, 0] += 0.7
    units = dealt_units(of, np.arange(40) < 20, 4, 0)
    features = Features(values, 0)
    made, in_a = features(values), units.samples_in_a
    found = compare_distributions(made, 3, units, 29, 0, Progress())
    # Shrunk so little that the direction is Fisher's.
    above = pairs = 0.0
    for fold in units.folds():
        tested = units.fold[of] == fold
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3)
        scores = lda.fit(made[~tested], in_a[~tested]).decision_function(made[tested])
        n = in_a[tested].sum() * (~in_a[tested]).sum()
        above, pairs = above + n * roc_auc_score(in_a[tested], scores), pairs + n
    assert found.auc == pytest.approx(above / pairs, abs=0.003)
    scaled = (values - features.mean) / features.scale
    a, b = scaled[in_a][::4], scaled[~in_a][::4]
    gamma = 0.5 / features.width**2
    mean = [pairwise_kernels(p, q, "rbf", gamma=gamma).mean() for p, q in ((a, a), (b, b), (a, b))]
    assert found.mmd2 == pytest.approx(mean[0] + mean[1] - 2 * mean[2], abs=0.004)
    assert found.dims_p[0] == found.auc_p == found.mmd_p == 1 / 30
    assert found.dims_p[1:].min() > 1 / 30


def test_the_answer_does_not_depend_on_which_side_is_called_a() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(1200, 2))
    of = np.repeat(np.arange(8), 150)
    in_a = np.arange(8) < 4
    features = Features(values, 0)(values)
    fold = np.arange(8) % 2
    one, other = (
        compare_distributions(features, 2, Units(of, side, fold), 100, 0, Progress())
        for side in (in_a, ~in_a)
    )
    assert one.complete
    assert len(one.null_mmd2) == 69
    assert (one.auc, one.mmd2) == pytest.approx((other.auc, other.mmd2))
    assert (one.auc_p, one.mmd_p) == (other.auc_p, other.mmd_p)
    # Exchanging all gives the same again, so no p-value is below 2 of 70.
    assert one.mmd_p >= 2 / 70


def test_scans_of_one_kind_seldom_seem_to_differ() -> None:
    found = []
    grid = square_grid(40)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        fields = ndimage.gaussian_filter(rng.normal(size=(2, 3, 40, 40)), (0, 0, 1, 1))
        scans = [scan.reshape(3, -1).T for scan in fields]
        gap = max(correlated_distance(scan, grid) for scan in scans)
        squares = squares_of_scan(grid, usual_side([grid, grid], gap), gap)
        n = squares.shape[0] * squares.shape[1]
        of = np.concatenate([squares.of[squares.inner] + n * one for one in (0, 1)])
        values = np.concatenate([scan[squares.inner] for scan in scans])
        units = dealt_units(of, np.repeat([True, False], n), 5, seed)
        tested = compare_distributions(
            Features(values, seed)(values), 3, units, 39, seed, Progress()
        )
        found.append((tested.auc_p, tested.mmd_p, *tested.dims_p))
    # Of 30, 3 are expected at 0.1; more than 9 come once in 2,000 tries.
    assert np.all((np.array(found) <= 0.1).sum(axis=0) <= 9)
    assert np.all(np.mean(found, axis=0) > 0.35)


def test_squares_fill_the_scan_and_leave_gaps() -> None:
    grid = square_grid(60)
    squares = squares_of_scan(grid, 12, 4)
    assert squares.shape == (5, 5)
    assert np.bincount(squares.of).tolist() == [144] * 25
    inner = squares.inner.reshape(60, 60)
    assert np.bincount(squares.of[squares.inner]).tolist() == [64] * 25
    columns = np.flatnonzero(inner.any(axis=0))
    assert columns[:8].tolist() == list(range(2, 10))
    assert columns[8] == 14
    # σ of a kernel: the correlation at distance r is exp(-r² / 4σ²).
    field = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(300, 300)), 2)
    distance = correlated_distance(field.reshape(-1, 1), square_grid(300))
    assert distance == pytest.approx(4 * np.sqrt(np.log(10)), rel=0.08)
