"""A session of points that were placed in the embedding of others shows these under them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.figures import embedding as figures

N = {"known": 240, "new": 60}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    for name, n in N.items():
        y, x = np.divmod(np.arange(n), 20)
        values = rng.normal(size=(n, 3)).astype(np.float32)
        write_latents(tmp_path / f"{name}.h5", LatentSet(
            values, default_sample_ids(n), np.arange(3, dtype=np.int32),
            ScanGrid.from_coordinates(x, y),
        ))  # fmt: skip
        contrast = rng.integers(90, 200, n)
        table = pd.DataFrame({"x": x, "y": y, "bandcontrast": contrast})
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    for name, more in (
        ("known", ["--method", "pca"]),
        ("new", ["--into", str(tmp_path / "space")]),
    ):
        out = "space" if name == "known" else "placed"
        asked = ["project", str(tmp_path / f"{name}.h5"), *more, "--out", str(tmp_path / out)]
        assert main([*asked, "--quiet"]) == 0
    return tmp_path


@pytest.mark.parametrize("name", list(N))
def test_they_lie_under_it(scans: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    real = figures.embedding_figure

    def noted(embedding, **given):
        seen.update(given)
        return real(embedding, **given)

    monkeypatch.setattr(figures, "embedding_figure", noted)
    run = {"known": "space", "new": "placed"}[name]
    stored, bands = scans / run / "embedding.parquet", scans / f"{name}.csv"
    asked = ["session", str(scans / f"{name}.h5"), "--dim", "0", "--method", "kmeans"]
    asked += ["--map", str(bands), "--embedding", str(stored)]
    assert main([*asked, "--out", str(scans / "out"), "--quiet"]) == 0
    if name == "known":
        assert seen["under"] is None
        return
    table = pd.read_parquet(scans / "space/embedding.parquet")
    np.testing.assert_array_equal(seen["under"], table[["U0", "U1"]].to_numpy(np.float32))


def test_gray_points_are_drawn_first(scans: Path) -> None:
    from latentcore.containers import Embedding

    coordinates = np.arange(10, dtype=np.float32).reshape(5, 2)
    embedding = Embedding(coordinates, default_sample_ids(5), "pca")
    figure = figures.embedding_figure(embedding, under=coordinates[:2] - 20)
    first, second = figure.axes[0].collections
    assert (len(first.get_offsets()), len(second.get_offsets())) == (2, 5)
    gray = np.unique(first.get_facecolor()[:, :3])
    assert gray == pytest.approx(212 / 255)
