"""Pictures and videos through exported encoders, from the command line and as a server does."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import latentcore as lc
from latentcore.cli import main
from latentcore.encoders import EVERYWHERE, open_checkpoint
from latentcore.errors import ShapeError, UnsafeFileError
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from tests.encoders.programs import clip_encoder, export, picture_encoder, script, trace
from tests.encoders.threads import one_thread
from tests.factories.kikuchi import patterns, write_kikuchi
from tests.factories.media import clip, picture, write_picture, write_video

__all__ = ["one_thread"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in range(9):
        name = ("cat", "dog")[number % 2]
        write_picture(tmp_path / "pictures" / name / f"{number}.png", picture(number, (16, 16)))
    return tmp_path / "pictures"


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for number in range(5):
        write_video(tmp_path / "videos" / f"{number}.avi", clip(number, 3 + number, (16, 16)))
    return tmp_path / "videos"


def open_trusting(location: str, **settings: object):
    return open_checkpoint(location, trusted_roots=EVERYWHERE, **settings)


def run(location: Path, checkpoint: Path, out: Path, **options: object) -> dict:
    request = ExtractRequest(
        location=(str(location),), checkpoint=str(checkpoint), device="cpu", **options
    )
    return execute("extract", request, out, open_model=open_trusting)


def latents_in(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        names = json.loads(file.attrs["partitions"]) if "partitions" in file.attrs else ["samples"]
        return np.concatenate([file[name][()] for name in names])


def plain(module: torch.nn.Module, samples: np.ndarray, pool: str = "mean") -> np.ndarray:
    with torch.inference_mode():
        features = module(torch.from_numpy(samples).float() / 127.5 - 1)
    if pool == "flatten":
        return features.flatten(1).numpy()
    return getattr(features.flatten(2), "mean" if pool == "mean" else "amax")(2).numpy()


@pytest.mark.parametrize("pool", ["mean", "max", "flatten"])
def test_command_line_encodes_a_folder_of_pictures(
    pool: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = script(tmp_path / "encoder.pt", picture_encoder())
    words = ["extract", str(pictures), "--checkpoint", str(encoder), "--out", str(tmp_path / "out")]
    assert main([*words, "--pool", pool, "--resolution", "16", "16", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["feature_shape"] == [5, 8, 8]
    assert summary["pool"] == pool
    assert summary["preparation"]["scale"] == "type_range"
    assert summary["files"] == ["features.pt", "pictures_latents.h5"]
    with lc.open_samples(pictures) as source:
        wanted = plain(picture_encoder(), source.read(slice(None)), pool)
    found = lc.open_latents(tmp_path / "out" / "pictures_latents.h5")
    np.testing.assert_allclose(found.values, wanted, rtol=0, atol=2e-6)
    assert found.sample_ids[0] == "cat/0.png"
    assert found.labels.tolist() == [0] * 5 + [1] * 4
    features = lc.open_latents(tmp_path / "out" / "features.pt")
    np.testing.assert_array_equal(features.values, found.values)
    assert features.partition.each.tolist() == ["cat"] * 5 + ["dog"] * 4
    content = torch.load(tmp_path / "out" / "features.pt", weights_only=True)
    assert ("latents" in content) == (pool == "flatten")
    if pool == "flatten":
        assert content["latents"].shape == (9, 5, 8, 8)
        np.testing.assert_array_equal(content["latents"].flatten(1), found.values)
    meta = content["meta"]
    assert meta["resolution_hw"] == [16, 16]
    assert meta["class_names"] == {"0": "cat", "1": "dog"}
    assert meta["class_counts"] == {"0": 5, "1": 4}
    assert meta["source"]["options"] == {"resolution": "16x16", "fit": "crop"}


@pytest.mark.parametrize("way", ["scripted", "traced for four", "exported"])
def test_videos_have_the_same_latents_for_every_batch_and_order(
    way: str, videos: Path, tmp_path: Path
) -> None:
    path, shape = tmp_path / "encoder.pt2", (3, 5, 16, 16)
    if way == "scripted":
        script(path, clip_encoder())
    elif way == "exported":
        export(path, clip_encoder(), 2, *shape)
    else:
        trace(path, _FourAtOnce().eval(), 4, *shape)
    reader = "video:frames=5"
    whole = run(videos, path, tmp_path / "whole", reader=reader)
    latents = latents_in(tmp_path / "whole" / "videos_latents.h5")
    with lc.open_samples(videos, "video:frames=5") as source:
        wanted = plain(clip_encoder(), source.read(slice(None)))
    np.testing.assert_allclose(latents, wanted, rtol=0, atol=2e-6)
    assert whole["n_encoded"] == 5
    for size in (1, 2, 3):
        run(videos, path, tmp_path / f"batch{size}", reader=reader, batch_size=size)
        found = latents_in(tmp_path / f"batch{size}" / "videos_latents.h5")
        np.testing.assert_array_equal(found, latents)
    order = np.random.default_rng(0).permutation(5)
    for place, number in enumerate(order):
        source_path = videos / f"{number}.avi"
        target = tmp_path / "other" / f"{place}.avi"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(source_path.read_bytes())
    run(tmp_path / "other", path, tmp_path / "ordered", reader=reader)
    found = latents_in(tmp_path / "ordered" / "other_latents.h5")
    np.testing.assert_array_equal(found, latents[order])


class _FourAtOnce(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = clip_encoder()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x).reshape(4, 5, -1)


def test_pictures_of_other_sizes_keep_their_proportions(tmp_path: Path) -> None:
    write_picture(tmp_path / "p" / "a.png", picture(1, (32, 64)))
    encoder = script(tmp_path / "encoder.pt", picture_encoder())
    run(tmp_path / "p", encoder, tmp_path / "out", resolution=(16, 16))
    with lc.open_samples(tmp_path / "p", resolution=(16, 16)) as source:
        wanted = plain(picture_encoder(), source.read(slice(None)))
    np.testing.assert_allclose(
        latents_in(tmp_path / "out" / "p_latents.h5"), wanted, rtol=0, atol=2e-6
    )
    run(tmp_path / "p", encoder, tmp_path / "cut", resolution=(16, 16), prepare=("crop=0:32:0:32",))
    assert not np.allclose(latents_in(tmp_path / "cut" / "p_latents.h5"), wanted, atol=1e-3)


def test_what_does_not_fit_is_reported(pictures: Path, videos: Path, tmp_path: Path) -> None:
    images = export(tmp_path / "images.pt2", picture_encoder(), 1, 3, 32, 32)
    with pytest.raises(ShapeError, match="resolution 32 32"):
        run(pictures, images, tmp_path / "out")
    clips = export(tmp_path / "clips.pt2", clip_encoder(), 1, 3, 4, 16, 16)
    with pytest.raises(ShapeError, match="video:frames=4"):
        run(videos, clips, tmp_path / "out")
    floats = write_kikuchi(tmp_path / "scan.h5", images=patterns(30, (16, 16)).astype("f4"))
    gray = script(tmp_path / "grey.pt", picture_encoder(channels=1))
    with pytest.raises(ShapeError, match="scale=minus_one_one"):
        run(floats, gray, tmp_path / "out")
    run(floats, gray, tmp_path / "scaled", prepare=("scale=minus_one_one",))
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "scaled" / "features.pt").exists()


def test_inspect_says_the_shapes_beforehand(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = script(tmp_path / "encoder.pt", clip_encoder())
    words = ["inspect", str(videos), "--reader", "video:frames=6", "--checkpoint", str(encoder)]
    assert main([*words, "--pool", "flatten", "--resolution", "32", "32", "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)["encoder"]
    assert reported["input_shape"] == [3, 6, 32, 32]
    assert reported["feature_shape"] == [5, 3, 16, 16]
    assert reported["latent_dim"] == 5 * 3 * 16 * 16
    assert reported["preparation"]["scale"] == "type_range"
    latents = tmp_path / "l.npy"
    np.save(latents, np.zeros((3, 2)))
    assert main(["inspect", str(latents), "--checkpoint", str(encoder)]) == 2
    assert "an encoder takes samples" in capsys.readouterr().err


def test_a_verb_alone_trusts_no_program(pictures: Path, tmp_path: Path) -> None:
    encoder = script(tmp_path / "encoder.pt", picture_encoder())
    request = ExtractRequest(location=(str(pictures),), checkpoint=str(encoder), device="cpu")
    with pytest.raises(UnsafeFileError, match="Nothing was executed"):
        execute("extract", request, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pca_of_pictures_needs_no_encoder(pictures: Path, tmp_path: Path) -> None:
    request = ExtractRequest(location=(str(pictures),), checkpoint="pca:2", device="cpu")
    assert execute("extract", request, tmp_path / "out")["n_encoded"] == 9
    assert lc.open_latents(tmp_path / "out" / "features.pt").values.shape == (9, 2)


def test_memory_does_not_grow_with_the_folder(tmp_path: Path) -> None:
    encoder = script(tmp_path / "encoder.pt", picture_encoder())
    peaks = []
    write_picture(tmp_path / "p1" / "0.jpg", picture(0, (64, 64)))
    run(tmp_path / "p1", encoder, tmp_path / "out1")  # what is imported at first use counts not
    for n in (100, 200):
        for number in range(n):
            write_picture(tmp_path / f"p{n}" / f"{number}.jpg", picture(number % 3, (64, 64)))
        tracemalloc.start()
        run(tmp_path / f"p{n}", encoder, tmp_path / f"out{n}", batch_size=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Batches of a whole tile (32): one computed, one ready, one being read.
    # How many of them meet hangs on the threads; twice the folder would need twice as much.
    assert peaks[1] < 1.5 * peaks[0]
    assert peaks[1] < 200 * 64 * 64 * 3 * 4
