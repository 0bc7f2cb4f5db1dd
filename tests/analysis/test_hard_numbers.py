"""Statistics where rounding, ties and constants decide, against plain computations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from latentcore.analysis.geography import months_of
from latentcore.analysis.patterns.blocks import about_mean
from latentcore.analysis.ranking import rank
from latentcore.analysis.regions.difference import differences
from latentcore.analysis.statistics import compare
from latentcore.analysis.two_samples import _pairs_above
from latentcore.containers import SampleColumns, ScanGrid
from latentcore.inputs.sample_groups import _of_column
from pages.regions.numbers import _key
from tests.analysis.domains.test_objects import domains_of

RANDOM = np.random.default_rng(0)


def grid(rows: int, columns: int) -> ScanGrid:
    y, x = (axis.ravel() for axis in np.mgrid[:rows, :columns])
    return ScanGrid.from_coordinates(x, y)


def score(latent: np.ndarray, reference: np.ndarray, metric: str = "pearson", side: int = 0):
    n = len(latent)
    y, x = np.divmod(np.arange(n), side or n)
    found = rank(
        latent.astype(np.float32)[:, None], reference, x.astype(float), y.astype(float),
        metrics=[metric],
    )  # fmt: skip
    return float(found.scores[metric][0])


@pytest.mark.parametrize(("n", "offset"), [(1_000_000, 290), (1_000_000, 0), (300_000, 1e4)])
def test_pearson_of_many_points_far_from_zero(n: int, offset: float) -> None:
    shared = RANDOM.normal(size=n)
    latent = (0.7 + 1e-4 * (shared + RANDOM.normal(size=n))).astype(np.float32)
    reference = (offset + shared + RANDOM.normal(size=n)).astype(np.float32)
    a, b = (values.astype(np.longdouble) - values.astype(np.longdouble).mean()
            for values in (latent, reference))  # fmt: skip
    right = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    assert score(latent, reference) == pytest.approx(right, abs=1e-9)


def test_pearson_of_a_reference_that_hardly_varies() -> None:
    latent = RANDOM.normal(size=151).astype(np.float32)
    reference = 1e6 + 1e-6 * (latent + 0.4 * RANDOM.normal(size=151))
    a = latent.astype(np.longdouble) - latent.astype(np.longdouble).mean()
    b = reference.astype(np.longdouble) - reference.astype(np.longdouble).mean()
    right = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    assert score(latent, reference) == pytest.approx(right, abs=1e-6)


def test_rounding_that_a_trend_leaves_correlates_with_nothing() -> None:
    x = np.tile(np.arange(40.0), 40)
    trend = (0.1 * x + 0.3).astype(np.float32)
    noise = RANDOM.normal(size=1600).astype(np.float32)
    for reference in (trend, trend.astype(np.float64)):
        assert math.isnan(score(trend, reference, "pp_spatial", 40))
    assert math.isnan(score(noise, trend, "pp_spatial", 40))
    # What is well above rounding still counts.
    assert score(trend + 1e-4 * noise, trend + 1e-4 * noise, "pp_spatial", 40) == pytest.approx(1)


def test_a_region_of_one_value_makes_the_other_no_surer() -> None:
    scan, below = grid(45, 50), 0
    in_b = np.zeros(2250, bool)
    in_b[-50:] = True
    for seed in range(60):
        values = np.where(in_b, np.random.default_rng(seed).normal(size=2250), 0.0)
        found = differences({"map": values}, ~in_b, in_b, scan)["map"]
        below += found.p < 0.05
    assert below <= 9, "of 60 with equal means"


@pytest.mark.parametrize("scan", [grid(2, 50), None])
def test_two_regions_of_one_value_each_have_no_p(scan: ScanGrid | None) -> None:
    in_b = np.arange(100) >= 50
    found = differences({"map": np.where(in_b, 0.3, 0.1)}, ~in_b, in_b, scan)["map"]
    assert math.isnan(found.p) and np.isnan(found.interval).all()
    assert "one value throughout" in found.reason
    same = differences({"map": np.full(100, 0.1)}, ~in_b, in_b, scan)["map"]
    assert (same.p, same.interval, same.reason) == (1, (0, 0), "")


def test_constants_that_have_no_end_in_binary_do_not_differ() -> None:
    values = np.full(1700, 0.1)
    in_a = np.arange(1700) < 1000
    found = compare(values, in_a, ~in_a)
    assert (found.difference, found.cohens_d, found.hedges_g) == (0, 0, 0)
    assert found.interval == (0, 0)
    values[1000:] = 0.2
    found = compare(values, in_a, ~in_a)
    assert found.cohens_d == -math.inf and found.interval == (-0.1, -0.1)


def test_pairs_count_ties_half_in_whatever_order() -> None:
    scores = np.where(RANDOM.random((200, 3)) < 0.6, 0.0, RANDOM.normal(size=(200, 3)))
    in_a = RANDOM.random((200, 3)) < 0.4
    above, pairs = _pairs_above(scores, in_a)
    right = [roc_auc_score(in_a[:, k], scores[:, k]) for k in range(3)]
    np.testing.assert_allclose(above / pairs, right, rtol=1e-12)
    order = RANDOM.permutation(200)
    np.testing.assert_array_equal(_pairs_above(scores[order], in_a[order])[0], above)


def columns(values: np.ndarray, name: str = "band") -> SampleColumns:
    return SampleColumns(
        values[None].astype(np.float32),
        (name,),
        ("",),
        {},
        joined_by="order",
        unmatched=0,
        unused=0,
    )


def test_groups_of_negative_numbers_are_groups() -> None:
    bands = np.repeat(np.arange(-55, 60, 10), 20)
    found = _of_column(columns(bands), "band")
    np.testing.assert_array_equal(found.number, rankdata(bands, "dense") - 1)
    assert found.texts[0] == "band -55"
    # Among labels, −1 is none.
    labels = np.array([-1, 0, 2, -1, 0])
    found = _of_column(columns(labels), "band")
    assert len(np.unique(found.number)) == 4 and len(found.texts) == 2


def test_whole_years_are_januaries_and_months_are_those_of_the_calendar() -> None:
    np.testing.assert_array_equal(months_of(np.array([2013.0, 1973.0])) % 12, [0, 0])
    np.testing.assert_array_equal(months_of(np.array([2013.0, np.nan]))[:1] // 12, [2013])
    moments = np.arange("2012-01-01T12", "2013-01-01T12", 86_400, dtype="datetime64[s]")
    years = 1970 + moments.astype(np.float64) / 86_400 / 365.25
    right = moments.astype("datetime64[M]").astype(str)
    found = _of_column(columns(years.astype(np.float64), "time"), "time")
    # float32, as columns are, knows the hour: noon is far from a month's end.
    assert [found.texts[number] for number in found.number] == right.tolist()


def test_a_map_and_its_mirror_image_are_told_apart() -> None:
    values = np.arange(20, dtype=np.float32)
    assert _key(("map", values)) != _key(("map", values[::-1]))
    assert _key(("map", values)) == _key(("map", values.copy()))


def test_border_contrast_leaves_out_borders_without_a_distance() -> None:
    found = domains_of([[0, 0, 1], [0, 2, 1]], values=[[0, 1, 5], [0, 9, 6]])
    distance = found.distance.copy()
    apart = (found.labels[found.edges.i] == 2) | (found.labels[found.edges.j] == 2)
    distance[apart] = np.nan  # to a point of another phase
    cut = replace(found, distance=distance)
    np.testing.assert_allclose(cut.border_contrast[:3], [np.nan, 4, 4])


@pytest.mark.parametrize(
    ("dtype", "offset"), [(np.uint32, 2**30), (np.int64, 2**40), (np.uint8, 0)]
)
def test_patterns_of_wide_numbers_keep_their_digits(dtype: type, offset: int) -> None:
    pixels = RANDOM.integers(0, 100, (3, 6, 7))
    found = about_mean((pixels + offset).astype(dtype))
    right = pixels - pixels.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found, right, atol=2e-4)
