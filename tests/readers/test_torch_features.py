"""Features as torch.save writes them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from latentcore import readers
from latentcore.artifacts.torch_features import write_features
from latentcore.containers import LatentSet, partitions_of
from latentcore.errors import InputError, MalformedFileError, UnsafeFileError
from tests.encoders.programs import picture_encoder, script


def saved(path: Path, content: object, **settings: object) -> Path:
    torch.save(content, path, **settings)
    return path


def full(n: int = 5, d: int = 3) -> dict[str, object]:
    return {
        "X": torch.arange(n * d, dtype=torch.float32).reshape(n, d),
        "y": torch.tensor([0, 1, 1, 0, 1]),
        "paths": [f"videos/{row}.mp4" for row in range(n)],
        "split": ["test-private"] * 2 + ["test-public"] * 3,
        "meta": {"resolution_hw": (704, 1280), "class_counts": {"0": 2, "1": 3}},
    }


def test_all_parts_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "features.pt", full())
    latents = readers.open_latents(path)
    np.testing.assert_array_equal(latents.values, np.arange(15, dtype=np.float32).reshape(5, 3))
    assert latents.labels.tolist() == [0, 1, 1, 0, 1]
    assert latents.sample_ids.tolist() == full()["paths"]
    assert latents.partition.each.tolist() == full()["split"]
    assert readers.recognize(path) == ("latents", "torch-features")


def test_the_real_file_is_read(shared_data: Path) -> None:
    latents = readers.open_latents(shared_data / "cosmos_feature" / "feats.pt")
    assert latents.values.shape == (1, 16)
    assert latents.encoded.all()
    assert latents.sample_ids[0].endswith("img2vid.jpg")
    assert (latents.labels, latents.targets, latents.partition) == (None, None, None)


def test_feature_maps_are_pooled_and_half_precision_is_read(tmp_path: Path) -> None:
    maps = torch.rand(4, 6, 2, 3, 3)
    path = saved(tmp_path / "a.pt", {"features": maps.to(torch.bfloat16), "meta": {}})
    latents = readers.open_latents(path)
    np.testing.assert_allclose(latents.values, maps.mean(dim=(2, 3, 4)).numpy(), atol=0.01)
    assert latents.sample_ids.tolist() == ["0", "1", "2", "3"]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    values[2] = np.nan
    latents = LatentSet(
        values=values,
        sample_ids=np.array(["a.png", "b/c.png", "d.png", "e.png"]),
        dims=np.arange(3, dtype=np.int32),
        partition=partitions_of(np.array(["train", "train", "test", "test"])),
        labels=np.array([0, 1, 1, 0], np.int32),
    )
    path = tmp_path / "features.pt"
    write_features(path, latents, {"resolution_hw": (12, 16), "pool": "mean"})
    again = readers.open_latents(path)
    kept = [0, 1, 3]
    np.testing.assert_array_equal(again.values, values[kept])
    assert again.sample_ids.tolist() == ["a.png", "b/c.png", "e.png"]
    assert again.partition.each.tolist() == ["train", "train", "test"]
    assert again.labels.tolist() == [0, 1, 0]
    plain = torch.load(path, weights_only=True)
    assert plain["meta"] == {"resolution_hw": [12, 16], "pool": "mean"}
    assert plain["features"].data_ptr() == plain["X"].data_ptr()


class _Bomb:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.trace,)


def test_a_file_that_would_execute_code_is_refused(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    zipped = saved(tmp_path / "a.pt", {**full(), "meta": _Bomb(trace)})
    legacy = tmp_path / "b.pt"
    legacy.write_bytes(pickle.dumps({**full(), "meta": _Bomb(trace)}))
    for path in (zipped, legacy):
        with pytest.raises(UnsafeFileError, match="Nothing was executed"):
            readers.open_latents(path, reader="torch-features")
    assert readers.recognize(zipped)[1] == "torch-features"
    assert not trace.exists()


def test_a_tensor_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", {"X": torch.zeros(1).expand(1 << 34, 4), "y": torch.zeros(3)})
    with pytest.raises(UnsafeFileError, match="claims more values"):
        readers.open_latents(path)


def test_weights_and_programs_are_no_features(tmp_path: Path) -> None:
    weights = saved(tmp_path / "weights.pth", picture_encoder().state_dict())
    program = script(tmp_path / "encoder.pt", picture_encoder())
    for path in (weights, program):
        with pytest.raises(InputError, match="No reader recognizes"):
            readers.open_latents(path)
        with pytest.raises(InputError, match=path.name):
            readers.open_latents(path, reader="torch-features")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"paths": ["a"]}, "'paths' .* is 1 entries; a list of 5"),
        ({"split": 3}, "'split'"),
        ({"y": torch.zeros(4)}, r"'y' .* shape \(4,\)"),
        ({"X": torch.zeros(5)}, r"'X' .* shape \(n, d\)"),
        ({"X": ["a"]}, "'X'"),
    ],
)
def test_parts_that_do_not_fit_are_reported(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(MalformedFileError, match=message):
        readers.open_latents(saved(tmp_path / "a.pt", {**full(), **change}))


def test_damage_ends_in_a_message(tmp_path: Path) -> None:
    path = saved(tmp_path / "features.pt", full())
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    for round_ in range(60):
        flipped = whole.copy()
        flipped[rng.integers(0, len(whole), 3)] ^= np.uint8(1 << rng.integers(0, 8))
        content = flipped.tobytes() if round_ % 2 else whole.tobytes()[: rng.integers(len(whole))]
        path.write_bytes(content)
        try:
            assert len(readers.open_latents(path, reader="torch-features")) > 0
        except InputError as error:
            assert "features.pt" in str(error)
