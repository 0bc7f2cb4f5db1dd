"""Novelty against scikit-learn, and its percentiles against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from latentcore.analysis.novelty import Reference, parts_at_random, parts_by_group
from latentcore.errors import RequestError, ShapeError


@pytest.fixture
def draw():
    """Samples of one kind: two groups in 6 dimensions, far from 0."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 6))

    def samples(n: int) -> np.ndarray:
        group = rng.integers(0, 2, n)
        return (rng.normal(size=(n, 6)) + 4 * group[:, None]) @ mixing + 50

    return samples


def everything(n: int) -> np.ndarray:
    return np.ones(n, np.bool_)


def test_distances_are_those_of_scikit_learn_and_of_all_pairs(draw):
    known, new = draw(400), draw(30)
    parts = parts_at_random(everything(400), 3)
    found = Reference(known, parts, 5).judge(new)
    fitted = known[parts.fitted]
    expected = np.sqrt(LedoitWolf().fit(fitted).mahalanobis(new))
    np.testing.assert_allclose(found.distances.mahalanobis, expected)
    near = np.sort(cdist(new, fitted), axis=1)[:, :5].mean(axis=1)
    np.testing.assert_allclose(found.distances.neighbors, near, rtol=1e-5)


def test_percentiles_of_the_same_kind_are_uniform_and_of_another_near_100(draw):
    known = draw(4000)
    reference = Reference(known, parts_at_random(everything(4000), 0), 10)
    same = reference.judge(draw(2000))
    for values in (same.percentile, same.percentile_mahalanobis, same.percentile_neighbors):
        assert stats.kstest(values / 100, "uniform").statistic < 0.05
    # Between both groups: no farther from the mean than others, but nothing is near.
    gap = draw(2000).mean(axis=0) + 0.05 * np.random.default_rng(1).normal(size=(50, 6))
    found = reference.judge(gap)
    assert np.median(found.percentile) > 95
    assert np.median(found.percentile_mahalanobis) < 50
    assert reference.judge(draw(50) + 40).percentile.min() > 99.9


def test_the_farther_of_two_that_are_both_far_comes_first(draw):
    reference = Reference(draw(200), parts_at_random(everything(200), 0), 5)
    found = reference.judge(np.array([[500.0] * 6, [5000.0] * 6, [np.nan] * 6]))
    assert found.percentile[0] == found.percentile[1] > 98
    assert np.isnan(found.percentile[2])
    assert np.isnan(found.distances.neighbors[2])


def test_a_quarter_is_set_aside_whole_groups_at_a_time():
    encoded = everything(400)
    encoded[::40] = False
    parts = parts_at_random(encoded, 0)
    assert len(parts.calibrating) == round(390 / 4)
    together = np.concatenate([parts.fitted, parts.calibrating])
    assert sorted(together) == np.flatnonzero(encoded).tolist()
    groups = np.arange(400) // 20
    parts = parts_by_group(encoded, groups, 0)
    assert not set(groups[parts.fitted]) & set(groups[parts.calibrating])
    assert len(parts.calibrating) >= round(390 / 4)
    assert parts_by_group(encoded, groups, 0).fitted.tolist() == parts.fitted.tolist()
    assert parts_by_group(encoded, groups, 1).fitted.tolist() != parts.fitted.tolist()


def test_too_small_a_reference_and_other_dimensions_are_refused(draw):
    with pytest.raises(RequestError, match="at least 40"):
        parts_at_random(everything(39), 0)
    with pytest.raises(RequestError, match="too small to set whole squares"):
        parts_by_group(everything(60), np.zeros(60, np.int64), 0)
    reference = Reference(draw(100), parts_at_random(everything(100), 0), 5)
    with pytest.raises(ShapeError, match="3 dimensions can't be held against a reference of 6"):
        reference.judge(np.zeros((5, 3)))
