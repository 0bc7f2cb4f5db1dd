"""``project`` of several latents, and into an embedding that is there."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.analysis.umap_embedding import place_by_umap
from latentcore.artifacts.embedding_model import (
    EMBEDDING_MODEL,
    read_embedding_model,
    write_embedding_model,
)
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

GROUPS = 6 * np.eye(5)


def write(path: Path, values, *, grid: bool = True) -> None:
    n = len(values)
    places = ScanGrid.from_coordinates(np.arange(n) % 20, np.arange(n) // 20) if grid else None
    dims = np.arange(values.shape[1], dtype=np.int32)
    write_latents(path, LatentSet(values.astype(np.float32), default_sample_ids(n), dims, places))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, n in (("first", 300), ("second", 120), ("narrow", 60)):
        group = np.arange(n) % 4
        values = rng.normal(size=(n, 5)) + GROUPS[group]
        values[7] = np.nan
        write(tmp_path / f"{name}.h5", values[:, :3] if name == "narrow" else values)
    return tmp_path


def projected(folder: Path, *words: object, out: str = "run"):
    named = [str(folder / str(word)) if str(word).endswith(".h5") else str(word) for word in words]
    status = main(["project", *named, "--out", str(folder / out), "--quiet"])
    if status:
        return status, None, None
    report = json.loads((folder / out / "report.json").read_text())
    return status, report, pd.read_parquet(folder / out / "embedding.parquet")


def test_principal_components_place_new_latents_on_the_same_axes(scans):
    _, _, first = projected(scans, "first.h5", "--method", "pca")
    status, report, again = projected(scans, "first.h5", "--into", scans / "run", out="again")
    assert status == 0
    np.testing.assert_allclose(again[["U0", "U1"]], first[["U0", "U1"]], atol=1e-5)
    assert report["method"] == "pca"
    _, report, new = projected(scans, "second.h5", "--into", scans / "run", out="new")
    assert list(new.columns) == ["source", "sample_id", "x", "y", "U0", "U1"]
    assert set(new["source"]) == {"second"}
    assert new["U0"].isna().tolist() == [row == 7 for row in range(120)]
    # The centers of the groups lie where those of the first did.
    for group in range(4):
        rows = first.index % 4 == group, new.index % 4 == group
        centers = [
            table.loc[own, ["U0", "U1"]].mean()
            for table, own in zip((first, new), rows, strict=True)
        ]
        np.testing.assert_allclose(*centers, atol=1)
    # And from a placed run others can be placed in the same embedding.
    _, _, chained = projected(scans, "first.h5", "--into", scans / "new", out="chained")
    np.testing.assert_allclose(chained[["U0", "U1"]], first[["U0", "U1"]], atol=1e-5)


def test_a_umap_places_new_latents_as_umap_learn_does(scans):
    _, report, first = projected(scans, "first.h5")
    assert report["model"] == EMBEDDING_MODEL
    _, _, new = projected(scans, "second.h5", "--into", scans / "run", out="new")
    _, _, twice = projected(scans, "second.h5", "--into", scans / "run", out="twice")
    pd.testing.assert_frame_equal(new, twice)
    places = first[["U0", "U1"]].to_numpy()
    group = np.arange(300) % 4
    centers = np.array([np.nanmean(places[group == one], axis=0) for one in range(4)])
    found = new[["U0", "U1"]].dropna()
    nearest = np.linalg.norm(found.to_numpy()[:, None] - centers, axis=2).argmin(axis=1)
    assert (nearest == found.index % 4).all()
    assert (scans / "new/embedding.png").stat().st_size > 5_000


def test_placing_is_the_transform_of_the_fitted_model():
    rng = np.random.default_rng(1)
    known, new = (
        (rng.normal(size=(n, 5)) + GROUPS[np.arange(n) % 4]).astype(np.float32) for n in (400, 80)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of TensorFlow, which is not needed
        from umap import UMAP

        model = UMAP(n_neighbors=10, random_state=0, n_jobs=1).fit(known)
    fitted = {"landmarks": known, "places": model.embedding_}
    found = place_by_umap(new, fitted, neighbors=10, min_dist=0.1, metric="euclidean", seed=0)
    moved = np.linalg.norm(found - model.transform(new), axis=1)
    size = np.ptp(model.embedding_, axis=0).max()
    assert np.median(moved) < 1e-3 * size
    assert moved.max() < 0.2 * size


def test_whitening_goes_with_the_model(scans):
    projected(scans, "first.h5", "--whiten", "--neighbors", 10)
    model = read_embedding_model(scans / "run" / EMBEDDING_MODEL)
    assert model.parameters["neighbors"] == 10
    landmarks = model.fitted["landmarks"]
    np.testing.assert_allclose(landmarks.std(axis=0, ddof=1), 1, rtol=1e-4)
    status, _, new = projected(scans, "second.h5", "--into", scans / "run", out="new")
    assert status == 0
    assert new["U0"].notna().sum() == 119


def test_several_latents_are_one_embedding(scans):
    _, report, table = projected(scans, "first.h5", "second.h5", "--method", "pca")
    assert report["sources"] == {"first": 300, "second": 120}
    assert table["source"].value_counts().to_dict() == {"first": 300, "second": 120}
    own = table[table["source"] == "second"].reset_index()
    assert own["x"].tolist() == [row % 20 for row in range(120)]
    both = np.concatenate([_values(scans / name) for name in ("first.h5", "second.h5")])
    given = np.isfinite(both).all(axis=1)
    centered = both[given] - both[given].mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    expected = np.abs(centered @ axes[:2].T)
    np.testing.assert_allclose(np.abs(table[["U0", "U1"]].dropna()), expected, atol=1e-4)


def _values(path: Path):
    from latentcore.readers import open_latents

    return open_latents(path).values.astype(np.float64)


def test_a_umap_of_several_is_laid_out_on_as_many_of_each(scans, monkeypatch):
    from latentcore.analysis import landmarks

    monkeypatch.setattr(landmarks, "_FEWEST_OF_EACH", 20)
    _, report, _ = projected(scans, "first.h5", "second.h5")
    assert report["parameters"]["n_fitted"] == 2 * 119
    assert "119 of 299 of first, 119 of 119 of second" in " ".join(report["parameters"]["notes"])
    assert report["n_embedded"] == 299 + 119


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ("narrow.h5", "--into", "run"),
            "0 to 2, but the embedding of 'run' has 0 to 4",
        ),
        (("second.h5", "--into", "run", "--neighbors", "5"), "--neighbors say how to make"),
        (("second.h5", "--into", "nowhere"), "holds no embedding_model.safetensors"),
        (("first.h5", "first.h5"), "Name each file once"),
        (("first.h5", "narrow.h5"), "different encoders made them"),
    ],
)
def test_what_does_not_fit_is_refused(scans, capsys, monkeypatch, words, why):
    projected(scans, "first.h5", "--method", "pca")
    capsys.readouterr()
    monkeypatch.chdir(scans)
    assert projected(scans, *words, out="refused")[0] == 2
    assert why in capsys.readouterr().err
    assert not (scans / "refused").exists()


def test_other_encoders_and_versions_are_refused(tmp_path, capsys):
    write_kikuchi(tmp_path / "scan.h5", full_grid(10, 8), patterns(80, (8, 8)))
    for name, more in (("a", ()), ("b", ("--prepare", "scale=demean"))):
        words = ["extract", tmp_path / "scan.h5", "--checkpoint", "pca:3", *more]
        assert main([*map(str, words), "--out", str(tmp_path / name), "--quiet"]) == 0
    projected(tmp_path, "a/scan_latents.h5", "--neighbors", 5)
    capsys.readouterr()
    assert projected(tmp_path, "b/scan_latents.h5", "--into", tmp_path / "run", out="x")[0] == 2
    assert "made by different encoders" in capsys.readouterr().err
    assert projected(tmp_path, "a/scan_latents.h5", "--into", tmp_path / "run", out="y")[0] == 0
    path = tmp_path / "run" / EMBEDDING_MODEL
    model = read_embedding_model(path)
    object.__setattr__(model, "engine", "umap-learn 0.3")
    write_embedding_model(path, model)
    assert projected(tmp_path, "a/scan_latents.h5", "--into", tmp_path / "run", out="x")[0] == 2
    assert "fitted by umap-learn 0.3, but here is umap-learn" in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[:-40])
    assert projected(tmp_path, "a/scan_latents.h5", "--into", tmp_path / "run", out="x")[0] == 2
    assert "holds no fitted embedding" in capsys.readouterr().err
