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
    found = describe(values, masks[0])
    finite = values[masks[0]][np.isfinite(values[masks[0]])]
    assert (found.n, found.n_finite) == (90, len(finite))
    assert found.mean == pytest.approx(finite.mean())
    assert found.sd == pytest.approx(finite.std(ddof=1))
    assert found.sem == pytest.approx(stats.sem(finite))
    assert (found.minimum, found.maximum) == (finite.min(), finite.max())
    for share, quantile in found.quantiles.items():
        assert quantile == pytest.approx(np.quantile(finite, share))


def test_description_is_computed_in_float64():
    values = np.full(10_000, 0.1, np.float32) + np.float32(1000)
    assert describe(values).mean == pytest.approx(float(values[0]), rel=1e-15)


def test_empty_selection_is_described_without_numbers(values):
    found = describe(values, np.zeros(200, bool))
    assert (found.n, found.n_finite) == (0, 0)
    assert np.isnan(
        [found.mean, found.sd, found.sem, found.minimum, *found.quantiles.values()]
    ).all()


def test_single_value_has_no_spread():
    found = describe([3.0])
    assert found.mean == 3.0
    assert np.isnan(found.sd)


def test_mask_of_another_length_is_refused(values):
    with pytest.raises(ShapeError, match=r"\(3,\).*200 values"):
        describe(values, np.ones(3, bool))


def test_comparison_agrees_with_scipy(values, masks):
    found = compare(values, *masks)
    a, b = (values[mask][np.isfinite(values[mask])] for mask in masks)
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert found.difference == pytest.approx(a.mean() - b.mean())
    assert found.interval == pytest.approx(tuple(welch.confidence_interval(0.95)))
    assert found.degrees_of_freedom == pytest.approx(welch.df)
    assert found.auc == pytest.approx(stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)))
    assert found.cliffs_delta == pytest.approx(np.sign(a[:, None] - b).mean())
    assert found.ks == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic)
    assert found.overlap == 20
    pooled = np.sqrt(
        ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2)
    )
    assert found.cohens_d == pytest.approx(found.difference / pooled)


def test_hedges_correction_of_small_samples():
    found = compare([1.0, 2.0, 3.0, 2.0, 3.0, 4.0], *(np.arange(6) // 3 == side for side in (0, 1)))
    # Hedges 1981, ν = 4: J = Γ(2) / (√2 Γ(1.5)).
    assert found.hedges_g == pytest.approx(found.cohens_d * 0.7978845608)


def test_ties_count_half():
    found = compare([1.0, 1.0, 1.0, 1.0], np.arange(4) < 2, np.arange(4) >= 2)
    assert (found.auc, found.cliffs_delta, found.ks) == (0.5, 0.0, 0.0)
    assert found.interval == (0.0, 0.0)
    assert found.cohens_d == 0.0


def test_constant_but_different_selections():
    found = compare([1.0, 1.0, 2.0, 2.0], np.arange(4) < 2, np.arange(4) >= 2)
    assert found.interval == (-1.0, -1.0)
    assert found.cohens_d == -np.inf


def test_too_few_values_are_refused(values):
    one = np.arange(200) == 1
    with pytest.raises(RequestError, match="Selection B holds 1 finite values"):
        compare(values, ~one, one)


def test_area_has_the_scans_unit():
    x, y = np.meshgrid(np.arange(4) * 0.5, np.arange(3) * 0.25)
    grid = ScanGrid.from_coordinates(x.ravel(), y.ravel(), unit="µm")
    found = area(np.arange(12) < 6, grid)
    assert found.value == pytest.approx(6 * 0.5 * 0.25)
    assert found.unit == "µm²"
    assert found.fraction == 0.5


def test_area_without_a_unit_counts_steps():
    grid = ScanGrid.from_coordinates(np.arange(4) * 2.0, np.zeros(4))
    assert area(np.arange(4) < 3, grid).value == 3
    assert area(np.arange(4) < 3, grid).unit == "steps²"


def test_cluster_shares():
    labels = np.array([-1, 0, 0, 1, 1, 1])
    shares = cluster_shares(labels, np.array([True, True, False, True, True, False]))
    assert [share.name for share in shares] == ["noise", "0", "1"]
    assert [share.label for share in shares] == [-1, 0, 1]
    assert [share.n for share in shares] == [1, 1, 2]
    assert [share.of_selection for share in shares] == [0.25, 0.25, 0.5]
    assert [share.of_cluster for share in shares] == pytest.approx([1, 0.5, 2 / 3])
