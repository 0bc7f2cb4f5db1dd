"""The verb ``novelty``, called as the command line calls it."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage, stats

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi


def write(path: Path, values, x=None, y=None) -> None:
    grid = None if x is None else ScanGrid.from_coordinates(x, y)
    dims = np.arange(values.shape[1], dtype=np.int32)
    ids = default_sample_ids(len(values))
    write_latents(path, LatentSet(values.astype(np.float32), ids, dims, grid))


def judged(folder: Path, *words: object, out: str = "out"):
    status = main(["novelty", *map(str, words), "--out", str(folder / out), "--quiet"])
    if status:
        return status, None, None
    report = json.loads((folder / out / "report.json").read_text())
    return status, report, pd.read_csv(folder / out / "novelty.csv")


@pytest.fixture
def cutouts(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    write(tmp_path / "known.h5", rng.normal(size=(2000, 8)))
    new = rng.normal(size=(1000, 8))
    new[3] = np.nan
    write(tmp_path / "same.h5", new)
    write(tmp_path / "other.h5", rng.normal(2, 1, (100, 8)))
    write(tmp_path / "narrow.h5", rng.normal(size=(100, 5)))
    return tmp_path


def test_percentiles_are_uniform_for_the_same_kind_and_high_for_another(cutouts):
    reference = ("--reference", cutouts / "known.h5")
    status, report, table = judged(cutouts, cutouts / "same.h5", *reference)
    assert status == 0
    assert list(table.columns[:5]) == [
        "row", "sample_id", "mahalanobis", "neighbor_distance", "percentile",
    ]  # fmt: skip
    assert np.isnan(table["percentile"][3])
    given = table["percentile"].dropna()
    assert stats.kstest(given / 100, "uniform").statistic < 0.07
    assert (report["n"], report["n_judged"], report["n_calibrating"]) == (1000, 999, 500)
    assert report["calibration"] == "random"
    assert report["share_above_95"] == pytest.approx((given > 95).mean())
    assert "Nothing says which encoder made" in report["notes"][0]
    _, report, table = judged(cutouts, cutouts / "other.h5", *reference, out="other")
    assert table["percentile"].median() > 99
    strangest = pd.read_csv(cutouts / "other/strangest.csv")
    assert len(strangest) == 24
    assert strangest["percentile"].tolist() == sorted(table["percentile"])[::-1][:24]
    assert (cutouts / "other/novelty.png").stat().st_size > 5_000


def test_the_snippet_gives_the_distances_again(cutouts, capsys, monkeypatch):
    reference = ("--reference", cutouts / "known.h5")
    _, report, _ = judged(cutouts, cutouts / "same.h5", *reference)
    monkeypatch.chdir(cutouts / "out")
    capsys.readouterr()
    exec(compile(report["snippet"], "snippet", "exec"), {})
    assert max(map(float, capsys.readouterr().out.split())) < 1e-5


def test_what_is_set_aside_lies_as_far_from_the_rest_as_what_is_judged(tmp_path):
    # Neighbors of this scan are alike: a point beside one that is known is no surprise.
    rng = np.random.default_rng(4)
    fields = [ndimage.gaussian_filter(rng.normal(size=(80, 60)), 3) for _ in range(6)]
    values = np.stack([field.ravel() / field.std() for field in fields], axis=1)
    y, x = (axis.ravel() for axis in np.mgrid[0:80, 0:60])
    odd = rng.random(len(x)) < 0.3
    write(tmp_path / "known.h5", values[~odd], x[~odd], y[~odd])
    write(tmp_path / "between.h5", values[odd], x[odd], y[odd])
    _, report, table = judged(
        tmp_path, tmp_path / "between.h5", "--reference", tmp_path / "known.h5"
    )
    assert report["calibration"] == "random"
    assert list(table.columns[:3]) == ["row", "x", "y"]
    assert stats.kstest(table["percentile"] / 100, "uniform").statistic < 0.1
    top = y < 40
    write(tmp_path / "top.h5", values[top], x[top], y[top])
    write(tmp_path / "bottom.h5", values[~top], x[~top], y[~top])
    below = (tmp_path / "bottom.h5", "--reference", tmp_path / "top.h5")
    _, report, table = judged(tmp_path, *below, out="place")
    _, _, flattered = judged(tmp_path, *below, "--calibration", "random", out="random")
    assert report["calibration"] == "place"
    assert table["percentile"].median() < flattered["percentile"].median() - 10
    judged(tmp_path, *below, "--roi", 0, 60, 60, 80, out="roi")
    cut = pd.read_csv(tmp_path / "roi/novelty.csv")
    assert cut["row"].tolist() == list(range(20 * 60, 40 * 60))


def test_the_strangest_are_shown_and_other_encoders_refused(tmp_path, capsys):
    coords = full_grid(10, 8)
    write_kikuchi(tmp_path / "scan.h5", coords, patterns(80, (8, 8)))
    for name, model in (("a", "pca:3"), ("b", "pca:3"), ("c", "a/model.safetensors")):
        checkpoint = model if model.startswith("pca") else str(tmp_path / model)
        words = ["extract", tmp_path / "scan.h5", "--checkpoint", checkpoint]
        words += ["--prepare", "scale=demean"] if name == "b" else []
        assert main([*map(str, words), "--out", str(tmp_path / name), "--quiet"]) == 0
    latents = {name: tmp_path / name / "scan_latents.h5" for name in "abc"}
    capsys.readouterr()
    assert judged(tmp_path, latents["b"], "--reference", latents["a"])[0] == 2
    said = capsys.readouterr().err
    assert "made by different encoders" in said
    assert "--checkpoint model.safetensors" in said
    status, report, _ = judged(tmp_path, latents["c"], "--reference", latents["a"])
    assert status == 0
    assert "they are the same" in report["notes"][0]
    assert (tmp_path / "out/strangest.png").stat().st_size > 5_000
    (tmp_path / "scan.h5").unlink()
    _, report, _ = judged(tmp_path, latents["c"], "--reference", latents["a"], out="gone")
    assert "There are no thumbnails" in report["notes"][-1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("narrow.h5",), "narrow.h5 has the latent dimensions 0 to 4, but known.h5 has 0 to 7"),
        (("same.h5", "--neighbors", "0"), "Give at least 1"),
        (("same.h5", "--calibration", "place"), "The reference has no coordinates"),
    ],
)
def test_what_can_not_be_judged_is_refused(cutouts, capsys, words, why):
    named, *more = words
    reference = ("--reference", cutouts / "known.h5")
    assert judged(cutouts, cutouts / named, *reference, *more)[0] == 2
    assert why in capsys.readouterr().err
    assert not (cutouts / "out").exists()


@pytest.mark.parametrize("grid", [True, False])
def test_reconstruction_errors_have_their_own_percentile(tmp_path, grid):
    rng = np.random.default_rng(0)
    for name, n, odd in (("known", 120, 0), ("new", 40, 3)):
        images = patterns(n, (12, 12)).astype(np.float32)
        images[:odd] = rng.uniform(0, 255, (odd, *images.shape[1:]))  # of no kind that was seen
        file = str(tmp_path / f"{name}.h5")
        if grid:
            write_kikuchi(tmp_path / f"{name}.h5", full_grid(n // 10, 10), images)
        else:
            with h5py.File(file, "w") as cutouts:
                cutouts["valid"] = images[:, 0]
        model = "pca:2" if name == "known" else str(tmp_path / "known" / "model.safetensors")
        assert main(["extract", file, "--checkpoint", model, "--out", str(tmp_path / name)]) == 0
        asked = ["reconstruct", file, "--checkpoint", str(tmp_path / "known/model.safetensors")]
        assert main([*asked, "--out", str(tmp_path / f"{name}_errors"), "--quiet"]) == 0
    errors = [f"{tmp_path / name}_errors/reconstruction_error.csv:mse" for name in ("new", "known")]
    status, report, table = judged(
        tmp_path, tmp_path / "new/new_latents.h5", "--reference",
        tmp_path / "known/known_latents.h5", "--errors", *errors, "--samples", "none",
    )  # fmt: skip
    assert status == 0
    own, usual = (pd.read_csv(one.removesuffix(":mse"))["mse"].to_numpy() for one in errors)
    np.testing.assert_allclose(table["reconstruction_error"], own, rtol=1e-6)
    ranks = [100 * ((usual < one).sum() + 0.5 * ((usual == one).sum() + 1)) / 121 for one in own]
    np.testing.assert_allclose(table["percentile_reconstruction"], ranks)
    assert (table["percentile_reconstruction"][:3] > 99).all()
    above = float(np.mean(np.array(ranks) > 99))
    assert report["reconstruction"]["share_above_99"] == pytest.approx(above)


def test_errors_of_other_samples_are_refused(cutouts, capsys):
    table = pd.DataFrame({"sample_id": ["elsewhere/1"], "mse": [1.0]})
    table.to_csv(cutouts / "errors.csv", index=False)
    status, _, _ = judged(
        cutouts, cutouts / "same.h5", "--reference", cutouts / "known.h5",
        "--errors", f"{cutouts}/errors.csv:mse", f"{cutouts}/errors.csv:mse",
    )  # fmt: skip
    assert status == 2
    assert "None of the 1000 samples is in 'errors.csv'" in capsys.readouterr().err
