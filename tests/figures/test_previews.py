"""Small pictures of runs."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.figures.colors import continuous_rgb
from latentcore.figures.previews import preview


def picture(folder: Path, *names: str) -> np.ndarray | None:
    files = {name: {"sha256": "", "bytes": (folder / name).stat().st_size} for name in names}
    (folder / "run.json").write_text("{}")
    content = preview(folder, {"files": files})
    assert (folder / ".preview.webp").read_bytes() == content
    return np.asarray(Image.open(io.BytesIO(content))) if content else None


def test_an_embedding_is_drawn_where_its_points_lie_on_no_ground(tmp_path: Path) -> None:
    table = {"sample_id": list("abc"), "x": [0.0] * 3, "U0": [0, 0, 1], "U1": [0, 0, 1]}
    frame = pd.DataFrame(table).astype({"U0": np.float32, "U1": np.float32})
    frame.to_parquet(tmp_path / "embedding.parquet")
    alpha = picture(tmp_path, "embedding.parquet")[..., 3]
    assert alpha[-1, 0] == alpha[0, -1] == 255  # y points up
    assert alpha[0, 0] == alpha[-1, -1] == 0


def test_a_ranking_is_drawn_as_bars_by_the_size_of_its_scores(tmp_path: Path) -> None:
    table = {"dim": [4, 0, 7, 2], "pearson": [0.2, -0.8, np.nan, 0.4], "n": 9}
    pd.DataFrame(table).to_csv(tmp_path / "latent_scores.csv", index=False)
    shown = picture(tmp_path, "latent_scores.csv").astype(int)
    heights = (shown[..., 3] > 128).sum(axis=0)[[20, 84, 148]]
    np.testing.assert_allclose(heights, 128 * np.array([1, 0.5, 0.25]), atol=2)
    red, blue = shown[120, [20, 84], 0], shown[120, [20, 84], 2]
    assert red[0] > blue[0] and red[1] < blue[1]


def test_a_ranking_without_a_score_has_no_picture(tmp_path: Path) -> None:
    (tmp_path / "latent_scores.csv").write_text("dim,pearson\n0,\n1,\n")
    assert picture(tmp_path, "latent_scores.csv") is None


def test_latents_are_drawn_as_the_map_of_the_dimension_that_varies_most(tmp_path: Path) -> None:
    x, y = np.tile(np.arange(6), 4), np.repeat(np.arange(4), 6)
    values = np.column_stack([np.zeros(24), np.where(x < 3, -5, 5), x * 0.1]).astype(np.float32)
    latents = LatentSet(
        values=values,
        sample_ids=default_sample_ids(24),
        dims=np.arange(3, dtype=np.int32),
        grid=ScanGrid.from_coordinates(x, y),
    )
    write_latents(tmp_path / "a_latents.h5", latents)
    shown = picture(tmp_path, "a_latents.h5").astype(int)
    low, high = continuous_rgb([-5.0, 5.0], (-5, 5)).astype(int)
    assert np.abs(shown[:, :80] - low).max() < 30 and np.abs(shown[:, -80:] - high).max() < 30


def test_it_is_made_once_and_anew_when_the_run_is_another(tmp_path: Path) -> None:
    Image.new("RGB", (640, 320), "red").save(tmp_path / "domains.png")
    assert picture(tmp_path, "domains.png").shape == (96, 192, 3)
    os.utime(tmp_path / "run.json", (1, 1))
    (tmp_path / "domains.png").write_bytes(b"damaged")
    files = {"files": {"domains.png": {"sha256": "", "bytes": 7}}}
    assert preview(tmp_path, files)
    later = (tmp_path / ".preview.webp").stat().st_mtime + 9
    os.utime(tmp_path / "run.json", (later, later))
    assert preview(tmp_path, files) == b""
