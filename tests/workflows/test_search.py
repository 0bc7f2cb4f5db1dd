"""The verb ``search``, called as the command line calls it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors

from latentcore.analysis.novelty_of_one import reference_parts
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import latents as latents_module
from latentcore.containers import partitions_of, sample_rows
from latentcore.readers import _stored_latents, open_latents, open_samples
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from latentcore.workflows.search import verb as search_verb
from tests.encoders.threads import one_thread
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.factories.nenya import cutouts, write_cutouts

__all__ = ["one_thread"]

COLUMNS = ["rank", "row", "sample_id", "x", "y", "similarity", "distance"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scan of 10 × 7 points that begins at (20, 5), and its latents: PCA 6."""
    write_kikuchi(tmp_path / "scan.h5", full_grid(10, 7, x0=20, y0=5), patterns(70, (9, 8)))
    asked = ExtractRequest((str(tmp_path / "scan.h5"),), checkpoint="pca:6", device="cpu")
    execute("extract", asked, tmp_path / "pca")
    return tmp_path


def search(folder: Path, *more: object, latents: str = "pca/scan_latents.h5", out: str = "out"):
    words = ["search", str(folder / latents), "--out", str(folder / out), "--quiet"]
    status = main([*words, *map(str, more)])
    if status:
        return status, None, None
    table = pd.read_csv(folder / out / "neighbours.csv")
    return status, table, json.loads((folder / out / "report.json").read_text())


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_nearest_of_each_scan_are_those_of_brute_force(folder, metric):
    latents = open_latents(folder / "pca/scan_latents.h5")
    names = partitions_of(np.repeat(["b", "a", "c"], [30, 38, 2]))
    write_latents(folder / "parts.h5", dataclasses.replace(latents, partition=names))
    asked = ("--row", 33, "-k", 4, "--metric", metric, "--across")
    status, table, report = search(folder, *asked, latents="parts.h5")
    assert status == 0
    assert len(table) == 4  # those of all stay as they are
    each = pd.read_csv(folder / "out/neighbours_by_partition.csv")
    assert list(each.columns) == ["partition", *COLUMNS]
    values = latents.values.astype(np.float64)
    for name, (first, last) in {"b": (0, 30), "a": (30, 68), "c": (68, 70)}.items():
        there = np.setdiff1d(np.arange(first, last), [33])
        brute = NearestNeighbors(n_neighbors=min(4, len(there)), algorithm="brute", metric=metric)
        distances, places = brute.fit(values[there]).kneighbors(values[33:34])
        own = each[each["partition"] == name]
        np.testing.assert_array_equal(own["row"], there[places[0]])
        np.testing.assert_allclose(own["distance"], distances[0], atol=1e-7)
        assert report["by_partition"][name]["row"] == own["row"].tolist()


