"""A folder with damaged pictures or videos: they are left out and told; the others are encoded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import latentcore as lc
from latentcore.cli import main
from latentcore.errors import Cancelled
from latentcore.progress import Progress
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from tests.encoders.programs import clip_encoder, picture_encoder, script
from tests.encoders.threads import one_thread
from tests.factories.media import clip, picture, write_picture, write_video

__all__ = ["one_thread"]

SIZE = (16, 16)
N = 12


def cut(path: Path, share: float = 0.5) -> None:
    """Keep only the first part of a file, as a copy that was interrupted does."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve pictures of two classes, the very first without a header and one cut in its pixels."""
    folder = tmp_path / "pictures"
    for number in range(N):
        name = ("cat", "dog")[number % 2]
        write_picture(folder / name / f"{number:02}.png", picture(number, SIZE))
    (folder / "cat/00.png").write_bytes(b"no picture at all")
    cut(folder / "dog/05.png")
    return folder


DAMAGED = ["cat/00.png", "dog/05.png"]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    for number in range(5):
        write_video(folder / f"{number}.avi", clip(number, 6, (32, 32)))
    (folder / "0.avi").write_bytes(b"")
    cut(folder / "3.avi")
    return folder


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return script(tmp_path / "encoder.pt", picture_encoder())


def extracted(folder: Path, checkpoint: object, *more: str, out: str = "out") -> int:
    words = ["extract", str(folder), "--checkpoint", str(checkpoint), "--device", "cpu"]
    return main([*words, "--out", str(folder.parent / out), "--json", "--quiet", *more])


