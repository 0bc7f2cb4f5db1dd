from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from latentcore.artifacts import read_run
from latentcore.cli import main
from latentcore.encoders import open_checkpoint
from latentcore.encoders.training_plan import TrainingPlan
from latentcore.encoding import training_data, training_steps
from latentcore.errors import Cancelled, InputError, RequestError
from latentcore.progress import Progress
from latentcore.workflows import execute
from latentcore.workflows.train.verb import TrainRequest
from tests.encoders.threads import one_thread
from tests.factories.kikuchi import full_grid, patterns, write_kikuchi

__all__ = ["one_thread"]

FILES = {
    "model.safetensors", "model.json", "loss.csv", "loss_curve.png", "config.json",
    "reconstructions.png", "worth.json",
}  # fmt: skip
QUICK = {"epochs": 3, "batch_size": 16, "latent_dim": 4, "device": "cpu", "held_out": 0.2}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_kikuchi(tmp_path / "scan.h5", full_grid(10, 8), patterns(80, (12, 12)))


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    x, y = full_grid(10, 8).T
    path = tmp_path / "truth.csv"
    pd.DataFrame({"x": x, "y": y, "family": np.arange(80) % 2, "bc": x}).to_csv(path, index=False)
    return path


def run(scan: Path, out: Path, progress: Progress | None = None, **options: object) -> dict:
    request = TrainRequest(location=str(scan), **{**QUICK, **options})
    return execute("train", request, out, progress)


def tensors(out: Path) -> dict:
    return open_checkpoint(str(out), device="cpu").tensors()


def test_a_run_holds_everything_and_the_model_opens(scan, tmp_path, truth):
    summary = run(scan, tmp_path / "out", labels=f"{truth}:family")
    assert set(summary["files"]) == FILES
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES | {"run.json"}
    assert (summary["n_train"], summary["n_held_out"]) == (64, 16)
    assert summary["worth"]["labels"]["neighbour_share"] > 0.95
    losses = pd.read_csv(tmp_path / "out" / "loss.csv")
    assert list(losses.columns) == [
        "epoch", "split", "reconstruction", "kl", "total", "seconds", "patterns_per_s",
        "learning_rate",
    ]  # fmt: skip
    assert set(losses["split"]) == {"train", "held-out"}
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["encoder"] == "vae-residual"
    assert (config["epochs"], config["target"]) == (3, "neighbour")
    encoder = open_checkpoint(str(tmp_path / "out"), device="cpu")
    assert (encoder.name, encoder.latent_dim, encoder.input_shape) == (
        "vae-residual", 4, (1, 12, 12),
    )  # fmt: skip
    assert encoder.preparation.background == "dynamic"
    assert not list(tmp_path.glob(".out*"))


def test_trained_model_extracts_and_reconstructs(scan, tmp_path):
    from latentcore.workflows.extract.verb import ExtractRequest

    run(scan, tmp_path / "out")
    asked = ExtractRequest(location=(str(scan),), checkpoint=str(tmp_path / "out"), device="cpu")
    execute("extract", asked, tmp_path / "latents")
    with h5py.File(tmp_path / "latents" / "scan_latents.h5") as file:
        latents = file["samples"][()]
    assert latents.shape == (80, 4)
    assert np.isfinite(latents).all()
    record = read_run(tmp_path / "latents")
    assert record["parents"] == [read_run(tmp_path / "out")["run_id"]]


@pytest.mark.parametrize("encoder", ["vae-residual", "vae-cnn"])
def test_cancelled_run_leaves_a_usable_checkpoint_and_resumes_to_the_same_weights(
    scan, tmp_path, encoder
):
    run(scan, tmp_path / "whole", encoder=encoder)
    seen: list[str] = []

    def stop(done: int, total: int, message: str) -> None:
        seen.append(message)
        if message.startswith("epoch 2") and done > 80:
            raise Cancelled(message)

    with pytest.raises(Cancelled, match=r"best weights so far are .*resume goes on"):
        run(scan, tmp_path / "part", Progress(stop), encoder=encoder)
    assert any("held-out loss" in message for message in seen)
    assert not (tmp_path / "part").exists()
    scratch = tmp_path / ".part.unfinished" / "scratch"
    assert open_checkpoint(str(scratch / "checkpoint"), device="cpu").latent_dim == 4
    live = json.loads((scratch / "live.json").read_text())
    assert (live["epoch"], live["epochs"], len(live["losses"])) == (1, 3, 3)
    assert np.load(scratch / "live.npy").shape == (3, 8, 12, 12)
    summary = run(scan, tmp_path / "part", encoder=encoder, resume=True)
    assert summary["resumed_epochs"] == 1
    whole, part = tensors(tmp_path / "whole"), tensors(tmp_path / "part")
    for name, values in whole.items():
        np.testing.assert_array_equal(values, part[name])