def test_latents_of_one_scan_have_no_nearest_of_each(folder, capsys):
    assert search(folder, "--row", 3, "--across")[0] == 2
    assert "Make a collection by 'collect'" in capsys.readouterr().err


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbors_are_those_of_brute_force_without_the_query(folder, metric):
    status, table, report = search(folder, "--row", 33, "-k", 8, "--metric", metric)
    assert status == 0
    values = open_latents(folder / "pca/scan_latents.h5").values.astype(np.float64)
    brute = NearestNeighbors(n_neighbors=9, algorithm="brute", metric=metric).fit(values)
    distances, rows = brute.kneighbors(values[33:34])
    assert list(table.columns) == COLUMNS
    np.testing.assert_array_equal(table["row"], rows[0, 1:])
    np.testing.assert_array_equal(table["rank"], np.arange(1, 9))
    np.testing.assert_allclose(table["distance"], distances[0, 1:], atol=1e-7)
    np.testing.assert_array_equal(table["x"], 20 + rows[0, 1:] % 10)
    np.testing.assert_array_equal(table["y"], 5 + rows[0, 1:] // 10)
    expected = 1 - table["distance"] if metric == "cosine" else 1 / (1 + table["distance"])
    np.testing.assert_allclose(table["similarity"], expected, rtol=1e-15)
    assert report["query"]["row"] == 33
    assert report["n_searched"] == 69
    assert report["neighbours"]["row"] == table["row"].tolist()


def test_every_sample_has_a_similarity_and_pictures_are_drawn(folder):
    _, table, report = search(folder, "--xy", 24, 8, "-k", 4)
    every = pd.read_csv(folder / "out/similarity.csv")
    assert report["query"] | {"latent": None} == {
        "kind": "row", "row": 34, "sample_id": "34", "x": 24.0, "y": 8.0, "latent": None,
    }  # fmt: skip
    assert len(every) == 70
    assert every["similarity"].drop(34).nlargest(4).index.tolist() == table["row"].tolist()
    assert every["similarity"][34] == pytest.approx(1)
    written = json.loads((folder / "out/run.json").read_text())
    assert {"neighbours.png", "similarity_map.png"} <= set(written["files"])
    assert [entry["role"] for entry in written["inputs"]] == ["latents", "samples"]
    assert not report["notes"]


def test_many_samples_are_searched_in_blocks_to_the_same_numbers(folder, monkeypatch):
    asked = ("--row", 33, "-k", 70, "--metric", "euclidean")
    _, table, report = search(folder, *asked)
    every = (folder / "out/similarity.csv").read_bytes()
    monkeypatch.setattr(_stored_latents, "_LARGE_BYTES", 0)
    monkeypatch.setattr(_stored_latents.StoredRows, "load", None)  # not all at once
    monkeypatch.setattr(latents_module, "_BLOCK_VALUES", 60)
    monkeypatch.setattr(search_verb, "_MOST_ROWS", 69)
    monkeypatch.setattr(search_verb, "_BLOCK", 11)
    _, blocks, said = search(folder, *asked, out="blocks")
    pd.testing.assert_frame_equal(blocks, table, check_exact=True)
    assert not (folder / "blocks/similarity.csv").exists()
    np.testing.assert_array_equal(
        np.load(folder / "blocks/similarity.npy"),
        pd.read_csv(folder / "out/similarity.csv")["similarity"].astype(np.float32),
    )
    assert "similarity.npy" in said["notes"][0]
    assert said["n_searched"] == report["n_searched"]
    search(folder, *asked, "--all-rows", out="all")
    assert (folder / "all/similarity.csv").read_bytes() == every


@pytest.mark.parametrize("suffix", [".npy", ".png", ".tif", ".h5"])
def test_an_image_is_encoded_as_the_latents_were(folder, suffix):
    with open_samples(folder / "scan.h5") as source:
        pattern = source.read(np.array([41]))[0, 0]
    path = folder / f"query{suffix}"
    if suffix == ".npy":
        np.save(path, pattern)
    elif suffix == ".h5":
        write_kikuchi(path, full_grid(1, 1), pattern[None, None])
    else:
        Image.fromarray(pattern).save(path)
    asked = ("--image", path, "--checkpoint", folder / "pca/model.safetensors", "--device", "cpu")
    _, table, report = search(folder, *asked, "-k", 3)
    assert table["row"][0] == 41
    assert table["similarity"][0] == pytest.approx(1, abs=1e-6)
    latent = open_latents(folder / "pca/scan_latents.h5").values[41]
    np.testing.assert_allclose(report["query"]["latent"], latent, rtol=1e-5, atol=1e-5)
    _, others, _ = search(folder, "--row", 41, "-k", 2, out="by_row")
    assert others["row"].tolist() == table["row"][1:].tolist()


def test_an_image_may_be_a_row_of_a_file(folder):
    asked = ("--image", folder / "scan.h5", "--checkpoint", folder / "pca", "--image-row", 12)
    _, table, _ = search(folder, *asked, "--device", "cpu")
    assert table["row"][0] == 12


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((), "One of --row, --xy and --image says what to search for"),
        (("--row", 1, "--xy", 20, 5), "--row and --xy was given"),
        (("--row", 70), "rows 0 to 69"),
        (("--xy", 3, 5), "The nearest is at x = 20, y = 5 (row 0)"),
        (("--row", 1, "-k", 0), "at least 1"),
        (("--image", "{folder}/scan.h5"), "--image and --checkpoint belong together"),
        (("--image", "{folder}/scan.h5", "--checkpoint", "{folder}/pca"), "Say which row"),
        (
            ("--image", "{folder}/wide.npy", "--checkpoint", "{folder}/pca"),
            "takes samples of 1 × 9 × 8",
        ),
        (("--image", "{folder}/text.png", "--checkpoint", "{folder}/pca"), "No reader recogn"),
        (("--row", 1, "--image-row", 0), "there is no --image"),
        (("--row", 1, "--samples", "{folder}/nowhere.h5"), "There is no file"),
    ],
)
def test_what_makes_no_sense_is_reported_in_one_message(folder, capsys, asked, message):
    np.save(folder / "wide.npy", np.ones((30, 40)))
    (folder / "text.png").write_text("no picture")
    words = [str(word).format(folder=folder) for word in asked]
    assert search(folder, *words)[0] == 2
    assert message in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_latents_without_places_and_samples_are_searched_all_the_same(folder):
    values = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    values[5] = np.nan
    np.save(folder / "latents.npy", values)
    _, table, report = search(folder, "--row", 7, "-k", 99, latents="latents.npy")
    assert len(table) == 28
    assert report["n_without_latent"] == 1
    assert table[["x", "y"]].isna().all(axis=None)
    assert 5 not in set(table["row"])
    assert "--samples" in report["notes"][0]
    assert {path.name for path in (folder / "out").iterdir()} == {
        "neighbours.csv", "similarity.csv", "report.json", "run.json",
    }  # fmt: skip
    assert search(folder, "--row", 5, latents="latents.npy", out="none")[0] == 2


