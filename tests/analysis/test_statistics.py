from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from latentcore.analysis.statistics import area, cluster_shares, compare, describe
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError, ShapeError


@pytest.fixture
def values():
    values = np.random.default_rng(0).gamma(2.0, 3.0, 200)
    values[::17] = np.nan
    return values


@pytest.fixture
def masks(values):
    a = np.arange(200) < 90
    b = (np.arange(200) >= 70) & (np.arange(200) < 180)
    return a, b


def test_description_agrees_with_numpy_and_scipy(values, masks):
    told = describe(values, masks[0])
    finite = values[masks[0]][np.isfinite(values[masks[0]])]
    assert (told.n, told.n_finite) == (90, len(finite))
    assert told.mean == pytest.approx(finite.mean())
    assert told.sd == pytest.approx(finite.std(ddof=1))
    assert told.sem == pytest.approx(stats.sem(finite))
    assert (told.minimum, told.maximum) == (finite.min(), finite.max())
    for share, quantile in told.quantiles.items():
        assert quantile == pytest.approx(np.quantile(finite, share))


def test_description_is_computed_in_float64():
    values = np.full(10_000, 0.1, np.float32) + np.float32(1000)
    assert describe(values).mean == pytest.approx(float(values[0]), rel=1e-15)


def test_empty_selection_is_described_without_numbers(values):
    told = describe(values, np.zeros(200, bool))
    assert (told.n, told.n_finite) == (0, 0)
    assert np.isnan([told.mean, told.sd, told.sem, told.minimum, *told.quantiles.values()]).all()


def test_single_value_has_no_spread():
    told = describe([3.0])
    assert told.mean == 3.0
    assert np.isnan(told.sd)


def test_mask_of_another_length_is_refused(values):
    with pytest.raises(ShapeError, match=r"\(3,\).*200 values"):
        describe(values, np.ones(3, bool))


def test_comparison_agrees_with_scipy(values, masks):
    told = compare(values, *masks)
    a, b = (values[mask][np.isfinite(values[mask])] for mask in masks)
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert told.difference == pytest.approx(a.mean() - b.mean())
    assert told.interval == pytest.approx(tuple(welch.confidence_interval(0.95)))
    assert told.degrees_of_freedom == pytest.approx(welch.df)
    assert told.auc == pytest.approx(stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)))
    assert told.cliffs_delta == pytest.approx(np.sign(a[:, None] - b).mean())
    assert told.ks == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic)
    assert told.overlap == 20
    pooled = np.sqrt(
        ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2)
    )
    assert told.cohens_d == pytest.approx(told.difference / pooled)


def test_hedges_correction_of_small_samples():
    told = compare([1.0, 2.0, 3.0, 2.0, 3.0, 4.0], *(np.arange(6) // 3 == side for side in (0, 1)))
    # Hedges 1981, ν = 4: J = Γ(2) / (√2 Γ(1.5)).
    assert told.hedges_g == pytest.approx(told.cohens_d * 0.7978845608)


def test_ties_count_half():
    told = compare([1.0, 1.0, 1.0, 1.0], np.arange(4) < 2, np.arange(4) >= 2)
    assert (told.auc, told.cliffs_delta, told.ks) == (0.5, 0.0, 0.0)
    assert told.interval == (0.0, 0.0)
    assert told.cohens_d == 0.0


def test_constant_but_different_selections():
    told = compare([1.0, 1.0, 2.0, 2.0], np.arange(4) < 2, np.arange(4) >= 2)
    assert told.interval == (-1.0, -1.0)
    assert told.cohens_d == -np.inf


def test_too_few_values_are_refused(values):
    one = np.arange(200) == 1
    with pytest.raises(RequestError, match="Selection B holds 1 finite values"):
        compare(values, ~one, one)


def test_area_has_the_scans_unit():
    x, y = np.meshgrid(np.arange(4) * 0.5, np.arange(3) * 0.25)
    grid = ScanGrid.from_coordinates(x.ravel(), y.ravel(), unit="µm")
    told = area(np.arange(12) < 6, grid)
    assert told.value == pytest.approx(6 * 0.5 * 0.25)
    assert told.unit == "µm²"
    assert told.fraction == 0.5


def test_area_without_a_unit_counts_steps():
    grid = ScanGrid.from_coordinates(np.arange(4) * 2.0, np.zeros(4))
    assert area(np.arange(4) < 3, grid).value == 3
    assert area(np.arange(4) < 3, grid).unit == "steps²"


def test_cluster_shares():
    labels = np.array([-1, 0, 0, 1, 1, 1])
    shares = cluster_shares(labels, np.array([True, True, False, True, True, False]))
    assert [share.label for share in shares] == [-1, 0, 1]
    assert [share.n for share in shares] == [1, 1, 2]
    assert [share.of_selection for share in shares] == [0.25, 0.25, 0.5]
    assert [share.of_cluster for share in shares] == pytest.approx([1, 0.5, 2 / 3])
