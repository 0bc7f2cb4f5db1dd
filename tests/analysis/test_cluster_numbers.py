"""Numbers that clusters keep."""

from __future__ import annotations

import itertools

import numpy as np

from latentcore.analysis.cluster_numbers import numbers_of, renumbered
from latentcore.containers import Clustering


def test_the_most_points_keep_their_number():
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels, reference = rng.integers(-1, 4, (2, 60))
        found = numbers_of(labels, reference)
        kept = max(
            sum(int(((labels == a) & (reference == b)).sum()) for a, b in enumerate(order))
            for order in itertools.permutations(range(4))
        )
        own = np.array([found.get(int(label), -1) for label in labels])
        assert ((own == reference) & (own >= 0)).sum() == kept


def test_new_clusters_take_new_numbers_and_noise_stays():
    labels = np.array([0, 0, 1, 1, 2, -1], np.int32)
    reference = np.array([5, 5, -1, -1, 2, 2], np.int32)
    numbers = numbers_of(labels, reference)
    assert numbers == {0: 5, 1: 6, 2: 2}
    found = renumbered(Clustering(labels, "gmm"), numbers)
    assert found.labels.tolist() == [5, 5, 6, 6, 2, -1]
    assert found.parameters["numbers"] == numbers
    assert numbers_of(labels, np.full(6, -1)) == {0: 0, 1: 1, 2: 2}
