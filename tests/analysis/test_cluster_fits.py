"""Fits in a process beside this one: the same results, and an end whenever somebody asks for it."""

from __future__ import annotations

import os
import pickle
import signal
import threading

import numpy as np
import pytest

from latentcore.analysis.cluster_fits import Fits, fitted
from latentcore.analysis.clusterers import CLUSTERERS, make_clusterer
from latentcore.analysis.clusterers.hdbscan import HdbscanClusters
from latentcore.errors import Cancelled, InputError, RequestError
from latentcore.progress import Progress


def blobs(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(np.array([(0, 0), (6, 0), (0, 6)])[rng.integers(0, 3, n)], 0.5, (n, 2))


@pytest.mark.parametrize("name", CLUSTERERS.names())
def test_what_is_found_travels(name):
    values = blobs(200)
    found = fitted(make_clusterer(name, {}), values, None, Progress())
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.labels, found.labels)
    assert (again.parameters, again.scores) == (found.parameters, found.scores)
    if found.predict is not None:
        np.testing.assert_array_equal(again.predict(values), found.predict(values))


@pytest.mark.parametrize("name", CLUSTERERS.names())
def test_few_points_start_no_process(name):
    clusterer = make_clusterer(name, {})
    assert not clusterer.takes_long(10_000, 2)
    assert clusterer.takes_long(50_000_000, 2)


@pytest.fixture
def long(monkeypatch):
    monkeypatch.setattr(HdbscanClusters, "takes_long", lambda *_: True)


@pytest.mark.usefixtures("long")
def test_a_process_finds_the_same_and_says_what_is_wrong():
    values = blobs(250_000)[:, ::-1]  # more than one block, and of other strides
    clusterer = make_clusterer("hdbscan", {"min_cluster_size": 20})
    with Fits(clusterer, 300, 2, Progress()) as fits:
        for n_all in (None, 900):
            found = fits.fit(values[:300], n_all)
            here = fitted(clusterer, values[:300], n_all, Progress())
            np.testing.assert_array_equal(found.labels, here.labels)
            assert (found.parameters, found.scores) == (here.parameters, here.scores)
        with pytest.raises(RequestError, match=r"2 points .* min_cluster_size = 20"):
            fits.fit(values[:2])
        stated = []
        fits._progress = Progress(lambda *step: stated.append(step))

        def end() -> None:
            os.kill(fits._child.pid, signal.SIGKILL)

        threading.Timer(0.5, end).start()
        with pytest.raises(InputError, match=r"ended without an answer \(status -9\)"):
            fits.fit(values)
        assert (200_000, 250_000, "handing over the points") in stated


@pytest.mark.usefixtures("long")
def test_a_cancel_ends_the_process():
    progress = Progress()
    with (
        pytest.raises(Cancelled),
        Fits(make_clusterer("hdbscan", {}), 10**6, 2, progress) as fits,
    ):
        threading.Timer(0.2, progress.cancel).start()
        fits.fit(blobs(1_000_000))
    assert not fits._child.alive
