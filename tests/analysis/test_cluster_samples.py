"""Clusters learned from a sample: what is promised of size, agreement and labels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from latentcore.analysis import cluster_samples
from latentcore.analysis.cluster_samples import fit_rows
from latentcore.analysis.clusterers import dbscan, gaussian_mixture, make_clusterer
from latentcore.analysis.clustering import cluster_features
from latentcore.analysis.features import Features
from latentcore.analysis.separation import compare_scalings, separation
from latentcore.errors import Cancelled, RequestError
from latentcore.progress import Progress

SAMPLED = ("gmm", "kmeans", "hdbscan")


def blobs(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, n)
    return rng.normal(np.array([(0, 0), (6, 0), (0, 6)])[truth], 0.3, (n, 2)), truth


@pytest.fixture
def small(monkeypatch):
    """Let a few hundred points be many."""
    monkeypatch.setattr(cluster_samples, "_SIZES", (100, 200, 400))
    monkeypatch.setattr(cluster_samples, "_FEWEST_LEARNED", 200)
    for name in SAMPLED:
        monkeypatch.setattr(type(make_clusterer(name, {})), "exact_rows", 500)
    monkeypatch.setattr(gaussian_mixture, "_START_ROWS", 200)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", SAMPLED)
class TestSample:
    def test_is_grown_until_two_agree(self, name):
        values, truth = blobs(2_000)
        found = fit_rows(make_clusterer(name, {}), values, None, Progress())
        kept = found.fit.labels >= 0
        assert kept.mean() > 0.9
        assert adjusted_rand_score(truth[kept], found.fit.labels[kept]) == 1
        assert (found.sampling.n, found.sampling.of) == (200, 2_000)
        assert [size for size, _ in found.sampling.checks] == [200]
        assert found.sampling.agreement >= 0.95
        assert "gives the same clusters" in found.fit.notes[-1]

    def test_few_points_are_all_learned_from(self, name):
        values, _ = blobs(500)
        clusterer = make_clusterer(name, {})
        found = fit_rows(clusterer, values, None, Progress())
        assert found.sampling is None
        np.testing.assert_array_equal(found.fit.labels, clusterer.fit(values, Progress()).labels)

    def test_says_where_two_samples_disagree(self, name):
        noise = np.random.default_rng(1).normal(size=(2_000, 2))
        given = {} if name == "hdbscan" else {"k": 7}
        found = fit_rows(make_clusterer(name, given), noise, None, Progress())
        assert found.sampling.n == (200 if name == "gmm" else 400)
        assert found.sampling.agreement < 0.95
        assert "gives other clusters" in found.fit.notes[-1]

    def test_serves_separation_and_the_other_scaling(self, name):
        values, _ = blobs(2_000)
        features = Features(values, ("a", "b"))
        clusterer = make_clusterer(name, {})
        found = cluster_features(features, clusterer=clusterer, sample=300)
        assert found.sampling.n == 300
        shown = separation(features, found, clusterer=clusterer, scaling="standard")
        assert "Both features" in shown.verdict
        assert compare_scalings(features, found, clusterer=clusterer).ari > 0.9


def test_mixtures_of_many_points_begin_where_their_sample_has_ended(monkeypatch):
    # Two of three clusters run into each other: a mixture of two can be had in several ways.
    values = np.random.default_rng(2).normal(size=(3_000, 2))
    values[:, 0] += np.repeat([0, 2, 9], 1_000)
    clusterer = make_clusterer("gmm", {"k": 3})
    cold = clusterer.fit(values, Progress())
    np.testing.assert_array_equal(
        cold.labels, GaussianMixture(3, random_state=0).fit_predict(values)
    )
    monkeypatch.setattr(gaussian_mixture, "_START_ROWS", 400)
    monkeypatch.setattr(gaussian_mixture, "_MOST_LEARNED", 1_000)
    learned = np.random.default_rng(0).permutation(3_000)[:400]
    sample = GaussianMixture(3, random_state=0).fit(values[learned])
    wanted = GaussianMixture(
        3, random_state=0, weights_init=sample.weights_, means_init=sample.means_,
        precisions_init=sample.precisions_,
    ).fit_predict(values)  # fmt: skip
    np.testing.assert_array_equal(clusterer.fit(values, Progress()).labels, wanted)
    monkeypatch.setattr(gaussian_mixture, "_EXACT_ROWS", 1_000)
    sampled = fit_rows(clusterer, values, None, Progress())
    assert sampled.sampling.n == 400
    assert adjusted_rand_score(sampled.fit.labels, wanted) > 0.9


def test_a_cancelled_mixture_ends_at_its_next_iteration():
    counted = []

    def step(done: int, total: int, message: str) -> None:
        counted.append(done)
        progress.cancel()

    progress = Progress(step)
    values = np.random.default_rng(0).normal(size=(200_000, 2))
    with pytest.raises(Cancelled):
        make_clusterer("gmm", {}).fit(values, progress)
    assert counted == [0]


@pytest.mark.parametrize("criterion", ["bic", "aic"])
def test_the_criterion_of_a_sample_is_that_of_all_rows(criterion):
    values, _ = blobs(40_000)
    clusterer = make_clusterer("gmm", {"k_min": 3, "k_max": 6, "criterion": criterion})
    everything = GaussianMixture(3, random_state=0).fit(values)
    found = clusterer.fit_sample(values[:4_000], len(values), Progress())
    wanted = getattr(everything, criterion)(values)
    assert found.scores["by_k"][3] == pytest.approx(wanted, rel=0.01)
    # A mixture of too many must not profit from what is chance in the sample.
    assert found.parameters["k"] == 3 or criterion == "aic"
    n, p = len(values), 17
    assert found.scores["by_k"][3] == pytest.approx(
        n
        / 4_000
        * (
            -8_000 * GaussianMixture(3, random_state=0).fit(values[:4_000]).score(values[:4_000])
            + p
        )
        - p
        + p * (np.log(n) if criterion == "bic" else 2),
        rel=1e-12,
    )


def test_a_least_size_counts_points_of_all():
    values, _ = blobs(600)
    found = make_clusterer("hdbscan", {"min_cluster_size": 150})
    sampled = found.fit_sample(values[:200], 600, Progress())
    own = dataclasses.replace(found, min_cluster_size=50, min_samples=50)
    np.testing.assert_array_equal(sampled.labels, own.fit(values[:200], Progress()).labels)
    assert sampled.parameters["min_cluster_size"] == 150


def test_too_small_a_sample_is_refused():
    with pytest.raises(RequestError, match="A sample of 1 points can't hold clusters"):
        fit_rows(make_clusterer("gmm", {}), blobs(50)[0], 1, Progress())


@pytest.mark.parametrize(
    ("d", "eps", "grid"), [(1, 0.02, 0), (2, 0.15, 0), (2, 0.1, 10), (3, 0.3, 0)]
)
def test_dbscan_by_cells_gives_the_labels_of_scikit_learn(monkeypatch, d, eps, grid):
    values = np.random.default_rng(d).normal(size=(2_000, d))
    if grid:  # neighbors at exactly eps, as a map of whole numbers has them
        values = np.round(values * grid) / grid
        eps = float(values[values > 0].min())
    monkeypatch.setattr(dbscan, "_BY_NEIGHBORHOODS", 0)
    clusterer = make_clusterer("dbscan", {"eps": eps, "min_samples": 12})
    wanted = DBSCAN(eps=eps, min_samples=12).fit(values).labels_
    assert wanted.max() > 0
    np.testing.assert_array_equal(clusterer.fit(values, Progress()).labels, wanted)
