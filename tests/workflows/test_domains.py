"""The verb ``domains``, called as the command line calls it."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from latentcore.cli import main
from latentcore.inputs.labels import read_labels
from tests.analysis.domains.scans import voronoi


@pytest.fixture
def scan(tmp_path):
    latents, grain = voronoi(1, side=24, grains=5, mixed=1)
    x, y = latents.grid.x.astype(int) + 7, latents.grid.y.astype(int)
    table = pd.DataFrame({"x": x, "y": y})
    for dim in range(8):
        table[f"latent_{dim}"] = latents.values[:, dim]
    table.loc[3, "latent_5"] = np.nan
    order = np.random.default_rng(0).permutation(len(table))
    table.iloc[order].to_csv(tmp_path / "latents.csv", index=False)
    maps = table[["x", "y"]].assign(
        bandcontrast=grain * 10, phase=np.where(x < 19, "Ni", "Fe"), grain=grain
    )
    maps.to_csv(tmp_path / "maps.csv", index=False)
    return tmp_path


def called(scan, *more, out="run", latents="latents.csv"):
    return main(["domains", str(scan / latents), "--out", str(scan / out), "--quiet", *more])


def test_files_columns_and_keys_are_those_of_the_contract(scan):
    maps = scan / "maps.csv"
    assert (
        called(scan, "--map", f"{maps}:bandcontrast", "--map", f"{maps}:grain", "--dim", "2") == 0
    )
    run = scan / "run"
    report = json.loads((run / "report.json").read_text())
    labels = pd.read_csv(run / "domains.csv")
    asked = pd.read_csv(scan / "latents.csv")
    np.testing.assert_array_equal(labels[["x", "y"]], asked[["x", "y"]])
    assert (labels["domain"] == -1).sum() == 1
    assert report["n_domains"] == labels["domain"].max() + 1
    assert {"threshold", "method", "min_size", "confidence"} <= set(report)
    assert (report["method"], report["n_in_no_domain"], report["notes"]) == ("merging", 1, [])
    table = pd.read_csv(run / "domain_table.csv")
    assert list(table.columns[:12]) == [
        "domain", "n", "area", "equivalent_diameter", "centroid_x", "centroid_y", "perimeter",
        "aspect_ratio", "angle_deg", "n_neighbors", "touches_border", "n_inclusions",
    ]  # fmt: skip
    assert {"mean_deviation", "mean_bandcontrast", "sd_grain", "mean_latent_d2"} <= set(table)
    truth = asked.merge(pd.read_csv(maps), on=["x", "y"])["grain"]
    assert adjusted_rand_score(truth, labels["domain"]) > 0.95
    borders = pd.read_csv(run / "domain_borders.csv")
    assert list(borders.columns) == ["a", "b", "length", "contrast"]
    shown = pd.read_csv(run / "domain_maps.csv")
    assert {"x", "y", "neighbor_distance", "deviation"} <= set(shown)
    assert np.isnan(shown["deviation"]).sum() == 1
    assert (run / "domains.png").stat().st_size > 10_000
    listed = json.loads((run / "run.json").read_text())["files"]
    assert set(listed) >= {*report["files"], "report.json"}
    assert read_labels(str(run)).given.sum() == len(labels) - 1


def test_options_reach_the_search(scan):
    phase = f"{scan / 'maps.csv'}:phase"
    assert called(
        scan, "--phase", phase, "--method", "watershed", "--threshold", "0.5", "--min-size", "9",
        "--distance", "euclidean", "--scaling", "standard", "--roi", "10", "30", "0", "20",
    ) == 0  # fmt: skip
    labels = pd.read_csv(scan / "run" / "domains.csv")
    report = json.loads((scan / "run" / "report.json").read_text())
    assert len(labels) == 20 * 20
    assert (report["threshold"], report["automatic"], report["distance"]) == (
        0.5, False, "euclidean",
    )  # fmt: skip
    sides = labels[labels["domain"] >= 0].groupby("domain")["x"].agg(["min", "max"])
    assert ((sides["max"] < 19) | (sides["min"] >= 19)).all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--min-size", "0"], "--min-size must be ≥ 1"),
        (["--threshold", "-1"], "--threshold must be ≥ 0"),
        (["--threshold", "nan"], "--threshold must be ≥ 0"),
        (["--method", "wards"], "Did you mean 'ward'"),
        (["--method", "ward", "--few", "3"], "ward has no parameter 'few'"),
        (["--map", "other.csv"], "Check that both tables use the same coordinates"),
        (["--phase", "other.csv:bandcontrast"], "has a phase"),
        (["--dim", "9"], "Latent dimension 9"),
        (["--roi", "900", "950", "0", "9"], "holds no point"),
    ],
)
def test_bad_requests_say_what_to_do_and_leave_nothing(scan, capsys, monkeypatch, more, message):
    monkeypatch.chdir(scan)
    maps = pd.read_csv(scan / "maps.csv")[["x", "y", "bandcontrast"]]
    maps.assign(x=maps["x"] + 500).to_csv("other.csv", index=False)
    try:
        status = called(scan, *more)
    except SystemExit as end:  # argparse
        status = end.code
    assert status == 2
    assert message in capsys.readouterr().err
    assert not (scan / "run").exists()


def test_more_points_than_memory_allows_are_refused(scan, capsys):
    assert called(scan, "--memory", "0.45") == 2
    message = capsys.readouterr().err
    assert "576 points × 8 dimensions take about 0.5 GB of memory, but --memory allows" in message
    assert not (scan / "run").exists()
    assert called(scan, "--memory", "0.46") == 0


def test_latents_without_a_grid_or_a_difference_are_refused(scan, capsys):
    np.save(scan / "latents.npy", np.ones((30, 4), np.float32))
    assert called(scan, latents="latents.npy") == 2
    assert "give --coords" in capsys.readouterr().err
    table = pd.read_csv(scan / "latents.csv")
    for values, message in ((1.0, "the same as their neighbors'"), (np.nan, "None of the 576")):
        table.assign(**dict.fromkeys(table.columns[2:], values)).to_csv(
            scan / "flat.csv", index=False
        )
        assert called(scan, latents="flat.csv") == 2
        assert message in capsys.readouterr().err


def test_a_map_of_another_scan_that_overlaps_is_noted(scan):
    maps = pd.read_csv(scan / "maps.csv")[["x", "y", "bandcontrast"]]
    maps.assign(x=maps["x"] + 20).to_csv(scan / "other.csv", index=False)
    assert called(scan, "--map", str(scan / "other.csv")) == 0
    (note,) = json.loads((scan / "run" / "report.json").read_text())["notes"]
    assert "480 of 576 points have no value" in note


def test_the_simulated_scans_grains_are_found_from_a_pca(shared_data, tmp_path):
    with h5py.File(shared_data / "ebsd_sim" / "ni_sim_small.h5") as file:
        patterns, coords = file["images"][:, 0].astype(np.float32), file["coords"][()]
    # Dynamic background off, smoothed, each pattern standardized: as `extract` prepares them.
    flat = gaussian_filter(patterns - gaussian_filter(patterns, (0, 8, 8)), (0, 1, 1))
    flat = flat.reshape(len(flat), -1)
    flat = (flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)
    scores = PCA(30, svd_solver="randomized", random_state=0).fit_transform(flat)
    table = pd.DataFrame(scores, columns=[f"latent_{dim}" for dim in range(30)])
    table.insert(0, "x", coords[:, 0])
    table.insert(1, "y", coords[:, 1])
    table.to_csv(tmp_path / "latents.csv", index=False)
    assert called(tmp_path) == 0
    found = pd.read_csv(tmp_path / "run" / "domains.csv")
    truth = pd.read_csv(shared_data / "ebsd_sim" / "ni_sim_small_truth.csv")
    both = found.merge(truth, on=["x", "y"])
    assert adjusted_rand_score(both["grain_id"], both["domain"]) > 0.965
    # 22 grains, and pores in four places.
    assert found["domain"].max() + 1 == 26