@pytest.mark.parametrize("kind", ["pca:3", "program"])
def test_damaged_pictures_are_left_out_listed_and_counted(
    kind: str, pictures: Path, encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extracted(pictures, encoder if kind == "program" else kind) == 0
    expected = capsys.readouterr()
    summary = json.loads(expected.out)
    assert (summary["n"], summary["n_encoded"], summary["n_damaged"]) == (N, N - 2, 2)
    entry = summary["latents"]["pictures_latents.h5"]
    assert (entry["n_damaged"], entry["n_not_finite"], entry["n_constant"]) == (2, 0, 0)
    assert "Note: 2 of 12 files of 'pictures' can't be read" in expected.err
    assert "cat/00.png, dog/05.png" in expected.err
    out = pictures.parent / "out"
    listed = pd.read_csv(out / entry["damaged"])
    assert listed["sample_id"].tolist() == DAMAGED
    assert listed["reason"].str.contains("can't be read").all()
    recorded = json.loads((out / "run.json").read_text())
    assert recorded["summary"]["n_damaged"] == 2
    assert entry["damaged"] in recorded["files"]
    latents = lc.open_latents(out / "pictures_latents.h5")
    assert latents.sample_ids[~latents.encoded].tolist() == DAMAGED
    features = torch.load(out / "features.pt", weights_only=True)
    assert features["paths"] == latents.sample_ids[latents.encoded].tolist()
    np.testing.assert_array_equal(features["X"], latents.values[latents.encoded])
    assert features["y"].tolist() == [0] * 5 + [1] * 5
    assert features["meta"]["class_counts"] == {"0": 5, "1": 5}


@pytest.mark.parametrize("kind", ["pca:3", "program"])
def test_the_others_have_the_latents_that_they_have_without_them(
    kind: str, pictures: Path, encoder: Path
) -> None:
    checkpoint = encoder if kind == "program" else kind
    assert extracted(pictures, checkpoint) == 0
    found = lc.open_latents(pictures.parent / "out/pictures_latents.h5")
    for name in DAMAGED:
        (pictures / name).unlink()
    assert extracted(pictures, checkpoint, out="without") == 0
    wanted = lc.open_latents(pictures.parent / "without/pictures_latents.h5")
    assert wanted.sample_ids.tolist() == found.sample_ids[found.encoded].tolist()
    np.testing.assert_allclose(found.values[found.encoded], wanted.values, rtol=0, atol=2e-5)


def test_every_batch_size_gives_the_same_bits(pictures: Path, encoder: Path) -> None:
    for size in ("1", "2", "5", "100"):
        assert extracted(pictures, encoder, "--batch-size", size, out=size) == 0
    whole = lc.open_latents(pictures.parent / "100/pictures_latents.h5").values
    for size in ("1", "2", "5"):
        found = lc.open_latents(pictures.parent / size / "pictures_latents.h5").values
        np.testing.assert_array_equal(found, whole)


def test_a_stopped_extraction_goes_on_and_lists_the_same(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentcore.encoders.pca.PcaEncoder.tile", 2)
    request = ExtractRequest(
        location=(str(pictures),), checkpoint="pca:3", device="cpu", batch_size=1
    )
    out, whole = pictures.parent / "out", pictures.parent / "whole"
    execute("extract", request, whole)

    def on_step(done: int, total: int, message: str) -> None:
        if message == "encoding" and done >= 4:
            progress.cancel()

    progress = Progress(on_step)
    with pytest.raises(Cancelled):
        execute("extract", request, out, progress)
    summary = execute("extract", request, out)
    assert summary["latents"]["pictures_latents.h5"]["resumed_rows"] >= 4
    assert summary["n_damaged"] == 2
    for name in ("pictures_latents.h5", "pictures_damaged.csv"):
        if name.endswith("csv"):
            assert (out / name).read_bytes() == (whole / name).read_bytes()
        else:
            found, wanted = (lc.open_latents(folder / name).values for folder in (out, whole))
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("whole", DAMAGED)
def test_strict_ends_at_a_damaged_picture(
    whole: str, pictures: Path, encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_picture(pictures / whole, picture(0, SIZE))
    (left,) = (name for name in DAMAGED if name != whole)
    assert extracted(pictures, encoder, "--strict") == 2
    expected = capsys.readouterr()
    assert f"MalformedFileError: The picture '{Path(left).name}' can't be read" in expected.err
    assert expected.out == ""
    assert not (pictures.parent / "out").exists()


def test_strict_does_not_take_a_finished_run_that_left_some_out(pictures: Path) -> None:
    assert extracted(pictures, "pca:3") == 0
    before = (pictures.parent / "out/run.json").read_bytes()
    assert extracted(pictures, "pca:3", "--strict") == 2
    assert (pictures.parent / "out/run.json").read_bytes() == before
    assert extracted(pictures, "pca:3") == 0
    for name in DAMAGED:
        (pictures / name).unlink()
    assert extracted(pictures, "pca:3", "--strict", out="strict") == 0
    assert extracted(pictures, "pca:3", out="strict") == 0, "the same question"


@pytest.mark.parametrize("kind", ["pca:3", "program"])
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_nothing_but_damaged_pictures_is_an_error(
    kind: str, share: float, pictures: Path, encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, path in enumerate(sorted(pictures.rglob("*.png"))):
        cut(write_picture(path, picture(number, SIZE)), share)
    assert extracted(pictures, encoder if kind == "program" else kind) == 2
    expected = capsys.readouterr().err
    assert "12 files of 'pictures'" in expected
    assert "The picture '00.png' can't be read" in expected
    assert not (pictures.parent / "out").exists()


@pytest.mark.parametrize("options", [(), ("--reader", "video:frames=6")])
def test_damaged_videos_are_left_out(
    options: tuple[str, ...], videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = script(videos.parent / "clips.pt", clip_encoder())
    assert extracted(videos, encoder, *options) == 0
    assert json.loads(capsys.readouterr().out)["n_damaged"] == 2
    latents = lc.open_latents(videos.parent / "out/videos_latents.h5")
    assert latents.sample_ids[~latents.encoded].tolist() == ["0.avi", "3.avi"]
    assert extracted(videos, encoder, *options, "--strict", out="strict") == 2


def test_a_static_background_and_the_cutouts_table_leave_them_out(pictures: Path) -> None:
    more = ("--prepare", "background=static", "scale=z_score", "--cutouts")
    assert extracted(pictures, "pca:3", *more) == 0
    out = pictures.parent / "out"
    with lc.open_samples(pictures) as source:
        whole = np.flatnonzero(~np.isin(source.sample_ids, DAMAGED))
        mean = source.read(whole).astype(np.float64).mean(axis=0)
    tensors = lc.open_latents(out / "pictures_latents.h5")
    assert tensors.encoded.sum() == N - 2
    table = pd.read_parquet(out / "pictures_cutouts.parquet").set_index("sample_id")
    assert table.loc[DAMAGED, ["DT", "mean", "sd", "min", "max"]].isna().all(axis=None)
    assert table.drop(DAMAGED)["mean"].notna().all()
    from latentcore.encoders import open_checkpoint

    model = open_checkpoint(str(out / "model.safetensors"), device="cpu")
    np.testing.assert_allclose(model.static_background, mean, rtol=1e-6)


def test_a_folder_says_of_them_and_other_verbs_name_them(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(pictures), "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)
    assert expected["n_samples"] == N
    assert "1 of 12 files can't be read" in expected["notes"][0]
    assert "cat/00.png" in expected["notes"][0]
    train = ["train", str(pictures), "--epochs", "1", "--latent-dim", "2", "--prepare"]
    words = [*train, "channels=1", "--out", str(pictures.parent / "model"), "--quiet"]
    assert main(words) == 2
    assert "The picture '00.png' can't be read" in capsys.readouterr().err
    with lc.open_samples(pictures) as source, pytest.raises(lc.LatentError, match=r"05\.png"):
        source.read(slice(6, None))
