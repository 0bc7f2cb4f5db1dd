"""``extract`` on nenya's cutouts, with nenya's checkpoints and options."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

import latentcore as lc
from latentcore.cli import main
from latentcore.encoders.nenya_options import NenyaOptions
from latentcore.errors import InputError, ShapeError
from latentcore.workflows import execute
from latentcore.workflows.extract.by_options import completed
from latentcore.workflows.extract.verb import ExtractRequest
from tests.encoders.nenya import OPTIONS, supcon_forward, supcon_state, write_nenya
from tests.encoders.threads import one_thread
from tests.factories.nenya import cutouts, write_cutouts

__all__ = ["one_thread"]

TRAIN, VALID = cutouts(6, 12), cutouts(3, 12, seed=1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nenya(tmp_path_factory.mktemp("nenya") / "last.pth")


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    return write_cutouts(tmp_path / "VIIRS_2013.h5", train=TRAIN, valid=VALID)


def run(tmp_path: Path, *locations: Path, out: str = "out", **options: object) -> dict:
    request = ExtractRequest(location=tuple(map(str, locations)), device="cpu", **options)
    return execute("extract", request, tmp_path / out)


def plain(images: np.ndarray, state: dict[str, torch.Tensor] | None = None) -> np.ndarray:
    with torch.no_grad():
        return supcon_forward(state or supcon_state(), torch.from_numpy(images)).numpy()


def written(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][()] for name in ("train", "valid") if name in file}


def test_each_partition_has_its_latents(tmp_path, samples, checkpoint):
    arguments = ["extract", str(samples), "--checkpoint", str(checkpoint), "--device", "cpu"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    found = written(tmp_path / "out" / "VIIRS_2013_latents.h5")
    np.testing.assert_allclose(found["train"], plain(TRAIN), atol=1e-6)
    np.testing.assert_allclose(found["valid"], plain(VALID), atol=1e-6)
    assert found["train"].dtype == np.float32
    latents = lc.open_latents(tmp_path / "out" / "VIIRS_2013_latents.h5")
    assert latents.sample_ids[[0, 6]].tolist() == ["train/0", "valid/0"]
    assert latents.provenance is not None
    assert latents.provenance.request["resolved"]["options"]["demean"] is True
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["summary"]["preparation"]["scale"] == "none"
    assert record["summary"]["options"]["lr_decay_epochs"] == [700, 800, 900]


def test_batch_size_changes_no_bit(tmp_path, samples, checkpoint):
    found = []
    for size in (None, 1, 64):
        run(tmp_path, samples, checkpoint=str(checkpoint), batch_size=size, out=f"by_{size}")
        found.append(written(tmp_path / f"by_{size}" / "VIIRS_2013_latents.h5"))
    for name in ("train", "valid"):
        np.testing.assert_array_equal(found[0][name], found[1][name])
        np.testing.assert_array_equal(found[0][name], found[2][name])


def test_one_partition_of_several_files(tmp_path, samples, checkpoint):
    other = write_cutouts(tmp_path / "VIIRS_2014.h5", valid=VALID[::-1])
    run(tmp_path, samples, other, checkpoint=str(checkpoint), partition=("valid",))
    first = written(tmp_path / "out" / "VIIRS_2013_latents.h5")
    second = written(tmp_path / "out" / "VIIRS_2014_latents.h5")
    assert list(first) == list(second) == ["valid"]
    np.testing.assert_allclose(first["valid"], second["valid"][::-1], atol=1e-6)


@pytest.mark.parametrize("partition", [("valid",), ()])
def test_allowed_rows_count_within_their_partition(tmp_path, samples, checkpoint, partition):
    np.save(tmp_path / "rows.npy", [0, 2])
    rows = str(tmp_path / "rows.npy")
    message = run(tmp_path, samples, checkpoint=str(checkpoint), rows=rows, partition=partition)
    found = written(tmp_path / "out" / "VIIRS_2013_latents.h5")
    assert list(found) == list(partition or ("train", "valid"))
    for name, images in (("train", TRAIN), ("valid", VALID)):
        if name in found:
            assert np.isfinite(found[name]).all(axis=1).nonzero()[0].tolist() == [0, 2]
            np.testing.assert_allclose(found[name][[0, 2]], plain(images[[0, 2]]), atol=1e-6)
    assert message["n_encoded"] == 2 * len(found)


def test_a_mask_may_be_of_the_file_or_of_the_partition(tmp_path, samples, checkpoint):
    for mask, out in ((np.arange(9) == 7, "file"), (np.arange(3) == 1, "partition")):
        np.save(tmp_path / "rows.npy", mask)
        options = {"rows": str(tmp_path / "rows.npy"), "partition": ("valid",), "out": out}
        assert run(tmp_path, samples, checkpoint=str(checkpoint), **options)["n_encoded"] == 1
        found = written(tmp_path / out / "VIIRS_2013_latents.h5")
        assert np.isfinite(found["valid"]).all(axis=1).tolist() == [False, True, False]


def test_rows_beyond_every_partition_are_reported(tmp_path, samples, checkpoint):
    (tmp_path / "rows.txt").write_text("0\n6\n")
    with pytest.raises(InputError, match=r"row 6, but the longest partition has rows 0 to 5"):
        run(tmp_path, samples, checkpoint=str(checkpoint), rows=str(tmp_path / "rows.txt"))


def test_finished_result_is_skipped_unless_clobbered(tmp_path, samples, checkpoint):
    assert run(tmp_path, samples, checkpoint=str(checkpoint))["skipped"] is False
    path = tmp_path / "out" / "VIIRS_2013_latents.h5"
    before = path.stat().st_mtime_ns
    assert run(tmp_path, samples, checkpoint=str(checkpoint))["skipped"] is True
    assert path.stat().st_mtime_ns == before
    assert run(tmp_path, samples, checkpoint=str(checkpoint), clobber=True)["skipped"] is False
    assert path.stat().st_mtime_ns > before


def test_one_channel_is_repeated_where_the_model_wants_three(tmp_path, samples):
    state = supcon_state(channels=3)
    path = write_nenya(tmp_path / "old.pth", state)
    message = run(tmp_path, samples, checkpoint=str(path))
    assert message["preparation"]["channels"] == 3
    found = written(tmp_path / "out" / "VIIRS_2013_latents.h5")["train"]
    np.testing.assert_allclose(found, plain(np.repeat(TRAIN, 3, axis=1), state), atol=1e-6)


def test_three_channels_are_not_averaged_unasked(tmp_path, checkpoint):
    samples = write_cutouts(tmp_path / "rgb.h5", train=np.repeat(TRAIN, 3, axis=1))
    with pytest.raises(ShapeError, match=r"takes 1 channel\(s\), but the samples have 3"):
        run(tmp_path, samples, checkpoint=str(checkpoint))
    demeaned = ("channels=1", "scale=demean")
    message = run(tmp_path, samples, checkpoint=str(checkpoint), prepare=demeaned, out="demeaned")
    assert message["notes"] == []
    message = run(tmp_path, samples, checkpoint=str(checkpoint), prepare=("channels=1",))
    assert "trained on demeaned cutouts" in message["notes"][0]
    found = written(tmp_path / "out" / "rgb_latents.h5")["train"]
    np.testing.assert_allclose(found, plain(TRAIN), atol=1e-5)


def test_options_name_the_partitions_and_are_recorded(tmp_path, checkpoint):
    samples = write_cutouts(tmp_path / "noisy.h5", train_noise=TRAIN, valid=VALID)
    options = tmp_path / "opts.json"
    options.write_text(json.dumps({**OPTIONS, "train_key": "train_noise", "sensor": "LLC"}))
    message = run(tmp_path, samples, checkpoint=str(checkpoint), options=str(options))
    assert message["options"]["sensor"] == "LLC"
    with h5py.File(tmp_path / "out" / "noisy_latents.h5") as file:
        np.testing.assert_allclose(file["train_noise"], plain(TRAIN), atol=1e-6)
        np.testing.assert_allclose(file["valid"], plain(VALID), atol=1e-6)
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert "options" in [entry["role"] for entry in record["inputs"]]


def test_options_of_another_model_are_refused(tmp_path, samples, checkpoint):
    options = tmp_path / "opts.json"
    options.write_text(json.dumps({**OPTIONS, "ssl_model": "resnet50"}))
    with pytest.raises(InputError, match=r"ssl_model 'resnet50', the checkpoint 'resnet18'"):
        run(tmp_path, samples, checkpoint=str(checkpoint), options=str(options))
    assert not (tmp_path / "out").exists()


def test_cutouts_with_gaps_are_nan_rows(tmp_path, checkpoint):
    images = TRAIN.copy()
    images[2, 0, 3, 3] = np.nan
    samples = write_cutouts(tmp_path / "gaps.h5", train=images)
    assert run(tmp_path, samples, checkpoint=str(checkpoint))["n_encoded"] == 5
    found = written(tmp_path / "out" / "gaps_latents.h5")["train"]
    assert np.isnan(found).any(axis=1).tolist() == [False, False, True, False, False, False]


@pytest.mark.parametrize(("side", "crop"), [(12, 8), (48, 40)])
def test_table_of_cutouts_lies_beside_the_latents(tmp_path, side, crop):
    # The training's crop is 40 pixels, which small cutouts don't have.
    (tmp_path / "opts.json").write_text(json.dumps(OPTIONS))
    options = {"checkpoint": "pca:2", "options": str(tmp_path / "opts.json"), "cutouts": True}
    train, valid = cutouts(6, side), cutouts(3, side, seed=1)
    samples = write_cutouts(tmp_path / "pp.h5", train=train, valid=valid)
    message = run(tmp_path, samples, **options)
    assert message["latents"]["pp_latents.h5"]["cutouts"] == {
        "table": "pp_cutouts.parquet", "crop": crop, "percentiles": [10, 90]
    }  # fmt: skip
    table = pd.read_parquet(tmp_path / "out" / "pp_cutouts.parquet")
    latents = lc.open_latents(tmp_path / "out" / "pp_latents.h5")
    assert table["sample_id"].tolist() == latents.sample_ids.tolist()
    assert table["partition"].tolist() == ["train"] * 6 + ["valid"] * 3
    assert table["row"].tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2]
    both = np.concatenate([train, valid]).astype(np.float64)
    inside = both[:, 0, (side - crop) // 2 : (side + crop) // 2, (side - crop) // 2 :][..., :crop]
    low, high = np.percentile(inside.reshape(9, -1), [10, 90], axis=1)
    np.testing.assert_allclose(table["DT"], high - low)
    np.testing.assert_allclose(table["max"], both.max(axis=(1, 2, 3)))
    for dt, name in zip(table["DT"], table["DT_bin"], strict=True):
        first, _, last = name.removesuffix(" K").partition("–")
        assert float(first.removeprefix("≥ ")) <= dt < float(last or np.inf)


FOUND = {
    **OPTIONS, "learning_rate": 0.05, "weight_decay": 0.0001, "batch_size_train": 64, "trial": 5,
    "cosine": True, "model_root": "viirs_v1", "batch_size_valid": 2, "train_key": "train",
    "valid_key": "valid", "data_folder": "PreProc", "images_file": "VIIRS_2013_preproc_std.h5",
    "model_folder": None,
}  # fmt: skip
NAME = "SimCLR_resnet18_lr_0.05_decay_0.0001_bsz_64_temp_0.07_trial_5_cosine"


@pytest.fixture
def training(tmp_path: Path, checkpoint: Path) -> Path:
    """What a training leaves: options, weights and images where nenya puts them."""
    weights = tmp_path / "models" / "viirs_v1" / NAME / "last.pth"
    weights.parent.mkdir(parents=True)
    shutil.copyfile(checkpoint, weights)
    (tmp_path / "PreProc").mkdir()
    write_cutouts(tmp_path / "PreProc" / "VIIRS_2013_preproc_std.h5", train=TRAIN, valid=VALID)
    (tmp_path / "opts.json").write_text(json.dumps(FOUND))
    return tmp_path


def by_options(training: Path, *more: str) -> int:
    words = ["extract", "--options", str(training / "opts.json"), "--device", "cpu", "--quiet"]
    return main([*words, "--out", str(training / "out"), *more])


@pytest.mark.parametrize("from_there", [False, True])
def test_options_alone_find_model_and_images(training, monkeypatch, from_there):
    if from_there:
        monkeypatch.chdir(training)
    assert by_options(training, "--seed-names") == 0
    found = written(training / "out" / "VIIRS_2013_preproc_std_latents.h5")
    np.testing.assert_allclose(found["train"], plain(TRAIN), atol=1e-6)
    # Under nenya's own name: the partitions, and nothing else.
    with h5py.File(training / "out" / "VIIRS_2013_latents_std.h5") as file:
        assert set(file) == {"train", "valid"}
        np.testing.assert_array_equal(file["valid"], found["valid"])
    record = json.loads((training / "out" / "run.json").read_text())
    assert {one["role"] for one in record["inputs"]} == {"options", "samples", "checkpoint"}
    # The same question again is answered already.
    assert by_options(training, "--seed-names") == 0
    again = json.loads((training / "out" / "run.json").read_text())
    assert again["created"] == record["created"]


def test_debug_encodes_two_batches_of_each_partition(training):
    assert by_options(training, "--debug") == 0
    found = written(training / "out" / "VIIRS_2013_preproc_std_latents.h5")
    assert np.isfinite(found["train"]).all(axis=1).tolist() == [True] * 4 + [False] * 2
    assert np.isfinite(found["valid"]).all()


def test_images_may_be_others_than_those_of_the_training(training, samples):
    assert by_options(training, str(samples)) == 0
    assert (training / "out" / "VIIRS_2013_latents.h5").exists()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("models", "The options don't find the weights: nothing is at 'models/viirs_v1/SimCLR"),
        ("PreProc", "The options don't find the images: nothing is at 'PreProc/VIIRS_2013"),
    ],
)
def test_what_options_don_t_find_is_named(training, capsys, missing, said):
    shutil.rmtree(training / missing)
    assert by_options(training) == 2
    assert said in capsys.readouterr().err
    assert not (training / "out").exists()


def test_neither_samples_nor_options_are_refused(tmp_path, capsys):
    assert main(["extract", "--out", str(tmp_path / "out")]) == 2
    assert "LOCATION is missing. Give the samples and the --checkpoint" in capsys.readouterr().err
    assert main(["extract", "scan.h5", "--out", str(tmp_path / "out")]) == 2
    assert "--checkpoint is missing" in capsys.readouterr().err


def test_weights_on_s3_are_asked_for_where_none_lie_here(training):
    options = NenyaOptions.parse({**FOUND, "s3_outdir": "s3://viirs/Nenya"})
    shutil.rmtree(training / "models")
    request = ExtractRequest(options=str(training / "opts.json"))
    found = completed(request, options)
    assert found.checkpoint == f"s3://viirs/Nenya/models/viirs_v1/{NAME}/last.pth"
    assert found.location == (str(training / "PreProc" / "VIIRS_2013_preproc_std.h5"),)
