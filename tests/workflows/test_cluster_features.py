"""``cluster`` on features that one chooses: latents, maps, weights, rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from latentcore.cli import main
from latentcore.figures import clusters as cluster_figures
from latentcore.inputs.labels import read_labels
from latentcore.outputs import clusters

TRUTH = np.repeat([0, 1, 2], 100)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Three bands that no single latent tells apart, a dead latent, a point without latents."""
    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(300), 20)
    values = np.array([[0, 0, 0], [4, 0, 1], [0, 4, 1]])[TRUTH] + rng.normal(0, 0.2, (300, 3))
    values = np.column_stack([values, np.full(300, 2.0)])
    values[7] = np.nan
    names = [f"latent_d{d}" for d in (0, 2, 3, 9)]
    table = pd.DataFrame({"x": x, "y": y} | dict(zip(names, values.T, strict=True)))
    table.to_parquet(tmp_path / "latents.parquet", index=False)
    maps = pd.DataFrame({"x": x, "y": y, "Fe": rng.random(300), "cluster": rng.random(300)})
    maps.sample(frac=1, random_state=2).to_csv(tmp_path / "maps.csv", index=False)
    np.save(tmp_path / "rows.npy", np.flatnonzero(TRUTH < 2))
    return tmp_path


def call(scan: Path, *more: str) -> int:
    given = [str(scan / word[1:]) if word.startswith("@") else word for word in more]
    out = ("--out", str(scan / "run"), "--quiet")
    return main(["cluster", str(scan / "latents.parquet"), *given, *out])


def results(scan: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    (path,) = (scan / "run").glob("cluster_report__*.json")
    report = json.loads(path.read_text())
    names: dict[str, object] = {}
    exec((scan / "run" / report["snippet"]).read_text(), names)
    table = pd.read_csv(scan / "run" / report["assignments_csv"])
    np.testing.assert_array_equal(names["labels"], table["cluster"])
    assert (scan / "run" / report["figure"]).stat().st_size > 1000
    return report, table


def test_all_latents_are_those_that_vary_and_equal_scikit_learn(scan: Path) -> None:
    assert call(scan, "--dims", "all", "--method", "kmeans", "--k", "3") == 0
    report, table = results(scan)
    assert report["features"] == ["latent_d0", "latent_d2", "latent_d3"]
    assert list(table.columns) == ["x", "y", "latent_d0", "latent_d2", "latent_d3", "cluster"]
    assert report["assignments_csv"] == "cluster_assignments__all_kmeans.csv"
    used = table[table["cluster"] >= 0]
    assert len(used) == 299
    values = used[report["features"]].to_numpy(np.float32).astype(float)
    expected = KMeans(3, n_init="auto", random_state=0).fit_predict(
        (values - values.mean(axis=0)) / values.std(axis=0)
    )
    np.testing.assert_array_equal(used["cluster"], expected)
    assert pd.Series(TRUTH[used.index]).groupby(expected).nunique().eq(1).all()
    assert read_labels(str(scan / "run")).labels.tolist() == table["cluster"].tolist()


def test_weights_are_shares_of_the_variance_and_maps_keep_their_names(scan: Path) -> None:
    weights = ("--weights", "latent_d0=3", "Fe=0.5")
    maps = ("--map", "@maps.csv:Fe", "--map", "@maps.csv:cluster")
    assert call(scan, "--dims", "2", "0", *maps, *weights, "--method", "kmeans") == 0
    report, table = results(scan)
    names = ["latent_d2", "latent_d0", "Fe", "cluster (maps.csv)"]
    assert list(table.columns) == ["x", "y", *names, "cluster"]
    shares = {name: one["variance_share"] for name, one in report["standardisation"]["of"].items()}
    expected = dict(zip(names, np.array([1, 3, 0.5, 1]) / 5.5, strict=True))
    assert shares == pytest.approx(expected)


@pytest.mark.parametrize("method", ["gmm", "dbscan", "hdbscan"])
def test_rows_alone_are_clustered(scan: Path, method: str) -> None:
    assert call(scan, "--dims", "0", "2", "--rows", "@rows.npy", "--method", method) == 0
    report, table = results(scan)
    assert report["n_points"] == len(table) == 200
    assert report["k"] == 2 or method == "gmm"  # a mixture may split a band


def test_one_latent_alone_is_drawn_as_a_histogram(scan: Path) -> None:
    assert call(scan, "--dims", "0", "--method", "kmeans") == 0
    assert results(scan)[0]["separation"]["verdict"] == "KMeans was given one feature, latent_d0."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--dims all 3", "give 'all', or numbers only"),
        ("--dim 3", "clustered with one --map, but 0"),
        ("--seed 0", "Nothing says what to cluster"),
        ("--dims 0 0", "'latent_d0' was chosen twice"),
        ("--dims 1", "Latent dimension 1 was asked for, but the latents hold 0, 2–3, 9"),
        ("--dims 0 9", "latent_d9 is 2 at each"),
        ("--dims 0 --weights latent_d2=2", "'latent_d2', which is no feature here"),
        ("--dims 0 --weights latent_d0=-1", "must be above 0, but is -1"),
        ("--dims 0 --weights latent_d0", "as NAME=W with a number"),
        ("--dims 0 --map @maps.csv:Fe --map @maps.csv:Fe", "was given twice"),
        ("--dims 0 --rows @maps.csv", "can't be read"),
        ("--dims all --rows @rows.npy --roi 0 9 12 14", "lies in the ROI"),
        ("--dims all --covariance full --k 80", "needs 320 at least"),
    ],
)
def test_what_makes_no_sense_is_refused(
    scan: Path, words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(scan, *words.split(), "--method", "gmm") == 2
    assert message in capsys.readouterr().err
    assert not (scan / "run").exists()


def test_many_points_are_written_in_pieces_and_a_part_of_them_drawn(scan, monkeypatch) -> None:
    asked = ("--dims", "all", "--method", "kmeans", "--k", "3", "--tag", "t")
    assert call(scan, *asked) == 0
    table, figure = (
        (scan / f"run/cluster_{name}").read_bytes()
        for name in ("assignments__t.csv", "latent_bc__t.png")
    )
    monkeypatch.setattr(clusters, "_ROWS_AT_ONCE", 70)
    monkeypatch.setattr(cluster_figures, "_MOST_DRAWN", 200)
    monkeypatch.setattr(cluster_figures, "_DRAWN", 50)
    assert call(scan, *asked) == 0
    assert (scan / "run/cluster_assignments__t.csv").read_bytes() == table
    assert (scan / "run/cluster_latent_bc__t.png").read_bytes() != figure
