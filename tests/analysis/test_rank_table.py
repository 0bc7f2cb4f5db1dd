"""Ranks of dimensions by several metrics, and straight lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress, spearmanr

from latentcore.analysis.rank_table import (
    metric_likeness,
    rank_numbers,
    scores_table,
    top_dims,
    top_ranks,
)
from latentcore.analysis.regression import least_squares
from latentcore.containers import Ranking


@pytest.fixture
def ranking():
    rng = np.random.default_rng(0)
    scores = {"pearson": rng.uniform(-1, 1, 40), "mi": rng.uniform(0, 1, 40)}
    scores["pearson"][3] = scores["mi"][3] = np.nan
    reasons = tuple("constant" if row == 3 else "" for row in range(40))
    dims = rng.permutation(40).astype(np.int32)
    return Ranking(dims, scores, frozenset({"pearson"}), np.full(40, 9, np.int32), reasons)


def test_the_strongest_has_rank_one(ranking):
    numbers = rank_numbers(ranking)
    assert np.nanargmin(numbers[:, 0]) == np.nanargmax(np.abs(ranking.scores["pearson"]))
    assert np.nanargmin(numbers[:, 1]) == np.nanargmax(ranking.scores["mi"])
    assert np.isnan(numbers[3]).all()
    for column in numbers.T:
        assert sorted(column[np.isfinite(column)]) == list(range(1, 40))


def test_top_dimensions_have_a_score(ranking):
    assert top_dims(ranking, "mi", 2) == ranking.order("mi")[:2].tolist()
    assert len(top_dims(ranking, "mi", 100)) == 39
    dims, ranks = top_ranks(ranking, 3)
    assert set(dims.tolist()) == {*top_dims(ranking, "pearson", 3), *top_dims(ranking, "mi", 3)}
    assert (np.diff(ranks.mean(axis=1)) >= 0).all()
    assert top_ranks(ranking, 0)[1].shape == (0, 2)


def test_likeness_is_spearmans_correlation_of_the_rankings(ranking):
    found = metric_likeness(ranking)
    strength = np.abs(ranking.scores["pearson"]), ranking.scores["mi"]
    wanted = spearmanr(*strength, nan_policy="omit").statistic
    np.testing.assert_allclose(found, [[1, wanted], [wanted, 1]], rtol=1e-9)
    few = Ranking(
        np.arange(2, dtype=np.int32), {"mi": np.array([1.0, 2.0])}, frozenset(),
        np.full(2, 9, np.int32), ("", ""),
    )  # fmt: skip
    assert np.isnan(metric_likeness(few)).all()


def test_table_begins_with_the_strongest_pearson(ranking):
    table = scores_table(ranking)
    assert table.columns.tolist() == ["dim", "pearson", "mi", "n", "reason"]
    assert (np.diff(table["pearson"].abs().dropna()) <= 0).all()
    assert table["reason"].iloc[-1] == "constant"


@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=3, max_size=40),
    st.floats(1e-4, 1e4),
)
def test_lines_are_those_of_scipy(points, scale):
    x, y = np.array(points).T
    x = x * scale
    if np.ptp(x) < 1e-3 * scale or np.ptp(y) < 1e-3:
        return
    found, wanted = least_squares(x, y), linregress(x, y)
    assert found.slope == pytest.approx(wanted.slope, rel=1e-6, abs=1e-9 / scale)
    assert found.intercept == pytest.approx(wanted.intercept, rel=1e-6, abs=1e-6)
    assert found.r_squared == pytest.approx(wanted.rvalue**2, abs=1e-9)
    np.testing.assert_allclose(found.at(x), wanted.intercept + wanted.slope * x, atol=1e-5)


@pytest.mark.parametrize("x", [[1.0, 1.0, 1.0], [np.nan, np.nan, 2.0]])
def test_there_is_no_line_through_one_place(x):
    found = least_squares(x, [1.0, 2.0, 3.0])
    assert np.isnan(found.slope)
    assert found.n == int(np.isfinite(x).sum())
