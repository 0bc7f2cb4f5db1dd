from __future__ import annotations

import numpy as np
import pytest

from latentcore.analysis.latent_maps import cluster_ranges, robust_limits, shading
from latentcore.errors import RequestError, ShapeError


def test_robust_limits_are_percentiles_of_the_finite():
    values = np.append(np.arange(101.0), [np.nan, np.inf])
    assert robust_limits(values) == (2.0, 98.0)
    assert robust_limits(values, low=0, high=100) == (0.0, 100.0)


def test_symmetric_limits_lie_about_zero():
    assert robust_limits([-1.0, 3.0], low=0, high=100, symmetric=True) == (-3.0, 3.0)


def test_nothing_finite_has_limits_all_the_same():
    assert robust_limits([np.nan]) == (0.0, 1.0)
    assert robust_limits([5.0, 5.0]) == (5.0, 5.0)


@pytest.mark.parametrize("n", [1, 2, 3, 50, 51, 1_001])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits_are_those_of_numpy_in_float64(n, dtype):
    values = np.random.default_rng(n).normal(5, 3, n).astype(dtype)
    given = np.concatenate([values, [np.nan, np.inf]]).astype(dtype)
    before = given.copy()
    wanted = np.percentile(values.astype(np.float64), [2, 98])
    assert robust_limits(given) == tuple(wanted)
    np.testing.assert_array_equal(given, before)


def test_senseless_percentiles_are_refused():
    with pytest.raises(RequestError, match="98 and 2"):
        robust_limits([1.0], low=98, high=2)


def test_cluster_ranges_leave_noise_and_nan_out():
    labels = np.repeat([-1, 0, 1, 2], 101)
    latent = np.concatenate([np.full(101, 9.0), np.arange(101.0), -np.arange(101.0),
                             np.full(101, np.nan)])  # fmt: skip
    latent[150] = np.nan
    ranges = cluster_ranges(labels, latent)
    assert set(ranges) == {0, 1}
    assert ranges[1] == (-98.0, -2.0)


def test_shading_places_within_the_clusters_own_range():
    labels = np.array([0, 0, 0, 1, -1, 0])
    latent = np.array([0.0, 5.0, 20.0, 7.0, 3.0, np.nan])
    place = shading(labels, latent, {0: (0.0, 10.0), 1: (7.0, 7.0)})
    np.testing.assert_array_equal(place, [0, 0.5, 1, 0.5, np.nan, np.nan])


def test_lengths_must_agree():
    with pytest.raises(ShapeError, match="2 labels can't be paired with 1 latents"):
        cluster_ranges(np.array([0, 1]), [1.0])