def test_without_resume_a_cancelled_run_starts_anew(scan, tmp_path):
    def stop(done: int, total: int, message: str) -> None:
        if message.startswith("epoch 3"):
            raise Cancelled(message)

    with pytest.raises(Cancelled):
        run(scan, tmp_path / "out", Progress(stop))
    assert run(scan, tmp_path / "out")["resumed_epochs"] == 0


def test_resuming_a_finished_run_does_nothing_again(scan, tmp_path):
    run(scan, tmp_path / "out")
    before = (tmp_path / "out" / "run.json").read_bytes()
    assert run(scan, tmp_path / "out", resume=True, max_minutes=5.0)["skipped"]
    assert (tmp_path / "out" / "run.json").read_bytes() == before
    assert not run(scan, tmp_path / "out", resume=True, epochs=1)["skipped"]


def test_the_published_way_with_a_heavy_kl_collapses_and_says_so(scan, tmp_path):
    summary = run(
        scan, tmp_path / "out", preset="as-published", epochs=12, kl_weight=30.0, latent_dim=8
    )
    assert summary["encoder"] == "vae-cnn"
    assert summary["preparation"]["scale"] == "minus_one_one"
    assert summary["target"] == "self"
    assert summary["worth"]["n_active"] < 4
    assert any("KL weight 30 outweighs" in warning for warning in summary["warnings"])


def test_points_are_chosen_by_roi_and_band_contrast(scan, tmp_path, truth):
    summary = run(scan, tmp_path / "a", roi=(2.0, 8.0, 0.0, 4.0), target="self")
    assert summary["n_train"] + summary["n_held_out"] == 24
    assert summary["n_left_out"] == 56
    summary = run(scan, tmp_path / "b", keep_above=(f"{truth}:bc", 4.0))
    assert summary["n_left_out"] == 40


def test_time_limit_is_kept(scan, tmp_path):
    summary = run(scan, tmp_path / "out", epochs=100_000, max_minutes=0.005)
    assert summary["stopped_by"] == "time"
    assert summary["epochs"] < 100_000


