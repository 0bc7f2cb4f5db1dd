"""The median distance, exactly that of the listed pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import pdist

from latentcore.analysis.ranking._median_distance import median_distance


def listed(values):
    distances = pdist(values[:, None])
    return np.median(distances[distances > 0])


@settings(max_examples=100, deadline=None)
@given(
    arrays.arrays(np.float64, st.integers(2, 90), elements=st.floats(-1e6, 1e6, width=32)),
    st.sampled_from([0, 1, 10]),
)
def test_few_values(values, digits):
    values = np.sort(np.round(values, 10 - digits))
    assume(values[0] < values[-1])
    assert median_distance(values) == listed(values)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "kind",
    [
        lambda random: random.normal(size=3001),
        lambda random: random.integers(0, 256, 3000).astype(float),
        lambda random: random.integers(0, 2, 3000).astype(float),
        lambda random: random.standard_cauchy(3000),
        lambda random: np.exp(5 * random.normal(size=3000)),
        lambda random: np.concatenate([np.zeros(2500), random.normal(size=400)]),
        lambda random: np.concatenate([np.zeros(1500), np.ones(1500), random.normal(size=7)]),
        lambda random: np.arange(2000.0),
    ],
)
def test_many_values(kind, seed):
    values = np.sort(kind(np.random.default_rng(seed)))
    assert median_distance(values) == listed(values)
