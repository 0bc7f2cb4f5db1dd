"""The verb ``cluster``, called as the command line calls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from latentcore.analysis.clusterers import make_clusterer
from latentcore.analysis.clustering import cluster
from latentcore.cli import main
from latentcore.errors import InputError
from latentcore.inputs.maps import read_map
from latentcore.workflows import execute
from latentcore.workflows.cluster import ClusterRequest, clusterer_of


@pytest.fixture
def scan(tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(300), 20)
    x, y = x + 5, y + 10
    latent = np.where(x < 15, -1.0, 1.0) + rng.normal(0, 0.1, 300)
    latent[7] = np.nan
    table = pd.DataFrame({"x": x, "y": y, "latent_d3": latent.astype(np.float32)})
    table.to_parquet(tmp_path / "latents.parquet", index=False)
    maps = table[["x", "y"]].assign(BandContrast=rng.integers(40, 200, 300))
    maps.to_csv(tmp_path / "bc.csv", index=False)
    return tmp_path


def called(scan, *more, latents="latents.parquet", out="run"):
    return main(
        ["cluster", str(scan / latents), "--dim", "3", "--map", str(scan / "bc.csv"),
         "--out", str(scan / out), "--quiet", *more]
    )  # fmt: skip


def report_of(folder):
    (path,) = folder.glob("cluster_report__*.json")
    return json.loads(path.read_text())


def test_a_sample_is_in_the_report_and_its_labels_come_again(scan):
    assert called(scan, "--method", "gmm", "--k", "3", "--sample", "120") == 0
    report = report_of(scan / "run")
    assert (report["sample"]["n"], report["sample"]["of"], report["sample"]["seed"]) == (
        120,
        299,
        0,
    )
    assert any(note.startswith("Learned from 120 of 299 points") for note in report["notes"])
    again: dict[str, object] = {}
    exec((scan / "run" / report["snippet"]).read_text(), again)
    table = pd.read_csv(scan / "run" / report["assignments_csv"])
    np.testing.assert_array_equal(again["labels"], table["cluster"])


@pytest.mark.parametrize("method", ["gmm", "kmeans", "dbscan", "hdbscan"])
def test_files_columns_and_keys_are_those_of_the_contract(scan, method):
    assert called(scan, "--method", method) == 0
    report = report_of(scan / "run")
    assert {
        "method", "k", "scores", "eps", "min_samples", "min_cluster_size", "n_points", "counts",
        "scaling", "figure", "assignments_csv", "cluster_colors",
    } <= set(report)  # fmt: skip
    assert report["method"] == method
    assert report["scaling"] == "standard"
    assert set(report["scores"]) >= {"criterion", "value"}
    assert report["n_points"] == 300
    assert sum(report["counts"].values()) == 300
    assert report["figure"] == f"cluster_latent_bc__d3_{method}.png"
    assert (scan / "run" / report["figure"]).read_bytes()[:4] == b"\x89PNG"
    table = pd.read_csv(scan / "run" / report["assignments_csv"])
    assert list(table.columns) == ["x", "y", "latent", "bandcontrast", "cluster"]
    assert (table.dtypes["x"], table.dtypes["cluster"]) == (np.int64, np.int64)
    assert table["cluster"][7] == -1
    assert {int(label): n for label, n in report["counts"].items()} == dict(
        table["cluster"].value_counts()
    )
    assert (scan / "run/run.json").is_file()
    assert report["sample"] is None


def test_report_recomputes_the_labels(scan):
    assert called(scan, "--method", "kmeans", "--k", "2", "--seed", "5") == 0
    report = report_of(scan / "run")
    table = pd.read_csv(scan / "run" / report["assignments_csv"])
    found = cluster(
        table["latent"].astype(np.float32), table["bandcontrast"],
        clusterer=make_clusterer(report["method"], {"k": report["k"], "seed": 5}),
        scaling=report["scaling"],
    )  # fmt: skip
    np.testing.assert_array_equal(found.labels, table["cluster"])
    names: dict[str, object] = {}
    exec((scan / "run" / report["snippet"]).read_text(), names)
    np.testing.assert_array_equal(names["labels"], table["cluster"])


def test_assignments_keep_the_latents_row_order_and_labels_do_not_know_it(scan):
    assert called(scan, "--method", "gmm") == 0
    table = pd.read_parquet(scan / "latents.parquet")
    table.sample(frac=1, random_state=1).to_parquet(scan / "mixed.parquet", index=False)
    assert called(scan, "--method", "gmm", latents="mixed.parquet", out="mixed") == 0
    straight = pd.read_csv(scan / "run/cluster_assignments__d3_gmm.csv")
    mixed = pd.read_csv(scan / "mixed/cluster_assignments__d3_gmm.csv")
    np.testing.assert_array_equal(mixed["x"], pd.read_parquet(scan / "mixed.parquet")["x"])
    pd.testing.assert_frame_equal(
        mixed.sort_values(["y", "x"], ignore_index=True), straight, check_dtype=False
    )


def test_roi_is_half_open_and_names_the_files(scan):
    assert called(scan, "--method", "kmeans", "--roi", "5", "15", "10", "12") == 0
    report = report_of(scan / "run")
    assert report["n_points"] == 20
    assert report["roi"] == {"x_range": [5.0, 15.0], "y_range": [10.0, 12.0]}
    assert report["assignments_csv"] == "cluster_assignments__d3_x_5_15_y_10_12_kmeans.csv"


def test_tag_and_colors_are_the_users(scan):
    colors = ["#112233", "#445566"]
    assert called(scan, "--method", "kmeans", "--tag", "mine", "--colors", *colors) == 0
    report = report_of(scan / "run")
    assert (scan / "run/cluster_latent_bc__mine.png").is_file()
    assert report["cluster_colors"] == ["#112233", "#445566", "#112233"]


def test_map_that_covers_a_part_is_counted(scan, capsys):
    table = pd.read_csv(scan / "bc.csv")
    table[table["y"] < 20].to_csv(scan / "bc.csv", index=False)
    assert called(scan, "--method", "kmeans") == 0
    report = report_of(scan / "run")
    assert report["unmatched"] == 100
    assert report["counts"]["-1"] == 101
    message = "100 of 300 points have no bandcontrast in the map and get the label -1."
    assert report["notes"][0].startswith(message)
    assert f"Note: {message}" in capsys.readouterr().err


def test_array_of_a_roi_takes_the_dimension_from_the_user(scan):
    table = pd.read_parquet(scan / "latents.parquet")
    inside = table[(table["x"] < 15) & (table["y"] < 20)]
    np.save(scan / "field.npy", inside["latent_d3"].to_numpy())
    roi = ("--roi", "5", "15", "10", "20", "--method", "gmm")
    assert called(scan, *roi, latents="field.npy") == 0
    assert called(scan, *roi, out="table") == 0
    array, other = (report_of(scan / name) for name in ("run", "table"))
    assert array["counts"] == other["counts"]
    assert array["dim"] == 3
    names: dict[str, object] = {}
    exec((scan / "run" / array["snippet"]).read_text(), names)
    table = pd.read_csv(scan / "run" / array["assignments_csv"])
    np.testing.assert_array_equal(names["labels"], table["cluster"])


def test_summary_is_the_report(scan, capsys):
    assert called(scan, "--method", "kmeans", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["counts"] == report_of(scan / "run")["counts"]


def test_report_says_what_the_other_scaling_gives(scan):
    assert called(scan, "--method", "kmeans", "--k", "2") == 0
    report = report_of(scan / "run")
    assert report["comparison"]["scaling"] == "none"
    assert "ARI" in report["comparison"]["text"]
    assert sum(report["separation"]["share"].values()) == pytest.approx(1)
    assert report["standardisation"]["applied"] is True
    assert report["collapse"]["state"] == "active"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--method", "gmmm"), "Did you mean 'gmm'"),
        (("--method", "kmeans", "--k", "500"), "500 clusters were asked for, but"),
        (("--method", "dbscan", "--eps", "0"), "eps must be > 0"),
        (("--method", "gmm", "--k-min", "4", "--k-max", "3"), "k_min = 4 is above k_max = 3"),
        (("--method", "kmeans", "--eps", "1"), "kmeans has no parameter 'eps'"),
        (("--method", "gmm", "--roi", "0", "5", "0", "5"), "holds no point"),
        (("--method", "gmm", "--roi", "5", "5", "0", "5"), "is empty"),
        (("--method", "gmm", "--tag", "a/b"), "--tag 'a/b'"),
        (("--method", "gmm", "--colors", "red"), "'red' is not a color"),
    ],
)
def test_senseless_requests_exit_with_2_and_leave_nothing(scan, capsys, more, message):
    assert called(scan, *more) == 2
    assert message in capsys.readouterr().err
    assert not (scan / "run").exists()
    assert not list(scan.glob(".run*"))


def test_missing_dimension_is_named(scan):
    request = ClusterRequest(
        latents=str(scan / "latents.parquet"), dim=4, map=str(scan / "bc.csv"), method="gmm"
    )
    with pytest.raises(InputError, match=r"Latent dimension 4 .* hold 3"):
        execute("cluster", request, scan / "run")


def test_several_maps_without_band_contrast_must_be_named(scan):
    table = pd.read_csv(scan / "bc.csv").rename(columns={"BandContrast": "Fe"})
    table.assign(O=1.0).to_csv(scan / "bc.csv", index=False)
    request = ClusterRequest(
        latents=str(scan / "latents.parquet"), dim=3, map=str(scan / "bc.csv"), method="gmm"
    )
    with pytest.raises(InputError, match=r"holds 2: Fe, O. Name one as"):
        execute("cluster", request, scan / "run")


def test_a_request_names_its_clusterer():
    request = ClusterRequest(latents="a", dim=0, map="b", method="gmm", k=3, seed=2)
    assert clusterer_of(request) == make_clusterer("gmm", {"k": 3, "seed": 2})


@pytest.mark.parametrize("source", ["parquet", "npy"])
@pytest.mark.parametrize("method", ["gmm", "kmeans", "dbscan"])
def test_published_clusters(shared_data, tmp_path, source, method):
    folder = shared_data / "roi_x350_420_y70_140_dim512"
    latents = {
        "parquet": folder / "latent_full_maps.parquet",
        "npy": folder / "latents_npy/latent_d40_roi_vs_bandcontrast_pearson.npy",
    }[source]
    published = folder / f"clusters/cluster_assignments__d512_x_350_420_y_70_140_{method}.csv"
    assert (
        main(
            ["cluster", str(latents), "--dim", "40", "--roi", "350", "420", "70", "140", "--map",
             f"{published}:bandcontrast", "--method", method, "--scaling", "none", "--quiet",
             "--out", str(tmp_path / "run")]
        )
        == 0
    )  # fmt: skip
    report = report_of(tmp_path / "run")
    found = pd.read_csv(tmp_path / "run" / report["assignments_csv"])
    wanted = pd.read_csv(published)
    assert adjusted_rand_score(wanted["cluster"], found["cluster"]) == 1.0
    np.testing.assert_array_equal(found["cluster"], wanted["cluster"])
    assert report["n_points"] == 4900
    if method == "gmm":
        assert report["k"] == 7
        assert report["scores"]["value"] == pytest.approx(-13143.168560424265, rel=1e-9)
        assert "6 clusters instead of 7, ARI 0.41" in report["comparison"]["text"]
    if method == "kmeans":
        assert "follow band contrast alone" in report["separation"]["verdict"]
    if method == "dbscan":
        assert report["eps"] == pytest.approx(1.0000000024027205, rel=1e-12)
        assert report["min_samples"] == 20
    assert report["collapse"]["state"] == "collapsed"


@pytest.mark.parametrize(
    "column", ["Band Contrast", "band_contrast", "BandContrast", "BANDCONTRAST"]
)
def test_a_column_may_be_named_in_any_spelling(scan, column):
    table = pd.read_csv(scan / "bc.csv").rename(columns={"BandContrast": "Band Contrast"})
    table.assign(Fe=1.0).to_csv(scan / "bc.csv", index=False)
    assert read_map(f"{scan / 'bc.csv'}:{column}").names == ("bandcontrast",)


def test_interrupt_ends_a_fit_that_takes_no_steps(tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(12_000), 120)
    table = pd.DataFrame({"x": x, "y": y, "latent_d3": rng.normal(size=12_000)})
    table.to_parquet(tmp_path / "latents.parquet", index=False)
    table[["x", "y"]].assign(BandContrast=rng.random(12_000)).to_csv(tmp_path / "bc.csv")
    code = (
        "import signal, sys\n"
        # What runs in the background of a script was born deaf to Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from latentcore.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = ["cluster", "latents.parquet", "--dim", "3", "--map", "bc.csv", "--out", "o"]
    hours = ["--method", "kmeans", "--k", "500", "--n-init", "10000"]
    said = []
    with subprocess.Popen(
        [sys.executable, "-c", code, *words, *hours],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parents[2])},
    ) as running:
        watch = threading.Timer(120, running.kill)
        watch.start()
        for line in running.stderr:
            said.append(line)
            if line.startswith("KMeans"):
                running.send_signal(signal.SIGINT)
        # Only once the process of the fit has closed its end, too, is there no line left.
        watch.cancel()
    assert running.returncode == 130, "".join(said)
    assert said[-1] == "Cancelled.\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bc.csv", "latents.parquet"]
