"""The verb ``agree``, called as the command line calls it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from latentcore.cli import main
from latentcore.jobs import command_line
from latentcore.workflows.agree import verb as agree_verb
from latentcore.workflows.agree.verb import AgreeRequest


@pytest.fixture
def scan(tmp_path):
    """Latents of which dimension 3 follows the phase, and a table of scores that knows it too."""
    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(300), 20)
    phase = (x > 8).astype(int)
    latents = pd.DataFrame({"x": x, "y": y, "latent_d1": rng.normal(size=300)})
    latents["latent_d3"] = phase + rng.normal(0, 0.05, 300)
    latents["latent_d4"] = 1.0
    latents.loc[7, "latent_d3"] = np.nan
    latents.astype({"latent_d3": np.float32}).to_parquet(tmp_path / "latents.parquet")
    scores = pd.DataFrame({"x": x, "y": y})
    for number in (1, 2):
        scores[f"PCA_{number}"] = (number - 3) * phase + rng.normal(0, 0.1, 300)
    scores["cluster_label"] = phase
    scores.to_csv(tmp_path / "pca.csv", index=False)
    names = np.array(["Iron", "not_indexed"])[phase]
    pd.DataFrame({"x": x, "y": y, "phase": names, "cluster": 1 - phase}).to_csv(
        tmp_path / "phases.csv", index=False
    )
    return tmp_path


def called(scan, *more, out="run"):
    words = [str(scan / word) if word.split(":")[0].endswith(("csv", "parquet")) else word
             for word in more]  # fmt: skip
    return main(["agree", *words, "--out", str(scan / out), "--quiet"])


def report_of(scan, out="run"):
    return json.loads((scan / out / "report.json").read_text())


def test_features_are_clustered_and_each_dimension_is_held_against_them(scan):
    assert called(scan, "latents.parquet", "--reference", "pca.csv:PCA_*", "--k-max", "4") == 0
    table = pd.read_csv(scan / "run/agreement.csv")
    assert list(table.columns)[:5] == ["dim", "ari", "nmi", "k_latent", "k_reference"]
    assert table["dim"].tolist() == [3, 1, 4]
    assert table["ari"][0] == 1
    assert (table["k_latent"][0], table["k_reference"][0], table["n"][0]) == (2, 2, 299)
    assert np.isnan(table["ari"][2])
    assert table["reason"][2].startswith("The latent 4 is 1 at each")
    report = report_of(scan)
    assert report["reference"]["columns"] == ["PCA_1", "PCA_2"]
    assert report["reference"]["parameters"]["k"] == report["k_reference"] == 2
    assert report["roi"] == {"x_range": [0, 20], "y_range": [0, 15], "n": 300}
    assert [entry["dim"] for entry in report["top"]] == [3, 1]
    clusters = pd.read_csv(scan / "run/clusters.csv")
    own, known = clusters["cluster_d3"], clusters["reference"]
    assert own.isna().sum() == 1
    assert adjusted_rand_score(known[own.notna()], own.dropna()) == table["ari"][0]
    assert (scan / "run/latent_vs_ref_d3.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("column", ["phase", "cluster"])
def test_labels_are_taken_as_they_are(scan, column):
    assert called(scan, "latents.parquet", "--reference", f"phases.csv:{column}", "--top", "1") == 0
    report = report_of(scan)
    assert report["reference"]["kind"] == "labels"
    assert report["top"] == [{"dim": 3, "ari": 1.0, "nmi": 1.0, "k_latent": 2}]
    known = pd.read_csv(scan / "run/clusters.csv")["reference"]
    assert (
        set(known.astype(str)) == {"phase": {"Iron", "not_indexed"}, "cluster": {"0", "1"}}[column]
    )


def test_without_columns_a_file_means_its_features(scan):
    assert called(scan, "latents.parquet", "--reference", "pca.csv", "--top", "0") == 0
    assert report_of(scan)["reference"]["columns"] == ["PCA_1", "PCA_2"]
    assert not list((scan / "run").glob("*.png"))


def test_a_sample_is_drawn_by_the_seed(scan):
    for out, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        drawn = ("--sample", "80", "--seed", seed, "--k-max", "3", "--top", "0")
        phases = ("--reference", "phases.csv:phase")
        assert called(scan, "latents.parquet", *phases, *drawn, out=out) == 0
    a, b, c = (pd.read_csv(scan / out / "clusters.csv") for out in "abc")
    assert len(a) == 80
    pd.testing.assert_frame_equal(a, b)
    assert not a[["x", "y"]].equals(c[["x", "y"]])


def test_very_many_points_are_sampled_and_scores_have_standard_errors(scan, monkeypatch):
    phases = ("latents.parquet", "--reference", "phases.csv:phase", "--k-max", "3")
    assert called(scan, *phases, "--sample", "80", out="asked") == 0
    assert list((scan / "asked").glob("*.png"))
    monkeypatch.setattr(agree_verb, "_MOST", 299)
    monkeypatch.setattr(agree_verb, "_USUAL", 80)
    assert called(scan, *phases, out="usual") == 0
    assert not list((scan / "usual").glob("*.png"))
    for name in ("agreement.csv", "clusters.csv"):
        assert (scan / "usual" / name).read_bytes() == (scan / "asked" / name).read_bytes()
    report = report_of(scan, "usual")
    assert report["sample"] == {"n": 80, "of": 300, "seed": 0}
    assert report["unmatched_reference"] == 0
    assert called(scan, *phases, "--sample", "all", "--top", "0", out="all") == 0
    part, whole = (pd.read_csv(scan / out / "agreement.csv") for out in ("usual", "all"))
    assert "ari_se" not in whole
    # Each part of ten has eight points: where labels agree, it does as well.
    assert part["ari"][0] == 1.0
    assert part["ari_se"][0] == 0.0
    assert part["ari_se"][1] > 0


def test_points_without_a_partner_are_reported(scan, capsys):
    table = pd.read_csv(scan / "phases.csv")
    table[table["x"] < 15].assign(y=lambda t: t["y"] + 1).to_csv(scan / "phases.csv", index=False)
    few = ("--k-max", "3", "--top", "0")
    assert called(scan, "latents.parquet", "--reference", "phases.csv:phase", *few) == 0
    report = report_of(scan)
    assert (report["unmatched"], report["unmatched_reference"]) == (90, 15)
    assert "90 of 300 points of the latents have no reference." in capsys.readouterr().err


def test_two_label_maps(scan):
    assert called(scan, "--labels", "phases.csv:cluster", "--reference", "phases.csv:phase") == 0
    report = report_of(scan)
    assert (report["ari"], report["nmi"], report["mapped_accuracy"]) == (1, 1, 1)
    assert report["labels"]["values"] == ["0", "1"]
    assert report["reference"]["values"] == ["Iron", "not_indexed"]
    assert report["contingency"] == [[0, 165], [135, 0]]
    assert report["mapping"] == {"0": "not_indexed", "1": "Iron"}
    table = pd.read_csv(scan / "run/contingency.csv")
    assert table.columns.tolist() == ["cluster", "Iron", "not_indexed"]
    for name in ("contingency.png", "label_maps.png", "differences.png"):
        assert (scan / "run" / name).read_bytes()[:4] == b"\x89PNG"
    assert report["variation_of_information"] == 0
    assert (report["border_recall"], report["border_precision"]) == (1, 1)
    assert report["border_length"] == {"labels": 15, "reference": 15}
    found = pd.read_csv(scan / "run/differences.csv")
    assert found.columns.tolist() == ["x", "y", "label", "reference", "matched", "differs"]
    assert (found["matched"] == found["reference"]).all()
    assert not found["differs"].any()


def test_a_run_is_held_against_labels_of_which_some_are_noise(scan):
    words = [str(scan / "latents.parquet"), "--dim", "3", "--map", f"{scan / 'pca.csv'}:PCA_1"]
    method = ["--method", "kmeans", "--k", "2", "--quiet", "--out", str(scan / "clusters")]
    assert main(["cluster", *words, *method]) == 0
    table = pd.read_csv(scan / "phases.csv")
    table["grain"] = np.where(table["x"] == 0, -1, 1 - table["cluster"] + 3 * (table["x"] > 15))
    table.to_csv(scan / "grains.csv", index=False)
    against = ["--reference", str(scan / "grains.csv:grain"), "--quiet"]
    assert main(["agree", "--labels", str(scan / "clusters"), *against, "--out",
                 str(scan / "run")]) == 0  # fmt: skip
    report = report_of(scan)
    found = pd.read_csv(scan / "run/differences.csv")
    # No cluster at the row without a latent, no grain at x = 0; what is right of x = 15 is split.
    assert found["differs"].isna().sum() == 1 + 15
    assert found.loc[found["differs"] == 1, "x"].unique().tolist() == [16, 17, 18, 19]
    assert report["share_different"] == pytest.approx(60 / 284)
    assert (report["border_recall"], report["border_precision"]) == (15 / 30, 1)
    assert report["without_noise"]["n"] == 284
    assert report["without_noise"]["variation_of_information"] == pytest.approx(
        _split(60, 105, 284)
    )
    assert json.loads((scan / "run/run.json").read_text())["parents"]


def _split(part, other, n):
    """Return H(grains | clusters) where one cluster holds two grains, and another one grain."""
    shares = np.array([part, other]) / (part + other)
    return -(part + other) / n * (shares * np.log(shares)).sum()


def test_tables_of_very_many_labels_are_pairs(scan, monkeypatch):
    monkeypatch.setattr("latentcore.workflows.agree.maps._MOST_CELLS", 3)
    assert called(scan, "--labels", "phases.csv:cluster", "--reference", "phases.csv:phase") == 0
    report = report_of(scan)
    assert report["contingency"] is report["mapping"] is report["labels"]["values"] is None
    assert report["labels"]["count"] == 2
    table = pd.read_csv(scan / "run/contingency.csv")
    assert table.to_numpy().tolist() == [[0, "not_indexed", 165], [1, "Iron", 135]]


def test_the_one_label_column_of_a_file_needs_no_name(scan):
    assert called(scan, "--labels", "pca.csv", "--reference", "phases.csv:phase",
                  "--roi", "0", "9", "0", "4") == 0  # fmt: skip
    report = report_of(scan)
    assert report["labels"]["column"] == "cluster_label"
    assert report["n"] == 36


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--reference", "phases.csv:phase"), "Give either latents or --labels"),
        (("latents.parquet", "--labels", "pca.csv", "--reference", "pca.csv"), "Give either"),
        (("latents.parquet", "--reference", "phases.csv"), "2 columns of labels: phase, cluster"),
        (("latents.parquet", "--reference", "pca.csv:PCA_1,cluster_label"), "labels and numbers"),
        (("--labels", "phases.csv", "--reference", "pca.csv"), "holds 2: phase, cluster"),
        (("--labels", "pca.csv:PCA_1", "--reference", "pca.csv"), "not labels"),
        (("latents.parquet", "--reference", "pca.csv:Fe"), "no column 'Fe'"),
        (("latents.parquet", "--reference", "pca.csv", "--k-min", "13"), "k_min = 13 is above"),
        (("latents.parquet", "--reference", "pca.csv", "--top", "-1"), "--top must be 0 or more"),
        (("latents.parquet", "--reference", "phases.csv:phase", "--roi", "0", "5", "0", "9"),
         "have the same reference label"),
        (("latents.parquet", "--reference", "far.csv"), "None of 300 points has a partner"),
        (("--labels", "pca.csv", "--reference", "far.csv:label"), "None of 300 points"),
        (("latents.parquet", "--reference", "twice.csv"), "share their coordinates"),
    ],
)  # fmt: skip
def test_bad_input_exits_with_2_and_leaves_nothing(scan, capsys, words, message):
    table = pd.read_csv(scan / "pca.csv")
    far = table.assign(x=table["x"] + 100, label=1)[["x", "y", "PCA_1", "label"]]
    far.to_csv(scan / "far.csv", index=False)
    pd.concat([table, table[:5]]).to_csv(scan / "twice.csv", index=False)
    assert called(scan, *words) == 2
    assert message in capsys.readouterr().err
    assert not (scan / "run").exists()


def test_without_latents_the_command_has_no_positional_word():
    request = AgreeRequest(labels="a.csv", reference="b.csv:phase")
    assert command_line("agree", request) == (
        "python -m latentcore agree --reference b.csv:phase --labels a.csv"
    )


@pytest.mark.parametrize(
    ("column", "ari", "nmi"),
    [("pca_cluster", 0.383163957, 0.400330928), ("cnmf_cluster", 0.180615708, 0.318319610)],
)
def test_published_agreement_with_phases(shared_data, tmp_path, column, ari, nmi):
    file = shared_data / "roi_x350_420_y70_140_dim512/phases_and_pca_cnmf_clusters.csv"
    words = ["--labels", f"{file}:{column}", "--reference", f"{file}:true_phase", "--quiet"]
    assert main(["agree", *words, "--out", str(tmp_path / "run")]) == 0
    report = report_of(tmp_path)
    assert report["ari"] == pytest.approx(ari, abs=1e-9)
    assert report["nmi"] == pytest.approx(nmi, abs=1e-9)
    assert report["n"] == np.sum(report["contingency"]) == 4900
    published = json.loads(file.with_name("pca_cnmf_clustering_metrics.json").read_text())
    wanted = published[column.split("_")[0]]
    assert report["mapped_accuracy"] == pytest.approx(wanted["metrics"]["mapped_accuracy"])
    assert report["mapping"] == wanted["mapping_names"]


def test_published_pca_against_cnmf(shared_data, tmp_path):
    folder = shared_data / "pca_cnmf_x250_300_y30_70"
    words = ["--labels", str(folder / "pca_scores_pc100_x250-300_y30-70.csv.gz"),
             "--reference", str(folder / "cnmf_weights_pc100_x250-300_y30-70.csv")]  # fmt: skip
    assert main(["agree", *words, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert report_of(tmp_path)["ari"] == pytest.approx(0.527852, abs=5e-7)


def test_real_latents_against_phases(shared_data, tmp_path):
    folder = shared_data / "roi_x350_420_y70_140_dim512"
    words = [str(folder / "latents_npy/latent_d40_roi_vs_bandcontrast_pearson.npy"),
             "--roi", "350", "420", "70", "140",
             "--reference", f"{folder}/phases_and_pca_cnmf_clusters.csv:true_phase"]  # fmt: skip
    assert main(["agree", *words, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    (row,) = pd.read_csv(tmp_path / "run/agreement.csv").to_dict("records")
    clusters = pd.read_csv(tmp_path / "run/clusters.csv").dropna()
    assert row["dim"] == 40
    assert row["n"] == len(clusters) == 4760
    pair = clusters["reference"], clusters["cluster_d40"]
    assert row["ari"] == adjusted_rand_score(*pair)
    assert row["nmi"] == pytest.approx(normalized_mutual_info_score(*pair), rel=1e-12)
