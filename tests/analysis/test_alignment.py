"""CKA, Procrustes, spectra and shared neighbors against SciPy, scikit-learn and definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

from latentcore.analysis.alignment import align, residuals, spectrum
from latentcore.analysis.shared_neighbors import (
    asked_rows,
    in_common,
    nearest_others,
    shared_neighbors,
)


@pytest.fixture
def pair():
    """300 samples in two spaces that have some directions in common; the first is off center."""
    rng = np.random.default_rng(0)
    first = 40 + rng.normal(size=(300, 6)) * np.arange(1, 7)
    other = first[:, :4] @ rng.normal(size=(4, 9)) + 5 * rng.normal(size=(300, 9))
    return first.astype(np.float32), other.astype(np.float32)


def gram_cka(first, other) -> float:
    """Linear CKA by the centered n × n kernels, as it is defined."""
    center = np.eye(len(first)) - 1 / len(first)
    k, m = (center @ (values @ values.T) @ center for values in (first, other))
    return (k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum())


def test_cka_is_that_of_the_kernels(pair):
    first, other = (values.astype(np.float64) for values in pair)
    assert align(*pair).cka == pytest.approx(gram_cka(first, other), rel=1e-9)


def test_disparity_is_that_of_scipy(pair):
    first, other = pair
    wide = np.zeros_like(other)
    wide[:, : first.shape[1]] = first
    assert align(first, other).disparity == pytest.approx(procrustes(wide, other)[2], rel=1e-6)
    assert align(other, first).disparity == pytest.approx(procrustes(other, wide)[2], rel=1e-6)


def test_a_rotated_scaled_and_shifted_copy_is_the_same_space(pair):
    first, _ = pair
    turn = ortho_group(6, seed=1).rvs()
    copy = 0.01 * (first @ turn) + 7
    found = align(first, copy)
    assert (found.cka, found.disparity) == pytest.approx((1, 0), abs=1e-9)
    assert residuals(first, copy, found).max() < 1e-3
    near = [nearest_others(values, np.arange(300), 10) for values in (first, copy)]
    assert shared_neighbors(*near, np.arange(300), 300).mean > 0.99


def test_independent_spaces_share_what_chance_gives(pair):
    first, _ = pair
    noise = np.random.default_rng(5).normal(size=(300, 9))
    near = [nearest_others(values, np.arange(300), 30) for values in (first, noise)]
    found = shared_neighbors(*near, np.arange(300), 300)
    assert found.chance == pytest.approx(30 / 299)
    assert found.mean == pytest.approx(found.chance, abs=0.02)
    assert align(first, noise).cka < 0.1


def test_a_constant_space_has_no_alignment(pair):
    found = align(pair[0], np.ones((300, 2)))
    assert np.isnan([found.cka, found.disparity]).all()


@pytest.mark.parametrize("d", [3, 24])
def test_neighbors_are_those_of_all_distances(d):
    points = np.random.default_rng(d).normal(size=(200, d)).astype(np.float32)
    points[7] = points[3]  # on the same place
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    asked = np.array([3, 7, 150])
    found = nearest_others(points, asked, 5)
    for row, near in zip(asked, found, strict=True):
        assert row not in near
        np.testing.assert_allclose(np.sort(distances[row])[:5], distances[row][near])


def test_common_neighbors_are_counted_whatever_their_order():
    first = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    other = np.array([[4, 9, 2, 11], [8, 7, 6, 5]])
    assert in_common(first, other).tolist() == [0.5, 1.0]


def test_of_many_samples_some_are_asked():
    assert asked_rows(100, 0).tolist() == list(range(100))
    some = asked_rows(100, 0, most_pairs=1_000)
    assert len(some) == len(np.unique(some)) == 10
    assert some.tolist() == asked_rows(100, 0, most_pairs=1_000).tolist()


def test_spectra_are_those_of_a_pca(pair):
    first, _ = pair
    fitted = PCA().fit(first.astype(np.float64))
    ratio, variance = fitted.explained_variance_ratio_, fitted.explained_variance_
    found = spectrum(first)
    assert found.participation_ratio == pytest.approx(variance.sum() ** 2 / (variance**2).sum())
    assert found.n_for_95 == int((np.cumsum(ratio) < 0.95).sum()) + 1
    assert found.first_two == pytest.approx(ratio[:2].sum())
    equal = spectrum(np.vstack([np.eye(3), -np.eye(3)]))
    assert (equal.participation_ratio, equal.n_for_95) == (pytest.approx(3), 3)
