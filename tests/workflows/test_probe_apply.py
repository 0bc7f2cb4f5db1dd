"""``probe --apply``, called as the command line calls it: a classifier that has learned, kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latentcore.analysis.probes import make_probe
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.artifacts.probe_model import ProbeModel, read_probe_model, write_probe_model
from latentcore.cli import main
from latentcore.containers import LatentSet, default_sample_ids, partitions_of
from latentcore.errors import MalformedFileError
from latentcore.readers import open_latents
from tests.factories.damaged_files import damage


def write_features(path: Path, n_classes: int, seed: int, n: int = 400) -> Path:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n).astype(np.int32)
    values = (rng.normal(size=(n, 5)) + np.eye(5)[labels]).astype(np.float32)
    values[7] = np.nan
    partition = partitions_of(np.repeat(["private", "public"], [n // 2, n - n // 2]))
    dims = np.arange(5, dtype=np.int32)
    write_latents(path, LatentSet(values, default_sample_ids(n), dims, None, partition, labels))
    return path


def said(out: Path) -> tuple[dict, pd.DataFrame]:
    table = pd.read_csv(out / "predictions.csv", keep_default_na=False)
    return json.loads((out / "probe_report.json").read_text()), table


MODELS = {
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "boosted-trees": lambda: HistGradientBoostingClassifier(early_stopping=False, random_state=0),
}


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("classifier", list(MODELS))
def test_a_kept_classifier_says_what_scikit_learn_says(tmp_path, classifier, n_classes):
    old = write_features(tmp_path / "old.h5", n_classes, 0)
    new = write_features(tmp_path / "new.h5", n_classes, 1)
    learn = ["probe", str(old), "--split", "public", "--classifier", classifier]
    assert main([*learn, "--out", str(tmp_path / "learned")]) == 0
    apply = ["probe", str(new), "--apply", str(tmp_path / "learned")]
    assert main([*apply, "--out", str(tmp_path / "out")]) == 0
    report, table = said(tmp_path / "out")
    first, second = open_latents(old), open_latents(new)
    train = first.partition.mask(["private"]) & first.encoded
    model = MODELS[classifier]().fit(first.values[train].astype(float), first.labels[train])
    rows = np.flatnonzero(second.encoded)
    expected = model.predict_proba(second.values[rows].astype(float))
    found = table.loc[rows, [f"p_{name}" for name in range(n_classes)]].astype(float)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    predicted = table["predicted"].to_numpy()
    assert predicted[7] == ""  # it has no latent
    assert [int(one) for one in predicted[rows]] == model.predict(second.values[rows]).tolist()
    assert report["n_predicted"] == len(rows)
    assert sum(report["counts"].values()) == len(rows)
    assert report["applied"]["learned"]["n"] == train.sum()
    assert "accuracy" not in report


def test_named_labels_score_what_was_applied(tmp_path):
    coords = pd.DataFrame({"x": np.tile(np.arange(20), 20), "y": np.repeat(np.arange(20), 20)})
    rng = np.random.default_rng(0)
    for name in ("old", "new"):
        values = rng.normal(size=400)
        coords.assign(latent_d0=values, latent_d1=rng.normal(size=400)).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
        coords.assign(phase=np.where(values > 0, "alpha", "beta")).to_csv(
            tmp_path / f"{name}_maps.csv", index=False
        )
    learn = ["probe", str(tmp_path / "old.csv"), "--labels", str(tmp_path / "old_maps.csv:phase")]
    assert main([*learn, "--folds", "4", "--out", str(tmp_path / "learned")]) == 0
    apply = ["probe", str(tmp_path / "new.csv"), "--apply", str(tmp_path / "learned"),
             "--labels", str(tmp_path / "new_maps.csv:phase"),
             "--roi", "0", "10", "0", "20"]  # fmt: skip
    assert main([*apply, "--out", str(tmp_path / "out")]) == 0
    report, table = said(tmp_path / "out")
    assert report["applied"]["learned"]["n"] == 400  # cross-validated: the one of all labels
    assert report["n_tested"] == len(table) == 200
    accuracy = (table["label"] == table["predicted"]).mean()
    assert report["accuracy"] == pytest.approx(accuracy)
    assert accuracy > 0.95
    low, high = report["accuracy_interval"]
    assert low < accuracy <= high
    assert np.trace(report["confusion"]) == round(accuracy * 200)
    assert {"prediction_map.png", "confusion.png"} <= {
        one.name for one in (tmp_path / "out").iterdir()
    }
    assert "taken on trust" in report["notes"][0]  # tables don't tell their encoder


def test_one_partition_is_probed_by_the_published_protocol(tmp_path):
    """Of one partition a tenth is the test, drawn at random within each class."""
    features = write_features(tmp_path / "features.h5", 2, 0)
    asked = ["probe", str(features), "--partition", "private", "--classifier", "boosted-trees",
             "--test-fraction", "0.1", "--stratified", "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(asked) == 0
    report, table = said(tmp_path / "out")
    assert report["n"] == len(table) == 200
    assert table["row"].tolist() == list(range(200))
    assert report["split"]["n_test"] == pytest.approx(20, abs=1)
    tested = table[table["split"] == "test"]
    right, n = (tested["label"] == tested["predicted"]).sum(), len(tested)
    assert report["accuracy"] == pytest.approx(right / n)
    z = 1.959963984540054  # Wilson's interval holds the shares p with |right/n − p| = z √(p(1−p)/n)
    for bound in report["accuracy_interval"]:
        assert abs(right / n - bound) == pytest.approx(z * np.sqrt(bound * (1 - bound) / n))


def test_rows_of_a_later_partition_are_those_of_the_file(tmp_path):
    features = write_features(tmp_path / "features.h5", 2, 0)
    asked = ["probe", str(features), "--partition", "public", "--out", str(tmp_path / "out")]
    assert main(asked) == 0
    _, table = said(tmp_path / "out")
    assert table["row"].tolist() == list(range(200, 400))


@pytest.fixture
def learned(tmp_path: Path) -> Path:
    features = write_features(tmp_path / "features.h5", 3, 0)
    asked = ["probe", str(features), "--classifier", "boosted-trees", "--max-iter", "5"]
    assert main([*asked, "--out", str(tmp_path / "learned")]) == 0
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--folds", "5"), "--folds is about learning, but --apply uses a classifier that has"),
        (("--partition", "secret"), "no partition 'secret'. It has: private, public."),
    ],
)
def test_what_makes_no_sense_is_refused(learned, capsys, words, message):
    asked = ["probe", str(learned / "features.h5"), "--apply", str(learned / "learned")]
    assert main([*asked, *words, "--out", str(learned / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (learned / "out").exists()


def test_latents_of_other_dimensions_are_refused(learned, capsys):
    latents = open_latents(learned / "features.h5")
    other = LatentSet(
        latents.values[:, :3].copy(), latents.sample_ids, np.arange(3, dtype=np.int32)
    )
    write_latents(learned / "other.h5", other)
    asked = ["probe", str(learned / "other.h5"), "--apply", str(learned / "learned")]
    assert main([*asked, "--out", str(learned / "out")]) == 2
    assert "has the latent dimensions 0 to 2" in capsys.readouterr().err


def test_a_folder_without_a_classifier_is_refused(learned, capsys):
    asked = ["probe", str(learned / "features.h5"), "--apply", str(learned)]
    assert main([*asked, "--out", str(learned / "out")]) == 2
    assert "holds no probe.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("left", lambda nodes: np.zeros_like(nodes)),  # a child that is its own parent: no end
        ("right", lambda nodes: nodes + 1_000_000),
        ("feature", lambda nodes: nodes + 77),
        ("threshold", lambda nodes: nodes * np.nan),
        ("value", lambda nodes: nodes[:-1]),
        ("starts", lambda nodes: nodes[::-1].copy()),
        ("baseline", lambda nodes: nodes.astype(np.float32)),
    ],
)
def test_damaged_trees_are_refused_and_never_walked(learned, name, change):
    path = learned / "learned" / "probe.safetensors"
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))["__metadata__"]
    arrays = load_file(path)
    save_file({**arrays, name: change(arrays[name])}, path, metadata=header)
    with pytest.raises(MalformedFileError, match="holds no classifier that can be applied"):
        read_probe_model(path)


@pytest.mark.parametrize(
    ("name", "value"), [("scale", 0.0), ("scale", 1e-305), ("mean", 1e308), ("coefficients", 1e305)]
)
def test_a_regression_beyond_all_numbers_is_refused(tmp_path, name, value):
    values = np.random.default_rng(0).normal(size=(40, 5))
    fitted = make_probe("logistic", {}).fit(values, (values[:, 0] > 0).astype(np.int64))
    arrays = {**fitted.arrays, name: np.full_like(fitted.arrays[name], value)}
    path = tmp_path / "probe.safetensors"
    model = ProbeModel("logistic", {}, "", ("a", "b"), None, tuple(range(5)), {}, fitted.arrays)
    write_probe_model(path, model)
    assert read_probe_model(path).classes == ("a", "b")
    write_probe_model(path, replace(model, arrays=arrays))
    with pytest.raises(MalformedFileError, match="holds no classifier that can be applied"):
        read_probe_model(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"\x08\0\0\0\0\0\0\0{}      "])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "probe.safetensors"
    path.write_bytes(content)
    with pytest.raises(MalformedFileError):
        read_probe_model(path)


def test_damaged_copies_are_read_or_refused(learned, tmp_path):
    whole = (learned / "learned" / "probe.safetensors").read_bytes()
    folder, rng, refused = tmp_path / "copies", np.random.default_rng(0), 0
    folder.mkdir()
    path = folder / "probe.safetensors"
    for _ in range(150):
        path.write_bytes(whole)
        damage(path, rng)
        try:
            read_probe_model(path).predict(np.zeros((3, 5)))
        except MalformedFileError:
            refused += 1
    assert 0 < refused < 150
