"""Scaled rows are what scaling all of them gives, without a scaled copy of all."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from latentcore.analysis.features import Features
from latentcore.analysis.scaled_rows import columns_of


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_columns_and_masks_are_those_of_the_scaled_table(kind: type) -> None:
    rng = np.random.default_rng(0)
    table = (rng.normal(size=(500, 3)) * [1e-4, 1, 80] + [0, -3, 120]).astype(kind)
    table[[4, 77], [0, 2]] = np.nan
    order = rng.permutation(500)
    used = Features(table, ("a", "b", "c"), order, {"b": 4.0}).use("standard")
    kept = np.flatnonzero(np.isfinite(table).all(axis=1))
    kept = kept[np.argsort(order[kept])]
    np.testing.assert_array_equal(used.rows, kept)
    scaled = StandardScaler().fit_transform(table[kept].astype(np.float64)) * [1, 2, 1]
    assert used.values.shape == scaled.shape == (498, 3)
    numbers, mask = rng.integers(0, 498, 50), rng.random(498) < 0.3
    for which in (slice(None), slice(10, 90), numbers, mask):
        np.testing.assert_allclose(used.values[which], scaled[which], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(np.stack(list(columns_of(used.values)), 1), used.values[:])
    np.testing.assert_array_equal(np.stack(list(columns_of(scaled)), 1), scaled)


def test_no_copy_of_all_rows_is_made() -> None:
    table = np.random.default_rng(0).normal(size=(200_000, 24)).astype(np.float32)
    features = Features(table, tuple(f"f{k}" for k in range(24)), np.arange(200_000)[::-1])
    tracemalloc.start()
    used = features.use("standard")
    assert used.variance_shares.sum() == pytest.approx(1)
    used.values[:1000]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < table.nbytes / 2
