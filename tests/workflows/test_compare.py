"""The verb ``compare``, called as the command line calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group

from latentcore.artifacts import read_run
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids

WIDTH, HEIGHT = 20, 12


def write(path: Path, values, x=None, y=None, ids=None) -> None:
    grid = None if x is None else ScanGrid.from_coordinates(x, y)
    dims = np.arange(values.shape[1], dtype=np.int32)
    names = default_sample_ids(len(values)) if ids is None else np.array(ids)
    write_latents(path, LatentSet(values.astype(np.float32), names, dims, grid))


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Three encoders of 20 × 12 points: a, a rotated with its rows reversed, and noise."""
    rng = np.random.default_rng(2)
    y, x = (axis.ravel() for axis in np.mgrid[0:HEIGHT, 0:WIDTH])
    phase = x // 5
    values = rng.normal(size=(len(x), 5)) + 3 * np.eye(5)[phase]
    values[7] = np.nan
    turned = 0.1 * values @ ortho_group(5, seed=0).rvs() + 3
    write(tmp_path / "a.h5", values, x, y)
    write(tmp_path / "turned.h5", turned[::-1], x[::-1], y[::-1])
    # Without the first column of the scan.
    write(tmp_path / "noise.h5", rng.normal(size=(len(x), 3))[x > 0], x[x > 0], y[x > 0])
    pd.DataFrame({"x": x, "y": y, "phase": phase}).to_csv(tmp_path / "maps.csv", index=False)
    return tmp_path


def compared(folder: Path, *words: object, out: str = "out"):
    named = [str(folder / str(word)) if str(word).endswith(".h5") else str(word) for word in words]
    status = main(["compare", *named, "--out", str(folder / out), "--quiet"])
    if status:
        return status, None
    return status, json.loads((folder / out / "report.json").read_text())


def near(values, k):
    distances = cdist(values, values)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)[:, :k]


def test_encoders_are_joined_by_place_and_held_against_each_other(scan, capsys):
    status, report = compared(scan, "a.h5", "turned.h5", "noise.h5", "-k", 5)
    assert status == 0
    # One point has no latent, twelve are missing in one file.
    assert report["n"] == WIDTH * HEIGHT - HEIGHT - 1
    assert report["shared_neighbors"]["a~turned"] > 0.99
    assert report["cka"]["a~turned"] == pytest.approx(1, abs=1e-5)
    assert report["procrustes_disparity"]["a~turned"] == pytest.approx(0, abs=1e-5)
    assert report["shared_neighbors"]["a~noise"] < 3 * report["shared_neighbors_by_chance"]
    assert report["cka"]["a~noise"] < 0.1
    table = pd.read_csv(scan / "out/comparison.csv")
    assert table["latents"].tolist() == ["a", "turned", "noise"]
    assert table["latent_dim"].tolist() == [5, 5, 3]
    assert table["n"].tolist() == [239, 239, 228]
    shares = pd.read_csv(scan / "out/shared_neighbors.csv")
    assert list(shares.columns) == ["x", "y", "a~turned", "a~noise", "turned~noise"]
    # The shares, point by point, are those of all distances.
    latents = {}
    for name in ("a", "noise"):
        opened = pd.DataFrame(_values(scan / f"{name}.h5"))
        latents[name] = opened.merge(shares[["x", "y"]], on=["x", "y"])
    pair = [near(one.drop(columns=["x", "y"]).to_numpy(), 5) for one in latents.values()]
    expected = [len(set(a) & set(b)) / 5 for a, b in zip(*pair, strict=True)]
    np.testing.assert_allclose(shares["a~noise"], expected, atol=1e-6)
    assert shares["a~noise"].mean() == pytest.approx(report["shared_neighbors"]["a~noise"])
    # The Runs page lists what reads back.
    assert read_run(scan / "out")["summary"]["n"] == report["n"]
    written = {path.name for path in (scan / "out").iterdir()}
    assert written == {
        "aligned.csv", "aligned.png", "comparison.csv", "movers.csv", "report.json", "run.json",
        "shared_neighbors.csv", "shared_neighbors.png",
    }  # fmt: skip
    aligned = pd.read_csv(scan / "out/aligned.csv")
    for axis in (0, 1):
        np.testing.assert_allclose(aligned[f"a {axis}"], aligned[f"turned {axis}"], atol=1e-4)


def _values(path: Path) -> dict[str, object]:
    from latentcore.readers import open_latents

    opened = open_latents(path)
    columns = {f"v{dim}": column for dim, column in enumerate(opened.values.T)}
    return {"x": opened.grid.x, "y": opened.grid.y, **columns}