def test_samples_that_have_changed_are_not_shown_as_those_of_the_latents(folder):
    write_kikuchi(folder / "scan.h5", full_grid(10, 7, x0=20, y0=5), patterns(70, (9, 8), seed=5))
    _, _, report = search(folder, "--row", 3)
    assert "has changed" in report["notes"][0]
    assert not (folder / "out/neighbours.png").exists()
    _, _, report = search(folder, "--row", 3, "--samples", "none", out="quiet")
    assert not report["notes"]


def test_samples_and_latents_are_joined_by_place_or_by_name(folder):
    latents = open_latents(folder / "pca/scan_latents.h5")
    shuffled = np.random.default_rng(3).permutation(70)
    coords = full_grid(10, 7, x0=20, y0=5)[shuffled]
    write_kikuchi(folder / "mixed.h5", coords, patterns(70, (9, 8))[shuffled])
    with open_samples(folder / "mixed.h5") as source:
        np.testing.assert_array_equal(shuffled[sample_rows(latents, source)], np.arange(70))


def test_a_checkpoint_that_made_other_latents_is_noticed(folder, capsys):
    for n in (6, 4):
        asked = ExtractRequest(
            (str(folder / "scan.h5"),), checkpoint=f"pca:{n}", device="cpu", prepare=("smooth=1",)
        )
        execute("extract", asked, folder / f"other{n}")
    image = ("--image", folder / "scan.h5", "--image-row", 3, "--device", "cpu", "--checkpoint")
    _, _, report = search(folder, *image, folder / "other6")
    assert "another model made them" in report["notes"][0]
    assert search(folder, *image, folder / "other4", out="wrong")[0] == 2
    assert "makes 4 latent dimensions" in capsys.readouterr().err


@pytest.fixture
def new_pattern(folder: Path) -> Path:
    """A pattern that isn't in the scan."""
    path = folder / "new.npy"
    np.save(path, patterns(1, (9, 8), seed=77)[0, 0])
    return path


