"""The verb ``probe``, called as the command line calls it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latentcore.artifacts import RunFolder
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.cli import main
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids, partitions_of
from latentcore.readers import open_latents
from latentcore.workflows.probe import verb as probe_verb


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Features of 300 clips with labels 0 and 1 in two partitions, as a feature file has them."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300).astype(np.int32)
    values = (rng.normal(size=(300, 6)) + 0.5 * labels[:, None]).astype(np.float32)
    partition = partitions_of(np.repeat(["public", "private"], [180, 120]))
    latents = LatentSet(
        values, default_sample_ids(300), np.arange(6, dtype=np.int32), None, partition, labels
    )
    write_latents(tmp_path / "features.h5", latents)
    return tmp_path


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Latents on 24 × 16 points, phases in stripes, one point not encoded and one without phase."""
    rng = np.random.default_rng(1)
    y, x = (axis.ravel() for axis in np.mgrid[3:19, 5:29])
    phase = np.array(["Ferrite", "Austenite", "Magnetite"])[(x // 4) % 3]
    values = rng.normal(size=(len(x), 4)) + 2 * np.eye(4)[(x // 4) % 3]
    values[9] = np.nan
    grid = ScanGrid.from_coordinates(x, y)
    latents = LatentSet(
        values.astype(np.float32), default_sample_ids(len(x)), np.arange(4, dtype=np.int32), grid
    )
    write_latents(tmp_path / "scan_latents.h5", latents)
    table = pd.DataFrame({"x": x, "y": y, "phase": phase, "bandcontrast": rng.integers(9, 99, 384)})
    table["grain_id"] = np.where(y > 10, -1, x // 8)
    table.loc[20, "phase"] = None
    table.sample(frac=1, random_state=0).to_csv(tmp_path / "maps.csv", index=False)
    return tmp_path


def probed(folder: Path, latents: str, *more: object, out: str = "out"):
    words = ["probe", str(folder / latents), "--out", str(folder / out), "--quiet"]
    status = main([*words, *map(str, more)])
    if status:
        return status, None, None
    report = json.loads((folder / out / "probe_report.json").read_text())
    return status, report, pd.read_csv(folder / out / "predictions.csv", keep_default_na=False)


def test_a_given_split_gives_the_figures_of_scikit_learn(features, capsys):
    status, report, table = probed(features, "features.h5", "--split", "private", "--json")
    assert status == 0
    latents = open_latents(features / "features.h5")
    test = latents.partition.mask(["private"])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(latents.values[~test].astype(np.float64), latents.labels[~test])
    values, truth = latents.values[test].astype(np.float64), latents.labels[test]
    said = model.predict(values)
    assert report["accuracy"] == accuracy_score(truth, said)
    assert report["macro_f1"] == f1_score(truth, said, average="macro")
    assert report["roc_auc"] == roc_auc_score(truth, model.predict_proba(values)[:, 1])
    assert report["confusion"] == confusion_matrix(truth, said).tolist()
    assert report["split"] == {"kind": "given", "test": "private", "n_train": 180, "n_test": 120}
    assert report["notes"] == []
    summary = json.loads(capsys.readouterr().out)
    assert summary["accuracy"] == report["accuracy"]
    # Every figure can be computed again from the table beside the report.
    tested = table[table["split"] == "test"]
    assert accuracy_score(tested["label"], tested["predicted"]) == report["accuracy"]
    assert roc_auc_score(tested["label"].astype(int), tested["p_1"]) == report["roc_auc"]


def test_a_file_of_features_brings_its_labels_and_its_split(tmp_path):
    import torch

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    values = (rng.normal(size=(200, 16)) + 0.4 * y[:, None]).astype(np.float32)
    split = ["test-private" if row % 3 else "test-public" for row in range(200)]
    features = {"X": torch.tensor(values), "y": torch.tensor(y), "split": split, "meta": {"a": 1}}
    torch.save(features, tmp_path / "feats.pt")
    _, report, table = probed(tmp_path, "feats.pt", "--split", "test-private")
    test = np.arange(200) % 3 > 0
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(values[~test].astype(np.float64), y[~test])
    said = model.predict_proba(values[test].astype(np.float64))[:, 1]
    assert report["roc_auc"] == roc_auc_score(y[test], said)
    assert report["split"]["n_test"] == test.sum()
    np.testing.assert_array_equal(table["split"] == "test", test)
    torch.save({**features, "y": torch.tensor(rng.normal(size=200))}, tmp_path / "values.pt")
    assert probed(tmp_path, "values.pt", out="values")[0] == 2


def test_run_folder_holds_figures_and_a_model_card(scan):
    _, report, table = probed(scan, "scan_latents.h5", "--labels", f"{scan / 'maps.csv'}:phase")
    written = {path.name for path in (scan / "out").iterdir()}
    assert written == {
        "calibration.png", "confusion.png", "model_card.json", "prediction_map.png",
        "predictions.csv", "probe.safetensors", "probe_report.json", "roc.png", "run.json",
    }  # fmt: skip
    assert report["classes"] == ["Austenite", "Ferrite", "Magnetite"]
    assert report["labels"]["left_out"] == {"no latent": 1, "no label": 1}
    assert report["split"]["kind"] == "blocked"
    assert report["roc_auc"] is None
    assert 0.6 < report["accuracy"] <= 1
    assert report["baseline"]["accuracy"] < report["accuracy"]
    card = json.loads((scan / "out/model_card.json").read_text())
    assert [entry["role"] for entry in card["data"]["inputs"]] == ["latents", "map"]
    assert all(entry["fingerprint"] for entry in card["data"]["inputs"])
    assert card["metrics"]["accuracy"] == report["accuracy"]
    assert "Squares of one scan" in " ".join(card["limits"])
    assert list(table.columns[:8]) == [
        "row", "sample_id", "x", "y", "label", "predicted", "probability", "split",
    ]  # fmt: skip
    assert (table["predicted"][9], table["probability"][9], table["split"][9]) == ("", "", "")
    assert (table["label"][20], table["split"][20]) == ("", "")
    assert table["predicted"][20] in report["classes"]
    assert (table["split"] == "test").sum() == report["split"]["n_test"]


def test_a_random_split_of_a_scan_warns_of_its_neighbors(scan, capsys):
    labels = ("--labels", f"{scan / 'maps.csv'}:phase", "--stratified")
    _, report, _ = probed(scan, "scan_latents.h5", *labels, "--test-fraction", "0.25")
    assert report["split"]["kind"] == "stratified"
    assert report["split"]["n_test"] == 96
    assert "neighboring points of a scan are alike" in report["notes"][0]
    assert "Note: The test samples were drawn at random" in capsys.readouterr().err


@pytest.mark.parametrize("spec", ["maps.csv:grain_id", "run"])
def test_noise_and_named_classes_take_no_part(scan, spec):
    with RunFolder(scan / "run", verb="domains", request={}) as folder:
        grains = pd.read_csv(scan / "maps.csv").rename(columns={"grain_id": "domain"})
        folder.write_csv("domains.csv", grains[["x", "y", "domain"]])
        folder.commit({})
    labels = ("--labels", str(scan / spec), "--stratified", "--without", "2")
    _, report, _ = probed(scan, "scan_latents.h5", *labels)
    assert report["classes"] == ["0", "1", "3"]
    assert report["labels"]["left_out"] == {"no latent": 1, "class -1": 192, "class 2": 64}


def test_a_class_of_one_sample_is_left_out_and_reported(scan):
    table = pd.read_csv(scan / "maps.csv")
    table.loc[table.index[0], "phase"] = "Hematite"
    table.to_csv(scan / "maps.csv", index=False)
    _, report, _ = probed(scan, "scan_latents.h5", "--labels", f"{scan / 'maps.csv'}:phase")
    assert "Hematite" not in report["classes"]
    assert "class Hematite, 1 sample" in report["notes"][0]


def test_boosted_trees_and_roi(scan):
    _, report, table = probed(
        scan, "scan_latents.h5", "--labels", f"{scan / 'maps.csv'}:phase", "--classifier",
        "boosted-trees", "--max-iter", "5", "--roi", "5", "17", "3", "19", "--block-size", "4",
    )  # fmt: skip
    assert report["classifier"] == "boosted-trees"
    assert report["parameters"]["max_iter"] == 5
    assert report["split"]["block"] == 4
    assert len(table) == 192


def test_very_many_points_are_sampled(scan, monkeypatch):
    labels = ("--labels", scan / "maps.csv:phase", "--folds", 4)
    _, asked, table = probed(scan, "scan_latents.h5", *labels, "--sample", 200)
    monkeypatch.setattr(probe_verb, "_MOST", 300)
    monkeypatch.setattr(probe_verb, "_USUAL", 200)
    _, report, same = probed(scan, "scan_latents.h5", *labels, out="usual")
    pd.testing.assert_frame_equal(table, same)
    error = (report["accuracy"] * (1 - report["accuracy"]) / report["split"]["n_test"]) ** 0.5
    assert report["sample"] == asked["sample"] == {
        "n": 200, "of": 384, "seed": 0, "accuracy_standard_error": pytest.approx(error),
    }  # fmt: skip
    assert len(table) == 200
    assert 9 not in set(table["row"])
    latents = open_latents(scan / "scan_latents.h5")
    np.testing.assert_array_equal(latents.grid.x[table["row"]], table["x"])
    np.testing.assert_array_equal(latents.sample_ids[table["row"]], table["sample_id"].astype(str))
    assert not (scan / "usual/prediction_map.png").exists()
    _, whole, every = probed(scan, "scan_latents.h5", *labels, "--sample", "all", out="all")
    assert "sample" not in whole
    assert len(every) == 384


def test_samples_outside_of_the_map_are_counted(scan):
    table = pd.read_csv(scan / "maps.csv")
    table[table["x"] < 20].to_csv(scan / "maps.csv", index=False)
    _, report, _ = probed(scan, "scan_latents.h5", "--labels", f"{scan / 'maps.csv'}:phase")
    assert report["notes"][0].startswith("144 samples have no label in that file")


@pytest.mark.parametrize(
    ("latents", "more", "message"),
    [
        ("scan_latents.h5", (), "holds no labels"),
        ("scan_latents.h5", ("--labels", "{maps}"), "One column of labels"),
        ("scan_latents.h5", ("--labels", "{maps}:bandcontrast", "--split", "a"), "no partitions"),
        (
            "scan_latents.h5",
            ("--labels", "{maps}:score"),
            "score looks continuous: 384 different values among 384 samples, from 0 to 1. ",
        ),
        (
            "scan_latents.h5",
            ("--labels", "{maps}:many"),
            "name a column of classes (phase, grain_id, grains), or make classes of it first",
        ),
        ("scan_latents.h5", ("--labels", "{maps}:grains"), "at most 100 classes"),
        ("scan_latents.h5", ("--labels", "{maps}:same"), "only the class 7 is left"),
        ("scan_latents.h5", ("--labels", "{maps}:nothing"), "no column 'nothing'"),
        ("scan_latents.h5", ("--labels", "{maps}:phase", "--without", "Steel"), "Name one of"),
        ("scan_latents.h5", ("--labels", "{maps}:phase", "--test-fraction", "0"), "between 0 and"),
        ("scan_latents.h5", ("--labels", "{maps}:phase", "--c", "-1"), "c must be > 0"),
        ("features.h5", ("--split", "neither"), "the partitions private, public"),
        ("features.h5", ("--blocked",), "no coordinates"),
        ("features.h5", ("--blocked", "--stratified"), "name different splits"),
        ("features.h5", ("--stratified", "--block-size", "3"), "--block-size belongs to"),
        ("features.h5", ("--labels", "{maps}:phase"), "no coordinates"),
    ],
)
def test_what_makes_no_sense_is_reported_in_one_message(
    features, scan, capsys, latents, more, message
):
    table = pd.read_csv(scan / "maps.csv")
    table = table.assign(score=np.linspace(0, 1, 384), many=np.arange(384), same=7)
    table["grains"] = "grain " + (table["many"] // 2).astype(str)
    table.to_csv(scan / "maps.csv", index=False)
    words = [word.format(maps=scan / "maps.csv") for word in more]
    assert probed(scan, latents, *words)[0] == 2
    assert message in capsys.readouterr().err
    assert not (scan / "out").exists()


def test_cross_validation_gives_intervals_chance_and_encoders_side_by_side(scan):
    labels = f"{scan / 'maps.csv'}:phase"
    first = open_latents(scan / "scan_latents.h5")
    backwards = first.take(np.arange(len(first))[::-1])
    weak = dataclasses.replace(
        backwards, values=backwards.values[:, :1], dims=backwards.dims[:1], ref=None
    )
    write_latents(scan / "weak.h5", weak)
    _, report, table = probed(
        scan, "scan_latents.h5", "--labels", labels, "--folds", 3, "--permutations", 9,
        "--beside", "boosted-trees", "--against", scan / "weak.h5",
    )  # fmt: skip
    found = report["cross_validation"]
    assert (found["kind"], found["n_folds"]) == ("blocked", 3)
    assert len(found["folds"]) == 3
    assert sum(fold["n_test"] for fold in found["folds"]) == (table["split"] == "test").sum() == 382
    # Every figure can be computed again from the tables beside the report, by its own snippet.
    space: dict[str, object] = {}
    snippet = found["snippet"].replace('pd.read_csv("', f'pd.read_csv("{scan / "out"}/')
    exec(compile(snippet, "snippet", "exec"), space)
    summary = found["summary"]["accuracy"]
    assert space["intervals"][("scan_latents", "logistic")] == pytest.approx(
        (summary["mean"], summary["low"], summary["high"])
    )
    assert space["accuracy"].tolist() == pytest.approx(
        [fold["accuracy"] for fold in found["folds"]]
    )
    assert summary["low"] <= summary["mean"] <= summary["high"]
    assert found["chance"]["p"]["accuracy"] == pytest.approx(1 / 10)
    assert found["chance"]["upper"]["accuracy"] < summary["mean"]
    beside = {(one["name"], one["classifier"]): one for one in found["beside"]}
    assert set(beside) == {
        ("scan_latents", "boosted-trees"), ("weak", "logistic"), ("weak", "boosted-trees"),
    }  # fmt: skip
    # The rows of the other latents lie in another order, so joining by row would give chance.
    assert beside["weak", "logistic"]["difference"]["accuracy"]["mean"] < -0.1
    assert beside["weak", "logistic"]["summary"]["accuracy"]["mean"] > 0.4
    assert {"folds.csv", "cross_validation.png"} <= {one.name for one in (scan / "out").iterdir()}


def test_each_group_is_tested_in_turn(features, scan):
    _, report, table = probed(features, "features.h5", "--groups", "partition")
    found = report["cross_validation"]
    assert [fold["tested"] for fold in found["folds"]] == ["private", "public"]
    latents = open_latents(features / "features.h5")
    np.testing.assert_array_equal(
        table["fold"], np.where(latents.partition.mask(["private"]), 1, 2)
    )
    maps = scan / "maps.csv"
    _, report, table = probed(
        scan, "scan_latents.h5", "--labels", f"{maps}:phase", "--groups", f"{maps}:grain_id",
        "--learning-curve",
    )  # fmt: skip
    # −1 is no group: its points are predicted, but neither learned nor tested.
    assert report["cross_validation"]["n_groups"] == 4
    assert (table.loc[table["y"] > 10, "fold"] == 0).all()
    assert report["cross_validation"]["folds"][0]["tested"] == "grain_id 0"
    curve = pd.read_csv(scan / "out/learning_curve.csv")
    last = curve[(curve["share"] == 1) & (curve["metric"] == "accuracy")]
    summary = report["cross_validation"]["summary"]["accuracy"]
    assert last["mean"].tolist() == pytest.approx([summary["mean"]])
    assert (scan / "out/learning_curve.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--learning-curve",), "Give --folds too"),
        (("--folds", "1"), "there can be 2 to 50"),
        (("--folds", "3", "--split", "a"), "Leave one of them out"),
        (("--groups", "partition"), "no partitions"),
        (("--groups", "partition", "--stratified"), "Give one"),
        (("--folds", "3", "--beside", "svm"), "There is no classifier 'svm'"),
        (("--folds", "3", "--against", "other.csv"), "no sample in common"),
    ],
)
def test_cross_validation_that_can_not_be_is_refused(scan, capsys, words, why):
    (scan / "other.csv").write_text("x,y,latent_0\n900,900,1\n901,900,2\n900,901,1\n901,901,2\n")
    words = [str(scan / word) if word.endswith(".csv") else word for word in words]
    labels = ("--labels", f"{scan / 'maps.csv'}:phase")
    assert probed(scan, "scan_latents.h5", *labels, *words)[0] == 2
    assert why in capsys.readouterr().err
    assert not (scan / "out").exists()


def test_labels_of_samples_without_a_grid_come_from_a_table(features):
    """The same labels as the file's own, under other names, in another order, one missing."""
    latents = open_latents(features / "features.h5")
    table = pd.DataFrame({
        "sample_id": latents.sample_ids, "sea": np.where(latents.labels == 0, "cold", "warm"),
        "DT": np.arange(300) / 7,
    })  # fmt: skip
    table.drop(index=4).sample(frac=1, random_state=0).to_csv(features / "table.csv", index=False)
    labels = f"{features / 'table.csv'}:sea"
    status, report, found = probed(
        features, "features.h5", "--labels", labels, "--split", "private"
    )
    assert status == 0
    assert report["classes"] == ["cold", "warm"]
    assert report["labels"]["left_out"] == {"no label": 1}
    own = [{"cold": 0, "warm": 1, "": -1}[name] for name in found["label"]]
    assert own[4] == -1
    np.testing.assert_array_equal(np.delete(own, 4), np.delete(latents.labels, 4))
    status, _, _ = probed(features, "features.h5", "--labels", f"{features / 'table.csv'}:DT")
    assert status == 2
