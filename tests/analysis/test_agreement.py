"""Agreement of clusters and label maps; scikit-learn is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    adjusted_rand_score,
    completeness_score,
    homogeneity_score,
    normalized_mutual_info_score,
)
from sklearn.metrics.cluster import contingency_matrix
from sklearn.mixture import GaussianMixture

from latentcore.analysis.agreement import MISSING, agree, as_labels, compare_labels
from latentcore.analysis.clusterers import make_clusterer
from latentcore.errors import Cancelled, RequestError, ShapeError
from latentcore.progress import Progress

LABELS = st.lists(st.integers(-1, 4), min_size=1, max_size=60)


@given(LABELS, st.randoms())
def test_label_maps_agree_as_scikit_learn_says(labels, random):
    reference = np.array([random.choice((label, 2, 7)) for label in labels])
    labels = np.array(labels)
    found = compare_labels(labels, reference)
    assert found.ari == adjusted_rand_score(reference, labels)
    assert found.nmi == normalized_mutual_info_score(reference, labels)
    assert found.homogeneity == pytest.approx(homogeneity_score(reference, labels))
    assert found.completeness == pytest.approx(completeness_score(reference, labels))
    np.testing.assert_array_equal(found.contingency, contingency_matrix(labels, reference))
    mapped = np.array([found.mapping[label] for label in labels.tolist()])
    assert found.mapped_accuracy == pytest.approx((mapped == reference).mean())
    assert found.n == len(labels)


def test_points_without_a_label_take_no_part():
    labels = np.array([0, 0, 1, 1, MISSING, 3])
    reference = np.array([5, 5, 6, 6, 6, MISSING])
    found = compare_labels(labels, reference)
    assert (found.n, found.ari, found.labels, found.reference) == (4, 1.0, (0, 1), (5, 6))
    with pytest.raises(RequestError, match="Not one point has both labels"):
        compare_labels(labels[4:], reference[4:])


def test_lengths_must_agree():
    with pytest.raises(ShapeError, match="can't be held against"):
        compare_labels(np.zeros(3, int), np.zeros(4, int))
    with pytest.raises(ShapeError, match="can't go with"):
        agree(np.zeros((5, 2)), np.arange(2), np.zeros(4, int), clusterer=make_clusterer("gmm", {}))


def test_whole_numbers_are_labels_and_others_are_not():
    np.testing.assert_array_equal(as_labels(np.array([-1.0, 3, np.nan]), "c"), [-1, 3, MISSING])
    with pytest.raises(RequestError, match=r"The map Fe holds numbers such as 1.5, not labels"):
        as_labels(np.array([1, 1.5]), "Fe")


@pytest.fixture
def cloud():
    """Return three dimensions: one follows the reference, one is noise, one is constant."""
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 3, 240)
    follows = 4.0 * reference + rng.normal(0, 0.3, 240)
    latents = np.column_stack([rng.normal(size=240), follows, np.ones(240)]).astype(np.float32)
    latents[:10, 1] = np.nan
    return latents, reference


def test_each_dimension_is_clustered_as_scikit_learn_does(cloud):
    latents, reference = cloud
    clusterer = make_clusterer("gmm", {"k_min": 2, "k_max": 4})
    found = agree(latents, np.array([7, 3, 5]), reference, clusterer=clusterer)
    for column in (0, 1):
        finite = np.isfinite(latents[:, column])
        values = latents[finite, column].astype(np.float64)[:, None]
        values = (values - values.mean()) / values.std()
        models = [GaussianMixture(k, random_state=0).fit(values) for k in (2, 3, 4)]
        best = min(models, key=lambda model: model.bic(values))
        labels = best.predict(values)
        assert found.k_latent[column] == best.n_components
        assert found.ari[column] == adjusted_rand_score(reference[finite], labels)
        assert found.nmi[column] == normalized_mutual_info_score(reference[finite], labels)
    assert found.ari[1] == 1.0
    assert found.n.tolist() == [240, 230, 240]
    assert np.isnan(found.ari[2])
    assert found.reasons[:2] == ("", "")
    assert found.reasons[2].startswith("The latent 5 is 1 at each of the 240 points")
    assert found.order("ari").tolist() == [1, 0, 2]


def test_noise_is_a_reference_label_and_missing_is_not(cloud):
    latents, reference = cloud
    clusterer = make_clusterer("gmm", {"k": 3})
    plain = agree(latents[:, 1:2], np.array([3]), reference, clusterer=clusterer)
    noisy = agree(
        latents[:, 1:2], np.array([3]), np.where(reference == 0, -1, reference),
        clusterer=clusterer,
    )  # fmt: skip
    assert plain.ari == noisy.ari == 1
    partly = reference.copy()
    partly[:100] = MISSING
    assert agree(latents[:, :1], np.array([0]), partly, clusterer=clusterer).n.tolist() == [140]


def test_labels_do_not_know_the_order_of_rows(cloud):
    latents, reference = cloud
    clusterer = make_clusterer("gmm", {"k_max": 4})
    mixed = np.random.default_rng(1).permutation(240)
    straight, other = (
        agree(latents[rows], np.arange(3), reference[rows], clusterer=clusterer, order=rows)
        for rows in (np.arange(240), mixed)
    )
    np.testing.assert_array_equal(straight.ari, other.ari)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (np.where(np.arange(240) < 19, 1, MISSING), "Only 19 of 240 points"),
        (np.ones(240, int), "All 240 points have the same reference label"),
    ],
)
def test_a_useless_reference_is_refused(cloud, reference, message):
    with pytest.raises(RequestError, match=message):
        agree(cloud[0], np.arange(3), reference, clusterer=make_clusterer("gmm", {}))


def test_too_few_values_of_one_dimension_are_a_reason(cloud):
    latents, reference = cloud
    latents[15:, 0] = np.nan
    found = agree(latents, np.arange(3), reference, clusterer=make_clusterer("gmm", {"k": 2}))
    assert found.reasons[0].startswith("Latent 0 has 15 finite values")
    assert np.isfinite(found.ari[1])


def test_it_can_be_cancelled(cloud):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        agree(
            cloud[0], np.arange(3), cloud[1], clusterer=make_clusterer("gmm", {}),
            progress=progress,
        )  # fmt: skip