def test_nan_and_constant_patterns_are_counted(tmp_path):
    images = patterns(80, (12, 12)).astype(np.float32)
    images[3, 0, 0, 0] = np.nan
    images[7] = 5
    scan = write_kikuchi(tmp_path / "scan.h5", full_grid(10, 8), images)
    summary = run(scan, tmp_path / "out")
    assert (summary["n_not_finite"], summary["n_constant"]) == (1, 1)
    assert summary["n_train"] + summary["n_held_out"] == 78


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"latent_dim": 145}, "12 × 12 = 144 pixels"),
        ({"latent_dim": 0}, "Give from 1 to 144"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"epochs": 0}, "epochs 0 makes no sense"),
        ({"max_minutes": 0.0}, "no time"),
        ({"preset": "as-published", "encoder": "vae-residual"}, "Leave one of them out"),
        ({"prepare": ("crop=0:50:0:50",)}, "reaches beyond"),
        ({"prepare": ("channels=3",)}, "1 channel"),
        ({"roi": (50.0, 60.0, 0.0, 9.0)}, "holds no point"),
        ({"roi": (0.0, 2.0, 0.0, 2.0)}, "needs at least 8"),
        ({"device": "cuda:99"}, "was asked for"),
        ({"labels": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_bad_input_is_explained_and_leaves_nothing(scan, tmp_path, options, reported):
    with pytest.raises(InputError) as caught:
        run(scan, tmp_path / "out", **options)
    assert reported in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.h5"]


def test_constant_patterns_only_are_refused(tmp_path):
    scan = write_kikuchi(tmp_path / "s.h5", full_grid(6, 5), np.full((30, 1, 8, 8), 7, np.uint8))
    with pytest.raises(RequestError, match="30 have the same value everywhere"):
        run(scan, tmp_path / "out")


def test_a_learning_rate_that_diverges_at_once_is_refused(scan, tmp_path):
    # Adam's first step moves every weight by 10: no number survives three layers of that.
    with pytest.raises(RequestError) as caught:
        run(scan, tmp_path / "out", learning_rate=10.0, schedule="constant")
    reported = str(caught.value)
    assert "diverged in epoch 1" in reported
    assert "Nothing was learned" in reported
    assert "try 1" in reported
    assert not (tmp_path / "out").exists()


def test_a_training_that_diverges_later_keeps_its_best_weights(scan, tmp_path, monkeypatch):
    options = {"encoder": "vae-cnn", "schedule": "constant"}
    good = run(scan, tmp_path / "good", epochs=2, **options)
    assert (good["stopped_by"], good["best_epoch"]) == ("epochs", 2)

    def wild(plan: TrainingPlan, step: int, steps: int) -> float:
        return plan.learning_rate if step < 2 * 4 else 1e4

    monkeypatch.setattr(training_steps, "learning_rate_at", wild)
    summary = run(scan, tmp_path / "out", epochs=20, **options)
    assert (summary["stopped_by"], summary["best_epoch"], summary["epochs"]) == ("diverged", 2, 2)
    assert "diverged in epoch 3" in summary["warnings"][0]
    assert "The weights of epoch 2, the best until then, were kept." in summary["warnings"][0]
    expected, kept = tensors(tmp_path / "good"), tensors(tmp_path / "out")
    for name, values in expected.items():
        np.testing.assert_array_equal(kept[name], values)


def test_a_disk_without_room_is_reported_before_anything_is_read(scan, tmp_path, monkeypatch):
    monkeypatch.setattr(training_data, "_LARGEST_IN_MEMORY", 1000)
    seen: list[str] = []
    progress = Progress(lambda done, total, message: seen.append(message))
    usage = shutil.disk_usage(tmp_path)._replace(free=200_000_000)
    monkeypatch.setattr(training_data.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(RequestError, match=r"80 chosen patterns .* 0\.2 GB free") as caught:
        run(scan, tmp_path / "out", progress, prepare=("background=static",))
    assert "make room: 0.1 GB more" in str(caught.value)
    assert not seen
    monkeypatch.setattr(training_data.shutil, "disk_usage", lambda path: usage._replace(free=1e9))
    assert run(scan, tmp_path / "out", epochs=1)["epochs"] == 1


def test_samples_without_places_are_reconstructed_to_themselves(tmp_path):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["images"] = patterns(40, (12, 12)).astype(np.float32)
    summary = run(tmp_path / "s.h5", tmp_path / "out")
    assert summary["target"] == "self"
    assert "no places" in summary["warnings"][0]


def test_command_line(scan, tmp_path, capsys):
    words = ["train", str(scan), "--out", str(tmp_path / "out"), "--epochs", "1"]
    words += ["--prepare", "background=none", "smooth=0", "--latent-dim", "3"]
    words += ["--device", "cpu", "--json", "--quiet"]
    assert main(words) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["latent_dim"], summary["preparation"]["background"]) == (3, "none")
    assert main([*words, "--latent-dim", "500"]) == 2
    assert "500 was asked for" in capsys.readouterr().err


@pytest.mark.slow
def test_default_finds_the_grains_of_the_simulated_scan(shared_data, tmp_path):
    from latentcore.analysis.worth import label_worth
    from latentcore.readers import open_samples

    scan = shared_data / "ebsd_sim" / "ni_sim_small.h5"
    truth = pd.read_csv(shared_data / "ebsd_sim" / "ni_sim_small_truth.csv")["grain_id"]
    execute("train", TrainRequest(location=str(scan), device="cpu"), tmp_path / "out")
    encoder = open_checkpoint(str(tmp_path / "out"), device="cpu")
    from latentcore.preparation import Preparer

    with open_samples(str(scan)) as source:
        prepared = Preparer(encoder.preparation, source.sample_shape)(source.read(slice(None)))
    found = label_worth(encoder.encode(prepared), truth.to_numpy())
    assert found.neighbour_share > 0.985  # PCA-30: 0.982
    assert found.ari > 0.95
