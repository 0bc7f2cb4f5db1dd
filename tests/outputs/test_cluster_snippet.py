from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import latentcore as lc
from latentcore.analysis.clusterers import make_clusterer
from latentcore.outputs.cluster_snippet import cluster_snippet


@pytest.fixture
def scan(tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(120), 12)
    latent = rng.normal(size=120).astype(np.float32)
    np.save(tmp_path / "field.npy", latent)
    pd.DataFrame({"x": x, "y": y, "latent_d3": latent}).to_csv(
        tmp_path / "latents.csv", index=False
    )
    contrast = rng.integers(0, 255, 120)
    pd.DataFrame({"x": x, "y": y, "bandcontrast": contrast}).to_csv(
        tmp_path / "maps.csv", index=False
    )
    return tmp_path


def carried_out(text: str) -> np.ndarray:
    names: dict[str, object] = {}
    exec(compile(text, "snippet", "exec"), names)
    return names["labels"]


def test_snippet_gives_equal_labels(scan):
    clusterer = make_clusterer("gmm", {"k": 3, "seed": 4})
    text = cluster_snippet(
        str(scan / "latents.csv"), dims=(3,), weights={}, published_pair=True, nameless=False,
        maps={"bandcontrast": (str(scan / "maps.csv"), "bandcontrast")},
        clusterer=clusterer, scaling="standard", roi=(2, 10, 0, 8),
    )  # fmt: skip
    roi = (2, 10, 0, 8)
    latents = lc.open_latents(scan / "latents.csv")
    latents = latents.take(lc.Roi.from_bounds(roi).mask(latents.grid))
    values, _ = lc.open_maps(scan / "maps.csv").at(latents.grid)
    wanted = lc.cluster(latents.dimension(3), values[0], clusterer=clusterer)
    np.testing.assert_array_equal(carried_out(text), wanted.labels)
    assert "make_clusterer('gmm', {'k': 3, 'seed': 4})" in text


def test_snippet_of_an_array_that_names_no_dimension(scan):
    text = cluster_snippet(
        str(scan / "field.npy"), dims=(3,), weights={}, published_pair=True, nameless=True,
        maps={"bandcontrast": (str(scan / "maps.csv"), "bandcontrast")},
        clusterer=make_clusterer("kmeans", {}), scaling="none", coords=str(scan / "maps.csv"),
    )  # fmt: skip
    labels = carried_out(text)
    assert labels.dtype == np.int32
    assert set(labels) == {0, 1, 2}