def with_image(folder: Path, image: Path, *more: object):
    model = folder / "pca/model.safetensors"
    return search(folder, "--image", image, "--checkpoint", model, *more)


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_an_image_lies_where_the_fitted_embedding_places_it(folder, new_pattern, method):
    latents = folder / "pca/scan_latents.h5"
    run = folder / method
    assert main(["project", str(latents), "--method", method, "--out", str(run)]) == 0
    _, _, report = with_image(folder, new_pattern, "--into", run)
    record = json.loads((folder / "out/report.json").read_text())["query"]
    np.savetxt(
        folder / "one.csv", [[0, 0, *record["latent"]]], delimiter=",", comments="",
        header="x,y," + ",".join(f"latent_d{dim}" for dim in range(6)), fmt="%.9g",
    )  # fmt: skip
    asked = [
        "project",
        str(folder / "one.csv"),
        "--into",
        str(run),
        "--out",
        str(folder / "placed"),
    ]
    assert main(asked) == 0
    placed = pd.read_parquet(folder / "placed/embedding.parquet")
    assert report["place"]["method"] == method
    for axis in ("U0", "U1"):
        assert report["place"][axis] == pytest.approx(placed[axis][0], rel=1e-5, abs=1e-5)
    assert (folder / "out/place.png").exists()


def test_the_novelty_of_an_image_is_that_of_the_verb_novelty(folder, new_pattern):
    _, _, report = with_image(folder, new_pattern)
    found = report["novelty"]
    latents = open_latents(folder / "pca/scan_latents.h5")
    parts, way = reference_parts(latents, 0)
    assert (found["calibration"], way) == ("place", "place")
    fitted = latents.values[parts.fitted].astype(float)
    latent = np.array([json.loads((folder / "out/report.json").read_text())["query"]["latent"]])
    mahalanobis = np.sqrt(LedoitWolf().fit(fitted).mahalanobis(latent))[0]
    near = NearestNeighbors(n_neighbors=10).fit(fitted).kneighbors(latent)[0].mean()
    assert found["mahalanobis"] == pytest.approx(mahalanobis, rel=1e-5)
    assert found["neighbor_distance"] == pytest.approx(near, rel=1e-5)
    set_aside = latents.values[parts.calibrating].astype(float)
    usual = np.sqrt(LedoitWolf().fit(fitted).mahalanobis(set_aside))
    share = 100 * (usual < mahalanobis).mean()
    assert found["percentile_mahalanobis"] == pytest.approx(share, abs=100 / len(usual))
    assert "statistics" not in report  # patterns of 8 bits are no quantity


def test_a_sample_of_the_scan_is_not_new(folder):
    with open_samples(folder / "scan.h5") as source:
        np.save(folder / "old.npy", source.read(np.array([12]))[0, 0])
    _, _, report = with_image(folder, folder / "old.npy")
    assert "novelty" not in report
    assert "it can't be new" in " ".join(report["notes"])


def test_a_cutout_of_temperatures_is_measured(tmp_path):
    write_cutouts(tmp_path / "cutouts.h5", valid=cutouts(60, 12))
    asked = ["extract", str(tmp_path / "cutouts.h5"), "--checkpoint", "pca:3"]
    assert main([*asked, "--out", str(tmp_path / "encoded")]) == 0
    new = cutouts(1, 12, seed=9)[0, 0]
    np.save(tmp_path / "new.npy", new)
    _, _, report = search(
        tmp_path, "--image", tmp_path / "new.npy", "--checkpoint",
        tmp_path / "encoded/model.safetensors", latents="encoded/cutouts_latents.h5",
    )  # fmt: skip
    inside = new[2:10, 2:10]
    low, high = np.percentile(inside.astype(float), (10, 90))
    assert report["statistics"]["crop"] == 8
    assert report["statistics"]["DT"] == pytest.approx(high - low)
    assert report["statistics"]["mean"] == pytest.approx(new.mean(), rel=1e-5)
    assert report["novelty"]["calibration"] == "random"


def test_an_embedding_of_another_encoder_is_refused(folder, new_pattern, capsys):
    asked = ["extract", str(folder / "scan.h5"), "--checkpoint", "pca:6", "--prepare", "smooth=1"]
    assert main([*asked, "--out", str(folder / "other")]) == 0
    latents = str(folder / "other/scan_latents.h5")
    run = str(folder / "run")
    assert main(["project", latents, "--method", "pca", "--out", run]) == 0
    status, _, _ = with_image(folder, new_pattern, "--into", run)
    assert status == 2
    assert "made by different encoders" in capsys.readouterr().err
