from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.manifold import trustworthiness

from latentcore.artifacts import stored_embedding
from latentcore.cli import main
from latentcore.figures import embedding as embedding_figures


@pytest.fixture
def scan(tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(60), 10)
    values = rng.normal(size=(60, 4)) + 6 * (x < 5)[:, None]
    table = pd.DataFrame({"x": x, "y": y})
    for dim in range(4):
        table[f"latent_d{dim}"] = values[:, dim].astype(np.float32)
    table.loc[4, "latent_d0"] = np.nan
    table.to_csv(tmp_path / "latents.csv", index=False)
    return tmp_path


def called(scan, *more):
    return main(
        ["project", str(scan / "latents.csv"), "--out", str(scan / "run"), "--quiet", *more]
    )


def test_pca_writes_table_figure_and_report(scan):
    assert called(scan, "--method", "pca") == 0
    table = pd.read_parquet(scan / "run/embedding.parquet")
    assert list(table.columns) == ["sample_id", "x", "y", "U0", "U1"]
    assert table["U0"].isna().sum() == 1
    report = json.loads((scan / "run/report.json").read_text())
    assert report["engine"] == "numpy"
    assert report["version"] == np.__version__
    assert (report["n_samples"], report["n_embedded"]) == (60, 59)
    assert (scan / "run/embedding.png").read_bytes()[:4] == b"\x89PNG"
    source = pd.read_csv(scan / "latents.csv").filter(like="latent_").dropna()
    flat = table[["U0", "U1"]].dropna()
    assert report["trustworthiness"] == pytest.approx(
        trustworthiness(source.to_numpy(np.float32), flat.to_numpy(), n_neighbors=15)
    )


def test_many_points_are_written_in_pieces_and_a_part_of_them_drawn(scan, monkeypatch):
    assert called(scan, "--method", "pca") == 0
    whole = pd.read_parquet(scan / "run/embedding.parquet")
    figure = (scan / "run/embedding.png").read_bytes()
    monkeypatch.setattr(stored_embedding, "_ROWS_AT_ONCE", 13)
    monkeypatch.setattr(embedding_figures, "_MOST_DRAWN", 50)
    monkeypatch.setattr(embedding_figures, "_DRAWN", 20)
    assert called(scan, "--method", "pca") == 0
    pd.testing.assert_frame_equal(pd.read_parquet(scan / "run/embedding.parquet"), whole)
    assert (scan / "run/embedding.png").read_bytes() != figure


def test_three_components_have_a_third_column(scan):
    assert called(scan, "--method", "pca", "--components", "3") == 0
    assert "U2" in pd.read_parquet(scan / "run/embedding.parquet")


@pytest.mark.slow
def test_umap_is_the_same_again(scan):
    tables = []
    for _ in range(2):
        assert called(scan, "--neighbors", "10") == 0
        tables.append(pd.read_parquet(scan / "run/embedding.parquet"))
    pd.testing.assert_frame_equal(*tables)
    report = json.loads((scan / "run/report.json").read_text())
    assert report["engine"] == "umap-learn"
    assert report["parameters"]["neighbors"] == 10
    assert 0.5 < report["trustworthiness"] <= 1
    assert "distances between its groups" in report["note"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--method", "tsne"), "No projection is called 'tsne'. There are: pca, umap"),
        (("--neighbors", "1"), "at least 2 neighbors"),
        (("--components", "5"), "2 or 3 components"),
        (("--method", "pca", "--roi", "0", "2", "0", "1"), "an embedding needs at least 3"),
    ],
)
def test_senseless_requests_exit_with_2_and_leave_nothing(scan, capsys, more, message):
    assert called(scan, *more) == 2
    assert message in capsys.readouterr().err
    assert not (scan / "run").exists()
