"""Clusters of (latent, band contrast): joining, scaling, order, and the published numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from latentcore.analysis.clusterers import make_clusterer
from latentcore.analysis.clustering import (
    FeatureChoice,
    chosen_features,
    cluster,
    cluster_features,
    latent_and_band_contrast,
)
from latentcore.analysis.features import Features
from latentcore.analysis.separation import between_shares, compare_scalings, eta_squared, separation
from latentcore.containers import LatentSet, later, later_sample_ids
from latentcore.errors import RequestError, ShapeError

KMEANS2 = make_clusterer("kmeans", {"k": 2})


def two_groups(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    latent = np.concatenate([rng.normal(-1, 0.1, 50), rng.normal(1, 0.1, 50)])
    return latent.astype(np.float32), rng.normal(100, 20, 100)


def test_rows_without_a_finite_pair_are_minus_one():
    latent, contrast = two_groups()
    latent[3], contrast[7], contrast[9] = np.nan, np.nan, np.inf
    found = cluster(latent, contrast, clusterer=KMEANS2)
    assert found.labels[[3, 7, 9]].tolist() == [-1, -1, -1]
    assert found.counts[-1] == 3
    assert found.parameters["n_used"] == 97


def test_standardization_is_recorded():
    latent, contrast = two_groups()
    features = cluster(latent, contrast, clusterer=KMEANS2).parameters["features"]
    assert features["latent"]["mean"] == pytest.approx(latent.astype(float).mean())
    assert features["bandcontrast"]["sd"] == pytest.approx(contrast.std())


def test_standardized_latent_decides_where_the_raw_one_cannot():
    latent, contrast = two_groups()
    truth = np.repeat([0, 1], 50)
    standard = cluster(latent * 1e-4, contrast, clusterer=KMEANS2)
    raw = cluster(latent * 1e-4, contrast, clusterer=KMEANS2, scaling="none")
    assert adjusted_rand_score(truth, standard.labels) > 0.9
    assert adjusted_rand_score(truth, raw.labels) < 0.1


@pytest.mark.parametrize("name", ["gmm", "kmeans", "dbscan", "hdbscan"])
def test_with_an_order_the_rows_may_come_in_any(name):
    rng = np.random.default_rng(3)
    latent, contrast = rng.normal(size=300), rng.normal(size=300)
    node = np.arange(300)
    shuffled = rng.permutation(300)
    settings = {"clusterer": make_clusterer(name, {})}
    straight = cluster(latent, contrast, order=node, **settings)
    other = cluster(latent[shuffled], contrast[shuffled], order=node[shuffled], **settings)
    np.testing.assert_array_equal(straight.labels[shuffled], other.labels)


def test_any_number_of_features():
    values = np.random.default_rng(0).normal(size=(50, 5))
    names = tuple("abcde")
    found = cluster_features(Features(values, names), clusterer=KMEANS2)
    assert tuple(found.parameters["features"]) == names


def test_lengths_must_agree():
    with pytest.raises(ShapeError, match="3 latents can't be paired with 2 band contrasts"):
        cluster([1.0, 2.0, 3.0], [1.0, 2.0], clusterer=KMEANS2)


@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_constant_latent_is_refused(scaling):
    with pytest.raises(RequestError, match="The latent is 2 at each of the 3 points"):
        cluster([2.0, 2.0, 2.0], [1.0, 2.0, 3.0], clusterer=KMEANS2, scaling=scaling)


def test_nothing_finite_is_refused():
    with pytest.raises(RequestError, match="0 of 2 points have a finite latent and bandcontrast"):
        cluster([np.nan, 1.0], [1.0, np.nan], clusterer=KMEANS2)


def test_unknown_scaling_is_refused():
    with pytest.raises(RequestError, match="scaling must be one of standard, none"):
        cluster([1.0, 2.0], [1.0, 2.0], clusterer=KMEANS2, scaling="robust")


class TestSeparation:
    def test_shares_follow_their_definition(self):
        values = np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]])
        labels = np.array([0, 0, 1, 1])
        np.testing.assert_allclose(between_shares(values, labels), [1.0, 0.0])
        np.testing.assert_allclose(eta_squared(values, labels), [1.0, 0.0])

    def test_shares_sum_to_one_and_leave_noise_out(self):
        values = np.random.default_rng(0).normal(size=(100, 3))
        labels = np.random.default_rng(1).integers(-1, 4, 100)
        shares = between_shares(values, labels)
        assert shares.sum() == pytest.approx(1)
        assert ((shares >= 0) & (shares <= 1)).all()
        kept = labels >= 0
        np.testing.assert_allclose(shares, between_shares(values[kept], labels[kept]))

    def test_eta_squared_does_not_know_units(self):
        values = np.random.default_rng(0).normal(size=(100, 2))
        labels = np.random.default_rng(1).integers(0, 3, 100)
        np.testing.assert_allclose(
            eta_squared(values, labels), eta_squared(values * [1e-4, 255] + [3, 7], labels)
        )

    def test_one_cluster_separates_nothing(self):
        assert np.isnan(between_shares(np.eye(3), np.zeros(3, int))).all()
        assert np.isnan(eta_squared(np.eye(3), np.full(3, -1))).all()
        one = make_clusterer("kmeans", {"k": 1})
        features = latent_and_band_contrast([1.0, 2.0, 3.0], [3.0, 1.0, 2.0])
        found = cluster_features(features, clusterer=one)
        message = separation(features, found, clusterer=one, scaling="standard")
        assert "fewer than two clusters" in message.verdict
        assert message.share == {"latent": None, "bandcontrast": None}

    def test_a_threshold_is_called_one(self):
        latent, contrast = two_groups()
        features = latent_and_band_contrast(latent * 1e-4, contrast)
        found = cluster_features(features, clusterer=KMEANS2, scaling="none")
        message = separation(features, found, clusterer=KMEANS2, scaling="none")
        assert message.alone_ari["bandcontrast"] == 1.0
        assert message.verdict == (
            "These clusters follow band contrast alone: KMeans on band contrast gives the same "
            "labels, ARI 1.00."
        )

    def test_joint_clusters_are_called_joint(self):
        rng = np.random.default_rng(0)
        corner = rng.integers(0, 2, (400, 2))
        values = corner * 4.0 + rng.normal(0, 0.3, (400, 2))
        four = make_clusterer("kmeans", {"k": 4})
        features = latent_and_band_contrast(*values.T)
        found = cluster_features(features, clusterer=four)
        message = separation(features, found, clusterer=four, scaling="standard")
        assert message.verdict.startswith("Both features separate these clusters")
        assert message.share["latent"] == pytest.approx(0.5, abs=0.05)


@pytest.fixture(scope="module")
def published(shared_data):
    folder = shared_data / "roi_x350_420_y70_140_dim512"
    tables = {
        method: pd.read_csv(
            folder / f"clusters/cluster_assignments__d512_x_350_420_y_70_140_{method}.csv"
        )
        for method in ("gmm", "kmeans", "dbscan")
    }
    latent = np.load(folder / "latents_npy/latent_d40_roi_vs_bandcontrast_pearson.npy")
    features = latent_and_band_contrast(latent, tables["gmm"]["bandcontrast"])
    return features, {method: table["cluster"].to_numpy() for method, table in tables.items()}


class TestPublished:
    def test_gmm(self, published):
        features, labels = published
        found = cluster_features(features, clusterer=make_clusterer("gmm", {}), scaling="none")
        assert found.parameters["k"] == 7
        assert found.scores["value"] == pytest.approx(-13143.168560424265, rel=1e-9)
        np.testing.assert_array_equal(found.labels, labels["gmm"])

    def test_kmeans(self, published):
        features, labels = published
        clusterer = make_clusterer("kmeans", {})
        found = cluster_features(features, clusterer=clusterer, scaling="none")
        np.testing.assert_array_equal(found.labels, labels["kmeans"])
        message = separation(features, found, clusterer=clusterer, scaling="none")
        assert message.alone_ari["bandcontrast"] == 1.0
        assert message.share["bandcontrast"] > 0.999999
        assert "follow band contrast alone" in message.verdict

    def test_dbscan(self, published):
        features, labels = published
        found = cluster_features(features, clusterer=make_clusterer("dbscan", {}), scaling="none")
        assert found.parameters["eps"] == pytest.approx(1.0000000024027205, rel=1e-15)
        assert found.parameters["min_samples"] == 20
        np.testing.assert_array_equal(found.labels, labels["dbscan"])

    def test_the_default_run_says_what_differs(self, published):
        features, labels = published
        clusterer = make_clusterer("gmm", {})
        found = cluster_features(features, clusterer=clusterer)
        assert found.parameters["k"] == 6
        finite = features.finite
        assert adjusted_rand_score(labels["gmm"][finite], found.labels[finite]) == pytest.approx(
            0.41, abs=0.005
        )
        message = compare_scalings(features, found, clusterer=clusterer)
        assert (message.scaling, message.k) == ("none", 7)
        assert message.ari == pytest.approx(0.4116, abs=1e-4)
        assert message.share["bandcontrast"] > 0.999999
        assert "7 clusters instead of 6, ARI 0.41" in message.text

    def test_kmeans_equals_the_estimator_itself(self, published):
        features, _ = published
        values = features.values[features.finite]
        found = cluster_features(features, clusterer=make_clusterer("kmeans", {}), scaling="none")
        model = KMeans(3, n_init="auto", random_state=0).fit(values)
        np.testing.assert_array_equal(found.labels[features.finite], model.labels_)
        assert found.scores["value"] == pytest.approx(model.inertia_)


class CountedReads:
    """Latents in a file, as far as a `LatentSet` knows, and how many of their rows were read."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.rows_read = values, values.shape, 0

    def read(self, rows: slice) -> np.ndarray:
        self.rows_read += len(self.values[rows])
        return self.values[rows]

    def load(self) -> np.ndarray:
        raise AssertionError("all at once")


def test_features_of_large_latents_are_read_once_for_all_dimensions():
    n, d = 300_000, 9
    values = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    values[:, 3], values[5, 4], values[:, 6] = 2, np.nan, np.nan
    stored = CountedReads(values)
    latents = LatentSet(
        later(stored.load), later_sample_ids(n), np.arange(d, dtype=np.int32), stored=stored
    )
    contrast = np.arange(n, dtype=np.float32)
    maps = {"contrast": contrast}
    found = chosen_features(FeatureChoice((8, 0, 5), ("contrast",)), latents, maps)
    assert stored.rows_read == n
    assert found.names == ("latent_d8", "latent_d0", "latent_d5", "contrast")
    wanted = np.column_stack([values[:, [8, 0, 5]], contrast])
    np.testing.assert_array_equal(found.values, wanted)
    found = chosen_features(FeatureChoice(None), latents, {})
    np.testing.assert_array_equal(found.values, values[:, [0, 1, 2, 4, 5, 7, 8]])
    assert stored.rows_read == 3 * n  # all of a dimension must be seen that has but one value