def test_labels_judge_each_encoder(scan):
    labels = ("--labels", f"{scan / 'maps.csv'}:phase")
    _, report = compared(scan, "a.h5", "noise.h5", *labels)
    good, bad = report["encoders"]
    assert good["neighbors_of_same_label"] > 0.8
    assert good["neighbors_by_chance"] == pytest.approx(0.25, abs=0.02)
    assert bad["neighbors_of_same_label"] == pytest.approx(0.25, abs=0.1)
    assert good["ari"] > 0.7 > 0.1 > bad["ari"]
    assert good["probe_accuracy_low"] <= good["probe_accuracy"] <= good["probe_accuracy_high"]
    assert good["probe_accuracy"] > 0.8 > bad["probe_accuracy"]


def test_movers_are_those_that_kept_the_fewest_neighbors(scan):
    _, report = compared(scan, "a.h5", "noise.h5", "--movers", 7)
    movers = pd.read_csv(scan / "out/movers.csv")
    shares = pd.read_csv(scan / "out/shared_neighbors.csv")
    assert len(movers) == 7
    assert movers["share"].tolist() == np.sort(shares["a~noise"])[:7].tolist()
    assert movers["residual"].is_monotonic_decreasing
    at = shares.set_index(["x", "y"])["a~noise"]
    assert [at[x, y] for x, y in zip(movers["x"], movers["y"], strict=True)] == list(
        movers["share"]
    )
    assert report["sample"] == {"n": 227, "of": 227, "seed": 0}


def test_the_snippet_gives_the_numbers_again(scan, capsys):
    _, report = compared(scan, "a.h5", "noise.h5", "-k", 5)
    capsys.readouterr()
    exec(compile(report["snippet"], "snippet", "exec"), {})
    share, cka = map(float, capsys.readouterr().out.split())
    assert share == pytest.approx(report["shared_neighbors"]["a~noise"])
    assert cka == pytest.approx(report["cka"]["a~noise"])


def test_runs_of_extract_are_told_apart_and_say_how_long_they_took(tmp_path):
    from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

    write_kikuchi(tmp_path / "scan.h5", full_grid(8, 6), patterns(48, (8, 8)))
    for name in ("pca:2", "pca:4"):
        words = ["extract", tmp_path / "scan.h5", "--checkpoint", name, "--out", tmp_path / name]
        assert main([*map(str, words), "--quiet"]) == 0
    _, report = compared(tmp_path, "pca:2/scan_latents.h5", "pca:4/scan_latents.h5")
    assert list(report["shared_neighbors"]) == ["pca:2~pca:4"]
    assert [row["encoder"] for row in report["encoders"]] == ["pca:2", "pca:4"]
    assert all(row["seconds"] > 0 and row["bytes"] > 1_000 for row in report["encoders"])


def test_samples_without_coordinates_are_joined_by_name(tmp_path):
    values = np.random.default_rng(0).normal(size=(30, 4))
    names = [f"clip-{row}" for row in range(30)]
    write(tmp_path / "a.h5", values, ids=names)
    write(tmp_path / "b.h5", values[::-1], ids=names[::-1])
    _, report = compared(tmp_path, "a.h5", "b.h5", "-k", 3)
    assert report["shared_neighbors"]["a~b"] == 1
    shares = pd.read_csv(tmp_path / "out/shared_neighbors.csv")
    assert shares["sample_id"].tolist() == names


def test_some_samples_are_asked_where_there_are_very_many(scan, monkeypatch):
    from latentcore.workflows.compare import verb

    monkeypatch.setattr(verb, "asked_rows", lambda n, seed: np.arange(0, n, 9))
    _, report = compared(scan, "a.h5", "turned.h5")
    shares = pd.read_csv(scan / "out/shared_neighbors.csv")["a~turned"]
    assert report["sample"]["n"] == shares.notna().sum() == 27
    assert "27 of 239 samples" in report["notes"][0]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("a.h5",), "1 sets of latents were given"),
        (("a.h5", "a.h5"), "was named twice"),
        (("a.h5", "far.h5"), "0 samples have a latent in all files"),
        (("a.h5", "noise.h5", "-k", "0"), "Give a --k of at least 1"),
        (("a.h5", "noise.h5", "--labels", "one.csv:same"), "1 different labels"),
        (("a.h5", "ids.h5"), "no coordinates"),
    ],
)
def test_what_can_not_be_compared_is_refused(scan, capsys, monkeypatch, words, why):
    y, x = (axis.ravel() for axis in np.mgrid[500:504, 500:504])
    write(scan / "far.h5", np.random.default_rng(0).normal(size=(16, 2)), x, y)
    write(scan / "ids.h5", np.random.default_rng(0).normal(size=(16, 2)))
    maps = pd.read_csv(scan / "maps.csv")
    maps.assign(same=1).to_csv(scan / "one.csv", index=False)
    monkeypatch.chdir(scan)
    assert compared(scan, *words)[0] == 2
    assert why in capsys.readouterr().err
    assert not (scan / "out").exists()
