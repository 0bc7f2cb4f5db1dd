"""Conformance of every clusterer, and what each promises by itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from latentcore.analysis.clusterers import (
    CLUSTERERS,
    dbscan,
    gaussian_mixture,
    hdbscan,
    make_clusterer,
)
from latentcore.analysis.parameters import parameter_of
from latentcore.errors import Cancelled, RequestError, UnknownNameError
from latentcore.progress import Progress


def blobs(n: int = 60, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(center, 0.3, (n, 2)) for center in ((0, 0), (6, 0), (0, 6))])


TRUTH = np.repeat([0, 1, 2], 60)


@pytest.mark.parametrize("name", CLUSTERERS.names())
class TestEveryClusterer:
    def test_finds_separate_blobs(self, name):
        fit = make_clusterer(name, {}).fit(blobs(), Progress())
        kept = fit.labels >= 0
        assert fit.labels.dtype == np.int32
        assert kept.mean() > 0.9
        assert adjusted_rand_score(TRUTH[kept], fit.labels[kept]) == 1.0
        assert fit.parameters["k"] == 3

    def test_is_deterministic(self, name):
        first, second = (make_clusterer(name, {}).fit(blobs(), Progress()) for _ in range(2))
        np.testing.assert_array_equal(first.labels, second.labels)
        assert first.scores == second.scores

    def test_float32_gives_the_labels_of_float64(self, name):
        values = blobs().astype(np.float32)
        narrow = make_clusterer(name, {}).fit(values, Progress())
        wide = make_clusterer(name, {}).fit(values.astype(np.float64), Progress())
        np.testing.assert_array_equal(narrow.labels, wide.labels)

    def test_records_every_parameter_with_a_value(self, name):
        clusterer = make_clusterer(name, {})
        found = clusterer.fit(blobs(), Progress()).parameters
        for declared in dataclasses.fields(clusterer):
            assert declared.name in found
            assert found[declared.name] is not None

    def test_names_engine_and_version(self, name):
        engine = make_clusterer(name, {}).fit(blobs(), Progress()).engine
        assert engine.split()[0] in ("scikit-learn", "hdbscan")
        assert engine.split()[1][0].isdigit()

    def test_says_how_each_field_is_asked_for(self, name):
        for declared in dataclasses.fields(CLUSTERERS.get(name)):
            details = parameter_of(declared)
            assert details.help
            assert details.automatic or declared.default is not None

    def test_stops_when_cancelled(self, name):
        progress = Progress()
        progress.cancel()
        with pytest.raises(Cancelled):
            make_clusterer(name, {}).fit(blobs(), progress)

    def test_few_points_are_refused_with_the_number(self, name):
        with pytest.raises(RequestError, match="2"):
            make_clusterer(name, {}).fit(np.array([[0.0, 1.0], [1.0, 0.0]]), Progress())


def test_unknown_method_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"'gmmm'.*Did you mean 'gmm'"):
        make_clusterer("gmmm", {})


def test_foreign_parameter_is_refused():
    with pytest.raises(RequestError, match=r"kmeans has no parameter 'eps'.*k, n_init, seed"):
        make_clusterer("kmeans", {"eps": 1.0})


def test_seed_is_passed_over_where_nothing_is_drawn():
    assert make_clusterer("dbscan", {"seed": 3}) == make_clusterer("dbscan", {})
    assert make_clusterer("gmm", {"seed": 3}).seed == 3


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("gmm", {"k": 0}, "k must be ≥ 1, but is 0"),
        ("gmm", {"k_min": 5, "k_max": 3}, "k_min = 5 is above k_max = 3"),
        ("gmm", {"criterion": "cic"}, "bic, aic, but is 'cic'"),
        ("kmeans", {"k": 0}, "k must be ≥ 1"),
        ("kmeans", {"n_init": 0}, "n_init must be ≥ 1"),
        ("gmm", {"seed": -1}, "seed must be from 0 to 4294967295, but is -1"),
        ("kmeans", {"seed": 1 << 32}, "but is 4294967296"),
        ("dbscan", {"eps": 0.0}, "eps must be > 0, but is 0"),
        ("dbscan", {"eps": -1.0}, "eps must be > 0, but is -1"),
        ("dbscan", {"min_samples": 0}, "min_samples must be ≥ 1"),
        ("hdbscan", {"min_cluster_size": 1}, "min_cluster_size must be ≥ 2"),
    ],
)
def test_senseless_parameters_are_refused(name, given, message):
    with pytest.raises(RequestError, match=message):
        make_clusterer(name, given)


@pytest.mark.parametrize("name", ["gmm", "kmeans"])
def test_more_clusters_than_points_are_refused(name):
    with pytest.raises(RequestError, match=r"4 clusters .* only 3 points"):
        make_clusterer(name, {"k": 4}).fit(np.eye(3), Progress())


def test_more_clusters_than_different_points_are_refused():
    values = np.repeat(np.eye(3), 10, axis=0)
    with pytest.raises(RequestError, match="30 points have only 3 different values"):
        make_clusterer("kmeans", {"k": 4}).fit(values, Progress())


def test_gmm_says_where_k_max_ends_the_search():
    stopped = make_clusterer("gmm", {"k_max": 2, "k_min": 1}).fit(blobs(), Progress())
    assert stopped.parameters["k"] == 2
    assert stopped.notes[0].startswith("BIC still falls at k_max = 2")
    assert not make_clusterer("gmm", {}).fit(blobs(), Progress()).notes
    assert not make_clusterer("gmm", {"k": 2}).fit(blobs(), Progress()).notes


def test_gmm_sweep_in_threads_equals_the_serial_sweep():
    rng = np.random.default_rng(1)
    values = np.concatenate([blobs(80), rng.uniform(-2, 8, (100, 2))])
    fit = make_clusterer("gmm", {"k_max": 5}).fit(values, Progress())
    models = {k: GaussianMixture(k, random_state=0).fit(values) for k in range(2, 6)}
    by_k = {k: model.bic(values) for k, model in models.items()}
    best = min(by_k, key=by_k.get)
    assert fit.parameters["k"] == best
    assert fit.scores["by_k"] == pytest.approx(by_k, rel=1e-12)
    np.testing.assert_array_equal(fit.labels, models[best].predict(values))


def test_gmm_chooses_by_aic_when_reported():
    fit = make_clusterer("gmm", {"criterion": "aic", "k_max": 4}).fit(blobs(), Progress())
    model = GaussianMixture(fit.parameters["k"], random_state=0).fit(blobs())
    assert fit.scores["criterion"] == "aic"
    assert fit.scores["value"] == pytest.approx(model.aic(blobs()))


def test_gmm_steps_through_every_k():
    steps = []
    progress = Progress(lambda done, total, _: steps.append((done, total)))
    make_clusterer("gmm", {}).fit(blobs(), progress)
    assert steps[-1] == (7, 7)


def test_dbscan_border_and_noise_do_not_hang_on_row_order():
    values = np.concatenate([blobs(), [[20.0, 20.0]]])
    order = np.random.default_rng(0).permutation(len(values))
    straight = make_clusterer("dbscan", {"eps": 0.5}).fit(values, Progress()).labels
    shuffled = make_clusterer("dbscan", {"eps": 0.5}).fit(values[order], Progress()).labels
    assert straight[-1] == -1
    np.testing.assert_array_equal(straight[order] < 0, shuffled < 0)
    assert adjusted_rand_score(straight[order], shuffled) == 1.0


@pytest.mark.parametrize("most", [1, 50, 4_000_000])
@pytest.mark.parametrize("eps", [0.2, 0.7, 1.0, 30.0])
def test_dbscan_equals_scikit_learns_whatever_fits_in_memory(monkeypatch, most, eps):
    monkeypatch.setattr("latentcore.analysis.clusterers.dbscan._MOST_NEIGHBORS", most)
    rng = np.random.default_rng(4)
    values = np.column_stack([rng.uniform(0, 9, 250), rng.integers(0, 9, 250)])
    fit = make_clusterer("dbscan", {"eps": eps, "min_samples": 5}).fit(values, Progress())
    wanted = DBSCAN(eps=eps, min_samples=5).fit(values).labels_
    np.testing.assert_array_equal(fit.labels, wanted)


def test_dbscan_without_spread_asks_for_eps():
    values = np.repeat(np.eye(2), 50, axis=0)
    with pytest.raises(RequestError, match=r"eps can't be estimated.*Give eps"):
        make_clusterer("dbscan", {}).fit(values, Progress())


def far_blobs(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    truth = np.arange(n) % 4
    rng = np.random.default_rng(1)
    return rng.normal(0, 6, (4, d))[truth] + rng.normal(size=(n, d)), truth


@pytest.mark.parametrize("kept", [0, 1 << 30])
def test_dbscan_of_many_features_is_scikit_learns(monkeypatch, kept):
    monkeypatch.setattr(dbscan, "_MOST_KEPT", kept)
    values, _ = far_blobs(600, 12)
    fit = make_clusterer("dbscan", {"eps": 4.2}).fit(values, Progress())
    expected = DBSCAN(eps=4.2, min_samples=20).fit(values).labels_
    assert 0 < (expected < 0).sum() < 300
    np.testing.assert_array_equal(fit.labels, expected)


def test_dbscan_that_would_take_hours_is_refused():
    values = np.broadcast_to(np.zeros(32), (1_000_000, 32))
    with pytest.raises(RequestError, match=r"1,000,000 points by 32 features.*79,056 points"):
        make_clusterer("dbscan", {}).fit(values, Progress())


def test_radius_of_many_points_is_that_of_all(monkeypatch):
    values, _ = far_blobs(2_000, 12)
    exact = dbscan.estimate_eps(values)
    monkeypatch.setattr(dbscan, "_EXACT_WORK", 0)
    monkeypatch.setattr(dbscan, "_ASKED", 1_000)
    assert dbscan.estimate_eps(values) == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize(
    ("n", "d", "k", "expected"),
    [(40, 2, 8, "full"), (1_000, 3, 8, "full"), (700, 3, 8, "tied"), (9_999, 65, 2, "diag")],
)
def test_covariances_are_what_the_points_can_tell(n, d, k, expected):
    assert gaussian_mixture._covariance_for(n, d, k) == expected


def test_mixture_of_many_features_is_learned_from_some_rows(monkeypatch):
    values, truth = far_blobs(3_000, 6)
    monkeypatch.setattr(gaussian_mixture, "_MOST_LEARNED", 1_500)
    fit = make_clusterer("gmm", {}).fit(values, Progress())
    assert (fit.parameters["k"], fit.parameters["n_learned"]) == (4, 1_500)
    assert fit.parameters["covariance"] == "tied"
    assert adjusted_rand_score(truth, fit.labels) == 1.0
    rows = np.sort(np.random.default_rng(0).choice(3_000, 1_500, replace=False))
    alone = GaussianMixture(4, covariance_type="tied", random_state=0).fit(values[rows])
    assert fit.scores["value"] == pytest.approx(alone.bic(values[rows]))


def test_hierarchy_of_many_features_is_learned_from_some_rows(monkeypatch):
    values, truth = far_blobs(1_200, 6)
    monkeypatch.setattr(hdbscan, "_MOST_LEARNED", 400)
    fit = make_clusterer("hdbscan", {"min_cluster_size": 60}).fit(values, Progress())
    assert (fit.parameters["k"], fit.parameters["n_learned"]) == (4, 400)
    clustered = fit.labels >= 0
    assert clustered.mean() > 0.9
    assert adjusted_rand_score(truth[clustered], fit.labels[clustered]) == 1.0
