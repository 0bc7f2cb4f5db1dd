"""The verb ``rank``, called as the command line calls it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from latentcore.analysis.ranking import metric_names, sampled
from latentcore.analysis.ranking.uncertainty import block_intervals
from latentcore.cli import main
from latentcore.readers import open_latents

METRICS = ["pearson", "spearman", "kendall", "mi", "dcorr", "hsic", "pp_spatial"]


@pytest.fixture
def scan(tmp_path):
    """Latents of which dimension 3 follows Fe; 5 is constant; some points have no latent."""
    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(300), 20)
    iron = rng.uniform(0, 90, 300)
    elements = pd.DataFrame({"x": x, "y": y, "Fe": iron, "Al": rng.uniform(0, 9, 300),
                             "O": 100 - iron, "Ti": 2.0, "phase": "Iron"})  # fmt: skip
    elements.to_csv(tmp_path / "elements.csv", index=False)
    elements[["x", "y"]].assign(BandContrast=rng.integers(40, 200, 300)).to_csv(
        tmp_path / "bc.csv", index=False
    )
    latents = pd.DataFrame({"x": x, "y": y})
    for dim, values in ((1, rng.normal(size=300)), (3, -iron + rng.normal(0, 9, 300)), (5, 1)):
        latents[f"latent_d{dim}"] = np.float32(1e-4) * np.asarray(values, np.float32)
    latents.loc[:9, ["latent_d1", "latent_d3"]] = np.nan
    latents.sample(frac=1, random_state=0).to_parquet(tmp_path / "latents.parquet", index=False)
    return tmp_path


def called(scan, *more, map_="elements.csv:Fe", latents="latents.parquet", out="run"):
    return main(
        ["rank", str(scan / latents), "--map", str(scan / map_), "--out", str(scan / out),
         "--quiet", *more]
    )  # fmt: skip


def report_of(scan, out="run"):
    return json.loads((scan / out / "report.json").read_text())


def pairs(scan, dim, column="Fe", file="elements.csv"):
    joined = pd.read_parquet(scan / "latents.parquet").merge(
        pd.read_csv(scan / file), on=["x", "y"]
    )
    return joined.dropna(subset=[f"latent_d{dim}"])[[f"latent_d{dim}", column]].to_numpy(float).T


def test_files_columns_and_keys_are_those_of_the_contract(scan):
    assert called(scan, "--top", "1") == 0
    table = pd.read_csv(scan / "run/latent_scores.csv")
    assert table.columns.tolist() == ["dim", *METRICS, "n", "reason"]
    assert table["dim"].tolist() == [3, 1, 5]
    assert table["pearson"][0] == pytest.approx(np.corrcoef(pairs(scan, 3))[0, 1], rel=1e-9)
    assert table["spearman"][1] == pytest.approx(spearmanr(*pairs(scan, 1))[0], rel=1e-9)
    assert table["n"].tolist() == [290, 290, 300]
    assert table.loc[2, METRICS].isna().all()
    assert table["reason"][2].startswith("constant: ")
    report = report_of(scan)
    assert report["roi"] == {"x_range": [0, 20], "y_range": [0, 15], "n": 300}
    assert report["metrics"] == METRICS
    for metric in METRICS:
        assert report["rankings"][metric] == [{"dim": 3, "score": table[metric][0]}]
    assert report["without_score"] == {"5": table["reason"][2]}
    assert report["notes"][0].startswith("1 of 3 dimensions lack a score; latent 5: constant")
    for name in ("latent_d3_vs_reference", "top_dimensions", "ranks_by_metric"):
        assert (scan / f"run/{name}.png").read_bytes()[:4] == b"\x89PNG"


def test_vectors_are_row_major_over_the_roi(scan):
    assert called(scan, "--roi", "4", "9", "0", "10", "--top", "1") == 0
    table = pd.read_parquet(scan / "latents.parquet").sort_values(["y", "x"])
    inside = table[(table["x"] >= 4) & (table["x"] < 9) & (table["y"] < 10)]
    found = np.load(scan / "run/latent_d3_roi.npy")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, inside["latent_d3"])
    assert report_of(scan)["roi"] == {"x_range": [4, 9], "y_range": [0, 10], "n": 50}


def test_scores_are_computed_again_from_what_was_written(scan):
    summed = ("--synthesis", "sum", "--weights", "3", "1", "--top", "0")
    assert called(scan, *summed, map_="elements.csv:Fe,O") == 0
    reference = pd.read_csv(scan / "run/reference.csv")
    latents = pd.read_parquet(scan / "latents.parquet")
    latents[["x", "y", "latent_d3"]].to_parquet(scan / "again.parquet", index=False)
    again = {"map_": "run/reference.csv:reference", "latents": "again.parquet"}
    assert called(scan, "--top", "0", **again, out="b") == 0
    first, second = (pd.read_csv(scan / out / "latent_scores.csv")[:1] for out in ("run", "b"))
    pd.testing.assert_frame_equal(first[["dim", *METRICS]], second[["dim", *METRICS]])
    message = report_of(scan)["reference"]
    assert (message["columns"], message["weights"]) == (["Fe", "O"], [0.75, 0.25])
    elements = pd.read_csv(scan / "elements.csv")
    low, high = elements["Fe"].min(), elements["Fe"].max()
    # O = 100 − Fe, so that 0.75 of the one and 0.25 of the other leave half of Fe.
    wanted = 0.25 + 0.5 * (elements["Fe"] - low) / (high - low)
    found = elements.merge(reference)["reference"]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_uncertainty_is_written_with_how_it_was_found(scan):
    assert called(scan, "--uncertainty", "pearson", "kendall", "--resamples", "40",
                  "--surrogates", "39", "--top", "0") == 0  # fmt: skip
    table = pd.read_csv(scan / "run/latent_uncertainty.csv")
    assert table.columns.tolist() == [
        "dim", "metric", "score", "lower", "upper", "p", "p_corrected",
    ]  # fmt: skip
    assert table["metric"].tolist() == ["pearson"] * 3 + ["kendall"] * 3
    best = table.iloc[0]
    assert (best["dim"], best["p"], best["p_corrected"]) == (3, 1 / 40, 1 / 40)
    assert -1 <= best["lower"] < best["score"] < best["upper"] < -0.8
    assert table.loc[1, "p_corrected"] > 0.05
    assert table.loc[2, ["score", "lower", "p"]].isna().all()
    report = report_of(scan)
    assert report["uncertainty"]["intervals"]["n_resamples"] == 40
    assert report["uncertainty"]["chance"] == {
        "null": "shift", "n_surrogates": 39,
        "correction": "Westfall and Young, step-down, over all dimensions",
    }  # fmt: skip
    assert report["notes"][-2].startswith("Pearson: 1 of 2 dimensions follow the reference more")


def test_uncertainty_computes_again(scan):
    latents = pd.read_parquet(scan / "latents.parquet").merge(pd.read_csv(scan / "elements.csv"))
    assert called(scan, "--top", "0", "--metric", "pearson", "--resamples", "40") == 0
    message = report_of(scan)["uncertainty"]
    found = block_intervals(
        latents[["latent_d1", "latent_d3"]], latents["Fe"], latents["x"], latents["y"],
        metrics=message["metrics"], level=message["intervals"]["level"],
        n_resamples=message["intervals"]["n_resamples"],
    )  # fmt: skip
    written = pd.read_csv(scan / "run/latent_uncertainty.csv").set_index("dim")
    np.testing.assert_allclose(found.lower["pearson"], written.loc[[1, 3], "lower"], rtol=1e-6)


def test_a_map_too_small_for_blocks_is_reported_where_nobody_asked(scan, capsys):
    roi = ("--roi", "0", "2", "3", "14", "--metric", "pearson", "--top", "0")
    assert called(scan, *roi) == 0
    report = report_of(scan)
    message = report["notes"][-1]
    assert report["uncertainty"] is None or message.startswith("Pearson")
    assert called(scan, *roi, "--uncertainty", "none", out="none") == 0
    assert report_of(scan, "none")["uncertainty"] is None
    assert called(scan, *roi, "--uncertainty", "mi", out="mi") == 2
    assert "dimensions are ranked by pearson" in capsys.readouterr().err


def test_rgb_is_ranked_by_luminance_and_drawn(scan):
    assert (
        called(scan, "--synthesis", "rgb", "--metric", "pearson", map_="elements.csv:Fe,Al,O") == 0
    )
    reference = pd.read_csv(scan / "run/reference.csv")
    np.testing.assert_allclose(
        reference["reference"],
        reference[["red", "green", "blue"]] @ [0.2126, 0.7152, 0.0722],
        atol=1e-6,
    )
    assert (scan / "run/reference_rgb.png").read_bytes()[:4] == b"\x89PNG"
    assert pd.read_csv(scan / "run/latent_scores.csv").columns.tolist() == [
        "dim", "pearson", "n", "reason",
    ]  # fmt: skip


def test_a_file_of_elements_means_their_sum_and_says_so(scan, capsys):
    assert called(scan, "--metric", "pearson", "--top", "0", map_="elements.csv") == 0
    report = report_of(scan)
    assert report["reference"]["columns"] == ["Fe", "Al", "O", "Ti"]
    assert report["notes"][:2] == [
        "Constant over the ROI, so they add nothing: Ti.",
        "Fe, Al, O, Ti were summed, each scaled to 0–1 over the ROI.",
    ]
    assert not list((scan / "run").glob("*.png"))
    assert "Note: Constant over the ROI" in capsys.readouterr().err


def test_band_contrast_is_what_a_file_with_it_means(scan):
    assert called(scan, "--metric", "pearson", "--top", "0", map_="bc.csv") == 0
    assert report_of(scan)["target"] == "bandcontrast"


def test_points_without_a_partner_are_counted_on_both_sides(scan):
    table = pd.read_csv(scan / "elements.csv")
    table[table["x"] < 15].assign(y=lambda t: t["y"] + 1).to_csv(scan / "elements.csv", index=False)
    assert called(scan, "--metric", "pearson", "--top", "0") == 0
    report = report_of(scan)
    assert (report["unmatched"], report["unmatched_reference"]) == (90, 15)
    assert report["notes"][0] == "90 of 300 points of the latents have no Fe."


def test_seed_names_for_band_contrast(scan):
    assert called(scan, "--seed-names", "--roi", "0", "9", "0", "9", "--top", "1",
                  "--metric", "pearson", map_="bc.csv") == 0  # fmt: skip
    run = scan / "run"
    (dim,) = (entry["dim"] for entry in report_of(scan)["rankings"]["pearson"])
    seed = json.loads((run / "report_bandcontrast_multi_metric.json").read_text())
    assert list(seed) == ["roi", "target", "metrics", "rankings"]
    assert (seed["target"], seed["rankings"]) == ("BandContrast", report_of(scan)["rankings"])
    table = pd.read_csv(run / "bandcontrast_latent_scores.csv")
    assert table.columns.tolist() == ["dim", "pearson"]
    assert np.load(run / f"latent_d{dim}_roi_vs_bandcontrast_pearson.npy").shape == (81,)
    # The whole field, not the ROI, in the file's row order.
    full = pd.read_csv(run / f"latent_full_d{dim}.csv")
    pd.testing.assert_frame_equal(
        full, pd.read_parquet(scan / "latents.parquet")[["x", "y", f"latent_d{dim}"]],
        check_dtype=False, rtol=1e-6,
    )  # fmt: skip
    assert (run / f"latent_full_d{dim}.png").is_file()


def test_seed_names_for_elements(scan):
    assert called(scan, "--seed-names", "--synthesis", "rgb", "--top", "1", "--metric", "spearman",
                  map_="elements.csv:Fe,Al,O") == 0  # fmt: skip
    run = scan / "run"
    seed = json.loads((run / "report_elements_multi_metric__rgb-Fe_Al_O.json").read_text())
    assert (seed["synth_mode"], seed["rgb_elements"]) == ("rgb", ["Fe", "Al", "O"])
    (dim,) = (entry["dim"] for entry in seed["rankings"]["spearman"])
    assert (run / f"rgb-Fe_Al_O_latent_d{dim}_roi_vs_synth_spearman.npy").is_file()
    assert (run / "element_latent_scores.csv").is_file()


@pytest.mark.parametrize(
    ("map_", "words", "message"),
    [
        ("elements.csv:Ti", (), "The reference Ti is 2 at each of the 300 points"),
        ("elements.csv:phase", (), "'phase' holds names, such as 'Iron', where numbers are needed"),
        ("elements.csv:Mn", (), "no column 'Mn'"),
        ("elements.csv:Fe", ("--roi", "0", "4", "1", "5"), "Only 16 of 16 points have both"),
        ("elements.csv:Fe,O", ("--synthesis", "rgb"), "needs three maps, for red, green and blue"),
        ("elements.csv", ("--synthesis", "rgb"), "but got 4: Fe, Al, O, Ti"),
        (
            "elements.csv:Fe,O",
            ("--synthesis", "sum", "--weights", "1"),
            "1 weights were given for 2",
        ),
        ("elements.csv:Fe", ("--trend-degree", "4"), "trend_degree is 4"),
        ("elements.csv:Fe", ("--top", "-1"), "--top must be 0 or more"),
        ("elements.csv:Fe", ("--cmap", "jet"), "No color map is called 'jet'"),
        ("far.csv", (), "None of 300 points has a partner"),
        ("twice.csv:Fe", (), "share their coordinates"),
    ],
)
def test_bad_input_exits_with_2_and_leaves_nothing(scan, capsys, map_, words, message):
    table = pd.read_csv(scan / "elements.csv")
    table.assign(x=table["x"] + 100).to_csv(scan / "far.csv", index=False)
    pd.concat([table, table[:5]]).to_csv(scan / "twice.csv", index=False)
    assert called(scan, *words, map_=map_) == 2
    assert message in capsys.readouterr().err
    assert not (scan / "run").exists()


def test_latents_that_cannot_be_scored_at_all_are_refused(scan, capsys):
    table = pd.read_parquet(scan / "latents.parquet").assign(latent_d1=1, latent_d3=2)
    table.to_parquet(scan / "flat.parquet")
    assert called(scan, latents="flat.parquet") == 2
    assert "Not one of 3 dimensions can be scored. Latent 1: constant" in capsys.readouterr().err


def test_an_unknown_metric_is_bad_usage(scan, capsys):
    with pytest.raises(SystemExit) as stopped:
        called(scan, "--metric", "cosine")
    assert stopped.value.code == 2
    assert "pearson" in capsys.readouterr().err


@pytest.fixture(scope="module")
def published(shared_data, tmp_path_factory):
    """Return the published folder, and a run of the same question."""
    folder = shared_data / "roi_x350_420_y70_140_dim512"
    out = tmp_path_factory.mktemp("rank") / "run"
    band_contrast = folder / "clusters/cluster_assignments__d512_x_350_420_y_70_140_gmm.csv"
    words = ["rank", str(folder / "latent_full_maps.parquet"), "--map",
             f"{band_contrast}:bandcontrast", "--roi", "350", "420", "70", "140",
             "--out", str(out), "--quiet"]  # fmt: skip
    assert main(words) == 0
    return folder, out


def test_published_scores(published):
    folder, out = published
    wanted = pd.read_csv(folder / "bandcontrast_latent_scores.csv")
    found = pd.read_csv(out / "latent_scores.csv")
    wanted = wanted[wanted["dim"].isin(found["dim"])]
    assert found["dim"].tolist() == wanted["dim"].tolist()
    assert len(found) == 17
    for metric in metric_names():
        tolerance = 1e-7 if metric == "hsic" else 1e-9
        np.testing.assert_allclose(found[metric], wanted[metric], rtol=tolerance, err_msg=metric)


def test_published_report(published):
    folder, out = published
    wanted = json.loads((folder / "report_bandcontrast_multi_metric.json").read_text())
    found = json.loads((out / "report.json").read_text())
    assert found["roi"] == wanted["roi"]
    assert found["metrics"] == wanted["metrics"]
    for metric, best in wanted["rankings"].items():
        assert [entry["dim"] for entry in found["rankings"][metric]] == [
            entry["dim"] for entry in best
        ]


@pytest.mark.parametrize(
    "name", ["latent_d40_roi_vs_bandcontrast_pearson", "latent_d371_roi_vs_bandcontrast_pearson",
             "latent_d507_roi_vs_bandcontrast_pearson", "latent_d436_roi_vs_bandcontrast_spearman"],
)  # fmt: skip
def test_published_vectors(published, name):
    folder, out = published
    dim = name.split("_")[1]
    np.testing.assert_array_equal(
        np.load(out / f"latent_{dim}_roi.npy"), np.load(folder / f"latents_npy/{name}.npy")
    )


def test_a_published_vector_can_be_ranked_by_itself(shared_data, tmp_path):
    folder = shared_data / "roi_x350_420_y70_140_dim512"
    array = folder / "latents_npy/latent_d40_roi_vs_bandcontrast_pearson.npy"
    band_contrast = folder / "clusters/cluster_assignments__d512_x_350_420_y_70_140_gmm.csv"
    assert main(["rank", str(array), "--map", f"{band_contrast}:bandcontrast", "--roi", "350",
                 "420", "70", "140", "--metric", "pearson", "--out", str(tmp_path / "run"),
                 "--quiet", "--seed-names"]) == 0  # fmt: skip
    (row,) = pd.read_csv(tmp_path / "run/latent_scores.csv").to_dict("records")
    assert (row["dim"], row["pearson"]) == (40, pytest.approx(-0.609244050, abs=1e-9))
    assert open_latents(str(tmp_path / "run/latent_full_d40.csv")).values.shape == (4900, 1)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """20,000 points, of which 19,000 have a reference and a latent, in five dimensions."""
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(1)
    y, x = np.divmod(np.arange(20_000), 200)
    iron = np.where(np.arange(20_000) < 500, np.nan, rng.gamma(3, size=20_000))
    pd.DataFrame({"x": x, "y": y, "Fe": iron}).to_csv(folder / "elements.csv", index=False)
    latents = pd.DataFrame({"x": x, "y": y})
    for dim in range(5):
        latents[f"latent_d{dim}"] = (dim * iron**0.5 + rng.normal(size=20_000)).astype(np.float32)
    latents.loc[:999, [f"latent_d{dim}" for dim in range(5)]] = np.nan
    latents.to_parquet(folder / "latents.parquet", index=False)
    return folder


def test_a_sample_scores_as_all_points_within_its_standard_errors(many):
    assert called(many, "--top", "0", "--uncertainty", "none", out="all") == 0
    assert called(many, "--top", "0", "--sample", "5000", out="sample") == 0
    whole, part = (
        pd.read_csv(many / out / "latent_scores.csv").set_index("dim").sort_index()
        for out in ("all", "sample")
    )
    report = report_of(many, "sample")
    assert {name: report["sample"][name] for name in ("n", "of", "seed")} == {
        "n": 5_000, "of": 19_000, "seed": 0,
    }  # fmt: skip
    assert report_of(many, "all")["sample"] is None
    assert {"sample", "uncertainty"} <= set(report["note_codes"])
    for metric in METRICS:
        errors = part[f"{metric}_se"]
        # The error of Pearson's correlation of normal variables, and of a share of all of them.
        if metric == "pearson":
            textbook = (1 - whole["pearson"] ** 2) / 5_000**0.5 * (1 - 5_000 / 19_000) ** 0.5
            assert ((errors / textbook).between(0.4, 2.5)).all()
        assert ((part[metric] - whole[metric]).abs() <= 5 * errors).all(), metric
        assert report["sample"]["standard_errors"][metric]["3"] == errors[3]
    assert len(pd.read_csv(many / "sample/reference.csv")) == 5_000


def test_very_many_points_are_sampled_unless_all_are_asked_for(many, monkeypatch):
    monkeypatch.setattr(sampled, "MOST_ROWS", 10_000)
    monkeypatch.setattr(sampled, "USUAL_ROWS", 2_000)
    asked = ("--top", "1", "--metric", "pearson")
    assert called(many, *asked, out="usual") == 0
    assert called(many, *asked, "--sample", "2000", out="asked") == 0
    assert called(many, *asked, "--sample", "all", "--uncertainty", "none", out="every") == 0
    usual, same, every = (
        (many / out / "latent_scores.csv").read_bytes() for out in ("usual", "asked", "every")
    )
    assert usual == same
    assert b"_se" not in every
    assert len(np.load(many / "usual/latent_d4_roi.npy")) == 20_000
    assert "--sample all" in " ".join(report_of(many, "usual")["notes"])


def test_a_sample_of_a_few_points_is_refused(many, capsys):
    assert called(many, "--sample", "20", out="few") == 2
    assert "too small" in capsys.readouterr().err
