"""The verb ``benchmark``, called as the command line calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts import from_json
from latentcore.cli import main
from tests.encoders.programs import picture_encoder, script
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi
from tests.factories.media import picture, write_picture


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_kikuchi(tmp_path / "scan.h5", full_grid(8, 6), patterns(48, (8, 8)))


def measured(scan: Path, out: Path, *options: str) -> tuple[dict, pd.DataFrame]:
    model = out.with_name("pca")
    if not model.exists():
        assert main(["extract", str(scan), "--checkpoint", "pca:6", "--out", str(model)]) == 0
    asked = ["benchmark", str(scan), "--checkpoint", str(model / "model.safetensors")]
    assert main([*asked, "--device", "cpu", "--out", str(out), *options]) == 0
    report = from_json((out / "report.json").read_text())
    return report, pd.read_csv(out / "iterations.csv")


def test_figures_are_those_of_the_iterations_that_count(scan, tmp_path):
    report, table = measured(scan, tmp_path / "out", "--batch-size", "5", "--iterations", "8")
    assert list(table.columns) == [
        "iteration", "warm_up", "images", "read_s", "prepare_s", "encode_s"
    ]  # fmt: skip
    assert table["warm_up"].tolist() == [True] * 3 + [False] * 8
    assert (table["images"] == 5).all()
    counted = table[~table["warm_up"]]
    encode = counted["encode_s"]
    assert report["n"] == 40
    speed, latency = report["images_per_second"], report["latency_ms"]
    assert speed["encoder"] == pytest.approx(40 / encode.sum())
    spent = counted[["read_s", "prepare_s", "encode_s"]].sum()
    assert speed["whole"] == pytest.approx(40 / spent.sum())
    assert latency["mean"] == pytest.approx(1000 * encode.mean())
    for share in (50, 90, 95, 99):
        assert latency[f"p{share}"] == pytest.approx(1000 * np.percentile(encode, share))
    assert report["share"]["read"] == pytest.approx(spent["read_s"] / spent.sum())
    assert sum(report["share"].values()) == pytest.approx(1)
    assert report["memory"]["gpu_peak_mib"] is None
    assert report["memory"]["process_peak_mib"] > 10
    assert (report["device"], report["latent_dim"], report["input_shape"]) == ("cpu", 6, [1, 8, 8])
    # 55 samples were asked of a file of 48.
    assert ["more than once" in note for note in report["notes"]] == [True]


def test_the_snippet_computes_the_figures_again(scan, tmp_path):
    report, _ = measured(scan, tmp_path / "out", "--iterations", "4", "--warm-up", "0")
    assert report["warm_up"] == 0
    assert report["batch_size"] == 48
    again = subprocess.run(
        [sys.executable, "-c", report["snippet"]],
        cwd=tmp_path / "out", capture_output=True, text=True, check=True,
    )  # fmt: skip
    numbers = [line.split()[-1] for line in again.stdout.splitlines()[:2]]
    wanted = report["images_per_second"]
    assert [float(number) for number in numbers] == pytest.approx(list(wanted.values()))


def test_a_batch_larger_than_the_file_is_the_file(scan, tmp_path):
    report, table = measured(
        scan, tmp_path / "out", "--batch-size", "500", "--iterations", "1", "--warm-up", "0"
    )
    assert table["images"].tolist() == [48]
    assert report["notes"] == ["The file holds 48 samples, so batches are of 48."]


@pytest.mark.parametrize("option", ["--iterations", "--batch-size"])
def test_nothing_to_measure_is_refused(scan, tmp_path, capsys, option):
    asked = ["benchmark", str(scan), "--checkpoint", "m.safetensors", "--out", str(tmp_path / "o")]
    assert main([*asked, option, "0"]) == 2
    assert f"0 {option} can't be measured" in capsys.readouterr().err


def test_pca_by_its_number_is_not_a_model_yet(scan, tmp_path, capsys):
    asked = ["benchmark", str(scan), "--checkpoint", "pca:6", "--out", str(tmp_path / "o")]
    assert main(asked) == 2
    assert "Fit it by extract, and give the model.safetensors" in capsys.readouterr().err


def test_pictures_are_measured_at_the_resolution_asked_for(tmp_path):
    folder = tmp_path / "pictures"
    for seed in range(12):
        write_picture(folder / f"{seed:02}.png", picture(seed, (20, 30)))
    model = script(tmp_path / "encoder.pt", picture_encoder())
    asked = ["benchmark", str(folder), "--checkpoint", str(model), "--out", str(tmp_path / "out")]
    assert main([*asked, "--resolution", "16", "16", "--pool", "max", "--batch-size", "4"]) == 0
    report = from_json((tmp_path / "out" / "report.json").read_text())
    assert report["input_shape"] == [3, 16, 16]
