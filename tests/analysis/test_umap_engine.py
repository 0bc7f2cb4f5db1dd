"""Exact neighbors, landmarks and the places of the other rows, without umap-learn's compiling."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from latentcore.analysis import landmarks, umap_engine
from latentcore.analysis.umap_embedding import UMAP_METRICS
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.progress import Progress

NAMES = {"manhattan": "cityblock"}


@pytest.mark.parametrize("metric", UMAP_METRICS)
def test_exact_neighbors_are_scipys(metric, monkeypatch):
    monkeypatch.setattr(umap_engine, "_ROWS_AT_ONCE", 7)
    rng = np.random.default_rng(0)
    learned, asked = (rng.normal(size=(n, 5)).astype(np.float32) for n in (60, 23))
    near, distances = umap_engine._exact_neighbors(learned, asked, 4, metric, Progress())
    expected = cdist(asked.astype(float), learned.astype(float), NAMES.get(metric, metric))
    np.testing.assert_array_equal(near, np.argsort(expected, axis=1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :4], atol=1e-5)


def test_a_row_is_placed_at_the_weighted_mean_of_its_nearest():
    places = np.array([[[0, 0], [1, 0]], [[0, 4], [2, 4]]], np.float32)
    # Excess 0 and 2 with mean 1: weights 1 and e⁻²; and equally near: the middle.
    found = umap_engine._weighted_places(places, np.array([[1.0, 3.0], [5.0, 5.0]]))
    share = np.exp(-2) / (1 + np.exp(-2))
    np.testing.assert_allclose(found, [[share, 0], [1, 4]], rtol=1e-6)


def test_landmarks_are_spread_evenly_over_the_scan():
    y, x = (axis.ravel() for axis in np.mgrid[0:16, 0:32])
    order = np.random.default_rng(1).permutation(len(x))  # rows in a file are in any order
    grid = ScanGrid.from_coordinates(x[order], y[order])
    latents = LatentSet(
        np.ones((len(x), 1), np.float32), default_sample_ids(len(x)), np.arange(1), grid
    )
    rows = np.arange(len(x))
    chosen = landmarks.fitted_rows(latents, rows, len(x) // 16, None, None, 3)
    blocks = {(grid.row[row] // 4, grid.col[row] // 4) for row in chosen}
    assert len(chosen) == len(blocks) == 32, "one in each block of 4 × 4"
    assert (np.diff(chosen) > 0).all()
    again = landmarks.fitted_rows(latents, rows, len(x) // 16, None, None, 3)
    np.testing.assert_array_equal(chosen, again)
    assert (landmarks.fitted_rows(latents, rows, len(x) // 16, None, None, 4) != chosen).any()


_HANDED_A_DISTANCE = """
import numpy as np
from latentcore.analysis.umap_engine import _engine

_engine()
from pynndescent.distances import euclidean
from pynndescent.pynndescent_ import init_random
from pynndescent.utils import make_heap

data = np.eye(20, 3, dtype=np.float32)
init_random(5, data, make_heap(20, 5), euclidean, np.array([91_234_567, 823_456_789, 734_567_891]))
"""


def test_code_that_is_handed_a_distance_is_compiled_once() -> None:
    library = importlib.util.find_spec("pynndescent")
    assert library is not None and library.origin is not None
    kept = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", _HANDED_A_DISTANCE], check=True)
        kept.append({*Path(library.origin).parent.glob("__pycache__/*init_random*.nbc")})
    assert kept[0] == kept[1]
    assert kept[0]
