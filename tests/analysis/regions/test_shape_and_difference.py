"""Statistics of regions against scipy, full enumeration, and fields whose truth is known."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats
from scipy.spatial.distance import cdist
from sklearn.metrics import roc_auc_score

from latentcore.analysis.regions.difference import differences
from latentcore.analysis.regions.shape import region_shape
from latentcore.containers import ScanGrid

Mask = NDArray[np.bool_]


def _grid(rows: int, columns: int, step: tuple[float, float] = (1, 1), unit: str = "") -> ScanGrid:
    y, x = (axis.ravel() for axis in np.mgrid[:rows, :columns])
    return ScanGrid.from_coordinates(x * step[0], y * step[1], unit=unit, step=step)


def test_shape_of_an_l_and_a_dot() -> None:
    field = np.zeros((4, 5), bool)
    field[0, :3] = field[1:3, 0] = field[3, 4] = True
    grid = _grid(4, 5, (0.5, 2.0), "µm")
    found = region_shape(field.ravel(), grid)
    assert (found.area.value, found.area.unit, found.area.fraction) == (6.0, "µm²", 0.3)
    assert (found.n_parts, found.largest_part) == (2, 5 / 6)
    # The L is 3 wide and 3 high: 6 edges of 0.5 and 6 of 2; the dot has 2 of each.
    assert found.perimeter == 8 * 0.5 + 8 * 2.0
    assert found.clumping.joins == 4
    in_steps = region_shape(field.ravel(), _grid(4, 5, (0.5, 2.0)))
    assert (in_steps.perimeter, in_steps.area.unit) == (16.0, "steps²")


def test_clumping_equals_the_enumeration_of_all_draws() -> None:
    # A 3 × 4 scan with one point missing: every way of choosing 4 of the 11 points.
    grid = _grid(3, 4).take(np.delete(np.arange(12), 5))
    draws = np.zeros((comb(11, 4), 11), bool)
    for number, chosen in enumerate(combinations(range(11), 4)):
        draws[number, list(chosen)] = True
    found = [region_shape(mask, grid).clumping for mask in draws]
    observed = np.array([one.morans_i for one in found])
    assert found[0].joins_expected == pytest.approx(np.mean([one.joins for one in found]))
    assert found[0].morans_i_expected == pytest.approx(observed.mean())
    z = (observed - observed.mean()) / observed.std()
    np.testing.assert_allclose([one.z for one in found], z, atol=1e-12)
    assert found[0].p == pytest.approx(2 * stats.norm.sf(abs(found[0].z)))
    # Moran's I by its definition.
    near = cdist(*[np.column_stack([grid.row, grid.col])] * 2) == 1
    centered = draws[7] - draws[7].mean()
    wanted = 11 / near.sum() * (near * np.outer(centered, centered)).sum() / (centered**2).sum()
    assert found[7].morans_i == pytest.approx(wanted)


def test_the_whole_scan_clumps_neither_way() -> None:
    found = region_shape(np.ones(12, bool), _grid(3, 4))
    assert found.clumping.joins == found.clumping.joins_expected == 17
    assert np.isnan(found.clumping.z)
    assert found.perimeter == 14
    nothing = region_shape(np.zeros(12, bool), _grid(3, 4))
    assert (nothing.perimeter, nothing.n_parts, nothing.clumping.joins) == (0, 0, 0)
    assert np.isnan([nothing.largest_part, nothing.clumping.morans_i]).all()


@pytest.fixture(scope="module")
def halves() -> tuple[ScanGrid, Mask, Mask]:
    grid = _grid(48, 60)
    return grid, grid.x < 30, grid.x >= 30


def test_white_noise_gives_what_independent_points_give(
    halves: tuple[ScanGrid, Mask, Mask],
) -> None:
    grid, a, b = halves
    values = np.random.default_rng(1).normal(size=len(grid)) + 0.05 * a
    values[7] = np.nan
    found = differences({"v": values}, a, b, grid)["v"]
    welch = stats.ttest_ind(values[a], values[b], equal_var=False, nan_policy="omit")
    plain = found.comparison
    assert plain.difference == pytest.approx(np.nanmean(values[a]) - np.nanmean(values[b]))
    width = np.diff(found.interval)[0] / np.diff(plain.interval)[0]
    assert 0.95 < width < 1.15
    assert found.p == pytest.approx(welch.pvalue, abs=0.03)
    assert 0.001 < welch.pvalue < 0.5
    assert min(found.n_effective) > 1_200
    finite = np.isfinite(values)
    assert plain.auc == pytest.approx(roc_auc_score(a[finite], values[finite]))
    assert found.auc_interval[0] < plain.auc < found.auc_interval[1]
    alone = differences({"v": values}, a, b, None)["v"]
    assert alone.p == pytest.approx(welch.pvalue)
    assert alone.interval == plain.interval


def test_intervals_hold_the_truth_where_neighbors_are_alike(
    halves: tuple[ScanGrid, Mask, Mask],
) -> None:
    grid, a, b = halves
    random = np.random.default_rng(0)
    fields = {
        str(n): ndimage.gaussian_filter(random.normal(size=(80, 92)), 2)[16:64, 16:76].ravel()
        for n in range(60)
    }
    found = differences(fields, a, b, grid).values()
    held = np.mean([low <= 0 <= high for low, high in (one.interval for one in found)])
    plain = np.mean([low <= 0 <= high for low, high in (one.comparison.interval for one in found)])
    assert held >= 0.9
    assert plain < 0.6
    assert np.mean([one.p < 0.05 for one in found]) <= 0.1
    assert np.mean([one.auc_interval[0] <= 0.5 <= one.auc_interval[1] for one in found]) >= 0.9
    # A true difference of many standard errors is found all the same.
    shifted = differences({"v": fields["0"] + 0.5 * a}, a, b, grid)["v"]
    assert shifted.p < 1e-3
    # The values' correlation falls to 1/e at twice the filter's sigma.
    assert shifted.correlation_length == pytest.approx(4, abs=1.5)


def test_regions_of_a_few_points_get_a_reason() -> None:
    grid = _grid(40, 40)
    noise = np.random.default_rng(3).normal(size=1600)
    a, b = ((grid.x % 9 == first) & (grid.y == grid.x) for first in (0, 4))
    found = differences({"v": noise}, a, b, grid)["v"]
    assert "larger regions are needed" in found.reason
    assert np.isnan([*found.interval, found.p, *found.auc_interval, found.p_corrected]).all()
    assert np.isfinite(found.comparison.difference)


def test_constants_missing_values_and_overlap() -> None:
    grid = _grid(10, 10)
    a, b = grid.x < 5, grid.x >= 4
    values = {
        "same": np.ones(100),
        "apart": np.where(grid.x < 5, 3.0, 1.0) * ~(a & b) + 3.0 * (a & b),
        "none": np.full(100, np.nan),
        "one side": np.where(a & ~b, 1.0, np.nan),
    }
    found = differences(values, a, b & ~a, grid)
    assert set(found) == {"same", "apart"}
    assert (found["same"].p, found["same"].interval) == (1.0, (0.0, 0.0))
    assert np.isnan([found["apart"].p, *found["apart"].interval]).all()
    assert "one value throughout" in found["apart"].reason
    noise = {str(n): np.random.default_rng(n).normal(size=100) for n in range(3)}
    both = differences(noise, a, b, grid)
    assert both["0"].comparison.overlap == 10
    ordered = sorted(both.values(), key=lambda one: one.p)
    assert ordered[0].p_corrected == pytest.approx(min(1, 3 * ordered[0].p))
    assert ordered[2].p_corrected >= ordered[1].p_corrected >= ordered[0].p_corrected
