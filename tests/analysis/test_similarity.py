"""The nearest latents, against scikit-learn's brute force and plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.neighbors import NearestNeighbors

from latentcore.analysis.similarity import METRICS, SearchTable, similarity_of
from latentcore.errors import RequestError, ShapeError


@pytest.fixture(scope="module")
def latents():
    return np.random.default_rng(0).normal(size=(5000, 24)).astype(np.float32)


def by_hand(values, query, metric):
    """Return every distance by the definition, NaN where a row isn't finite."""
    wide, query = values.astype(np.float64), np.asarray(query, np.float64)
    if metric == "euclidean":
        distance = np.sqrt(((wide - query) ** 2).sum(axis=1))
    else:
        norms = np.sqrt((wide**2).sum(axis=1))
        lengths = np.where(norms > 0, norms, 1) * np.sqrt((query**2).sum())
        distance = 1 - np.clip((wide * query).sum(axis=1) / lengths, -1, 1)
    distance[~np.isfinite(values).all(axis=1)] = np.nan
    return distance


@pytest.mark.parametrize("metric", METRICS)
def test_equals_brute_force_of_scikit_learn(latents, metric):
    queries = latents[[3, 77, 4999]]
    brute = NearestNeighbors(n_neighbors=12, algorithm="brute", metric=metric)
    distances, rows = brute.fit(latents.astype(np.float64)).kneighbors(queries.astype(np.float64))
    table = SearchTable.of(latents)
    for query, distance, row in zip(queries, distances, rows, strict=True):
        found = table.nearest(query, 12, metric=metric)
        np.testing.assert_array_equal(found.rows, row)
        np.testing.assert_allclose(found.distance, distance, atol=1e-7)


@pytest.mark.parametrize("metric", METRICS)
def test_the_querys_own_row_can_be_left_out(latents, metric):
    table = SearchTable.of(latents)
    with_it = table.nearest(latents[9], 6, metric=metric)
    without = table.nearest(latents[9], 5, metric=metric, exclude=9)
    assert with_it.rows[0] == 9
    assert with_it.distance[0] == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(without.rows, with_it.rows[1:])


@pytest.mark.parametrize("metric", METRICS)
def test_rows_far_from_zero_and_near_each_other_are_ordered_exactly(metric):
    # Collapsed latents: what tells rows apart is lost in a float32 product.
    rng = np.random.default_rng(1)
    values = (5 + 1e-4 * rng.normal(size=(800, 8))).astype(np.float32)
    found = SearchTable.of(values).nearest(values[0], 20, metric=metric)
    expected = by_hand(values, values[0], metric)
    np.testing.assert_array_equal(found.rows, np.lexsort((np.arange(800), expected))[:20])


few = st.sampled_from([0.0, 1.0, -1.0, 3.0, np.nan, 1e-30, 1e30])
tables = arrays.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=few)


# How fast a busy machine draws the values says nothing about them.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables, st.integers(1, 15), st.sampled_from(METRICS), st.data())
def test_duplicates_zeros_and_missing_rows(values, k, metric, data):
    query = values[data.draw(st.integers(0, len(values) - 1))]
    table = SearchTable.of(values)
    if not np.isfinite(query).all() or (metric == "cosine" and not query.any()):
        with pytest.raises(RequestError):
            table.nearest(query, k, metric=metric)
        return
    expected = by_hand(values, query, metric)
    order = np.lexsort((np.arange(len(values)), expected))
    order = order[np.isfinite(expected[order])][:k]
    found = table.nearest(query, k, metric=metric)
    np.testing.assert_array_equal(found.rows, order)
    np.testing.assert_array_equal(found.distance, expected[order])
    np.testing.assert_array_equal(table.distances(query, metric), expected)
    assert table.n_searched == np.isfinite(expected).sum()


def test_rows_that_float64_cannot_distinguish_come_in_their_order():
    values = np.ones((5, 3), np.float32)
    values[0, 0], values[3, 0] = 1e30, 0.0  # row 3 is farther from row 0, by less than rounding
    found = SearchTable.of(values).nearest(values[0], 4, metric="euclidean")
    np.testing.assert_array_equal(found.rows, [0, 1, 2, 3])


@pytest.mark.parametrize("metric", METRICS)
def test_equal_rows_come_in_their_order(metric):
    values = np.tile(np.random.default_rng(2).normal(size=(3, 200)), (50, 1))
    found = SearchTable.of(values).nearest(values[0], 60, metric=metric)
    np.testing.assert_array_equal(found.rows[:50], np.arange(0, 150, 3))
    np.testing.assert_array_equal(found.rows[50:], found.rows[50] + 3 * np.arange(10))


def test_distances_agree_with_the_neighbors_bit_for_bit(latents):
    table = SearchTable.of(latents)
    for metric in METRICS:
        found = table.nearest(latents[5], 30, metric=metric)
        distances = table.distances(latents[5], metric)
        np.testing.assert_array_equal(distances[found.rows], found.distance)
        np.testing.assert_array_equal(similarity_of(distances, metric)[found.rows],
                                      found.similarity)  # fmt: skip
        assert (np.diff(found.similarity) <= 0).all()


def test_a_row_of_zeros_has_cosine_zero():
    values = np.array([[1, 0], [0, 0], [-1, 0]], np.float32)
    found = SearchTable.of(values).nearest([2, 0], 3)
    np.testing.assert_array_equal(found.similarity, [1, 0, -1])


def test_what_makes_no_sense_is_refused(latents):
    table = SearchTable.of(latents)
    with pytest.raises(RequestError, match="at least 1"):
        table.nearest(latents[0], 0)
    with pytest.raises(RequestError, match="one of cosine, euclidean"):
        table.nearest(latents[0], 3, metric="manhattan")
    with pytest.raises(RequestError, match="no direction"):
        table.nearest(np.zeros(24), 3)
    with pytest.raises(RequestError, match="not finite"):
        table.nearest(np.full(24, np.nan), 3)
    with pytest.raises(ShapeError, match="24 dimensions"):
        table.nearest(np.ones(7), 3)
    with pytest.raises(ShapeError, match="shape"):
        SearchTable.of(np.ones(7))
