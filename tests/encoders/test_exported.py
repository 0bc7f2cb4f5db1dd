"""Exported encoders: trust, shapes, pooling, and the same latents whatever the batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from latentcore.encoders import EVERYWHERE, Pooling, open_checkpoint
from latentcore.encoders.checkpoints import load_checkpoint
from latentcore.encoders.programs import program_kind
from latentcore.errors import CheckpointError, RequestError, UnsafeFileError
from latentcore.preparation import Preparation
from tests.encoders.programs import clip_encoder, export, picture_encoder, script, trace


def opened(path: Path, shape: tuple[int, ...] | None = (3, 16, 16), pool: str = "mean"):
    encoder = open_checkpoint(str(path), device="cpu", input_shape=shape, trusted_roots=EVERYWHERE)
    return encoder.pooled(pool)


def batch(n: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(n).uniform(-1, 1, (n, *shape)).astype(np.float32)


def forward(module: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(x)).numpy()


WAYS: dict[str, Callable[[Path, nn.Module, tuple[int, ...]], Path]] = {
    "scripted": lambda path, module, shape: script(path, module),
    "traced": lambda path, module, shape: trace(path, module, 2, *shape),
    "exported": lambda path, module, shape: export(path, module, 2, *shape),
    "exported, any batch": lambda path, module, shape: export(
        path, module, 2, *shape, dynamic=True
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 4, 16, 16)])
def test_latents_are_those_of_the_module(way: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    module = picture_encoder() if len(shape) == 3 else clip_encoder()
    path = WAYS[way](tmp_path / "encoder.pt2", module, shape)
    x = batch(7, shape)
    features = forward(module, x)
    places = tuple(range(2, features.ndim))
    wanted = {
        "mean": features.mean(axis=places),
        "max": features.max(axis=places),
        "flatten": features.reshape(7, -1),
    }
    for pool, latents in wanted.items():
        encoder = opened(path, shape, pool)
        assert isinstance(encoder, Pooling)
        assert encoder.feature_shape == features.shape[1:]
        assert encoder.latent_dim == latents.shape[1]
        np.testing.assert_allclose(encoder.encode(x), latents, rtol=0, atol=2e-6)


@pytest.mark.parametrize("way", WAYS)
def test_latents_do_not_depend_on_batch_or_order(way: str, tmp_path: Path) -> None:
    shape = (3, 4, 16, 16)
    encoder = opened(WAYS[way](tmp_path / "encoder.pt2", clip_encoder(), shape), shape)
    x = batch(11, shape)
    whole = encoder.encode(x)
    for size in (1, 2, 3, 7):
        parts = [encoder.encode(x[start : start + size]) for start in range(0, 11, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    order = np.random.default_rng(0).permutation(11)
    np.testing.assert_array_equal(encoder.encode(x[order]), whole[order])


def test_vectors_stay_as_they_are(tmp_path: Path) -> None:
    module = nn.Sequential(picture_encoder(), nn.Flatten(), nn.Linear(5 * 64, 6)).eval()
    encoder = opened(script(tmp_path / "encoder.pt", module), pool="max")
    assert (encoder.feature_shape, encoder.latent_dim) == ((6,), 6)
    np.testing.assert_allclose(
        encoder.encode(batch(3, (3, 16, 16))), forward(module, batch(3, (3, 16, 16))), atol=2e-6
    )


def test_what_the_samples_are_prepared_with_is_reported(tmp_path: Path) -> None:
    encoder = opened(script(tmp_path / "colour.pt", picture_encoder()))
    assert encoder.preparation == Preparation(scale="type_range", channels=3)
    gray = opened(script(tmp_path / "grey.pt", picture_encoder(channels=1)))
    assert gray.preparation == Preparation(scale="type_range", channels=1)
    assert gray.input_shape == (1, 16, 16)


class _Fixed(nn.Module):
    """Takes four samples at once, no other number."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = picture_encoder()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x).reshape(4, 5, 64)


def test_a_fixed_batch_is_found_out(tmp_path: Path) -> None:
    encoder = opened(trace(tmp_path / "encoder.pt", _Fixed().eval(), 4, 3, 16, 16))
    assert encoder.tile == 4
    x = batch(6, (3, 16, 16))
    wanted = forward(picture_encoder(), x).mean(axis=(2, 3))
    np.testing.assert_allclose(encoder.encode(x), wanted, atol=2e-6)
    np.testing.assert_array_equal(encoder.encode(x, tile=2), encoder.encode(x))


def test_a_picture_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    encoder = opened(script(tmp_path / "encoder.pt", clip_encoder()))
    assert encoder.input_shape == (3, 16, 16)
    x = batch(3, (3, 16, 16))
    wanted = forward(clip_encoder(), x[:, :, None]).mean(axis=(2, 3, 4))
    np.testing.assert_allclose(encoder.encode(x), wanted, atol=2e-6)


class _Several(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.mean(dim=1, keepdim=True), x


def test_the_first_of_several_outputs_are_the_features(tmp_path: Path) -> None:
    encoder = opened(script(tmp_path / "encoder.pt", _Several()))
    assert encoder.feature_shape == (1, 16, 16)


def test_half_precision_is_fed_as_it_wants(tmp_path: Path) -> None:
    encoder = opened(script(tmp_path / "encoder.pt", picture_encoder().to(torch.bfloat16)))
    latents = encoder.encode(batch(3, (3, 16, 16)))
    assert latents.dtype == np.float32
    wanted = forward(picture_encoder(), batch(3, (3, 16, 16))).mean(axis=(2, 3))
    np.testing.assert_allclose(latents, wanted, atol=0.05)


class _Tokens(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * 10).long()


class _Number(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean()


@pytest.mark.parametrize(
    ("module", "message"),
    [(_Tokens(), "are tokens, not latents"), (_Number(), "not features of shape")],
)
def test_what_gives_no_features_is_reported(
    module: nn.Module, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=message):
        opened(script(tmp_path / "encoder.pt", module))


def test_an_encoder_in_training_mode_is_reported(tmp_path: Path) -> None:
    dropping = nn.Sequential(picture_encoder(), nn.Dropout(0.5)).train()
    with pytest.raises(CheckpointError, match=r"other features each time.*model\.eval\(\)"):
        opened(trace(tmp_path / "dropping.pt", dropping, 2, 3, 16, 16))


def test_an_encoder_that_mixes_samples_gets_one_at_a_time(tmp_path: Path) -> None:
    mixing = nn.Sequential(picture_encoder(), nn.BatchNorm2d(5)).train()
    encoder = opened(trace(tmp_path / "mixing.pt", mixing, 2, 3, 16, 16), pool="max")
    assert encoder.tile == 1
    x = batch(4, (3, 16, 16))
    np.testing.assert_array_equal(encoder.encode(x)[2], encoder.encode(x[2:3])[0])


def test_what_does_not_fit_says_how_to_make_it_fit(tmp_path: Path) -> None:
    path = script(
        tmp_path / "clips.pt", nn.Sequential(clip_encoder(), nn.Flatten(), nn.Linear(40, 3))
    )
    with pytest.raises(CheckpointError, match=r"3×4×16×16.*resolution H W.*frames=T"):
        opened(path, (3, 4, 16, 16))
    path = script(tmp_path / "pictures.pt", picture_encoder())
    with pytest.raises(CheckpointError, match="doesn't say for which size"):
        opened(path, None)


def test_an_export_says_its_own_size(tmp_path: Path) -> None:
    path = export(tmp_path / "encoder.pt2", picture_encoder(), 2, 3, 16, 16)
    assert opened(path, None).input_shape == (3, 16, 16)
    assert opened(path, (1, 60, 60)).input_shape == (3, 16, 16)


@pytest.mark.parametrize(("pool", "over"), [("mean_hw_keep_t", np.mean), ("max_hw_keep_t", np.max)])
def test_times_are_kept(tmp_path: Path, pool: str, over: Callable[..., np.ndarray]) -> None:
    module = clip_encoder()
    clips = np.random.default_rng(0).normal(size=(3, 3, 8, 16, 16)).astype(np.float32)
    encoder = opened(script(tmp_path / "clips.pt", module), (3, 8, 16, 16), pool)
    with torch.inference_mode():
        features = module(torch.from_numpy(clips)).numpy()
    assert features.shape[2] > 1
    assert encoder.latent_dim == features.shape[1] * features.shape[2]
    found = encoder.encode(clips)
    np.testing.assert_allclose(found, over(features, axis=(3, 4)).reshape(3, -1), atol=1e-6)
    # A picture has no times: all its places are one.
    still = opened(script(tmp_path / "still.pt", picture_encoder()), pool=pool)
    assert still.latent_dim == still.feature_shape[0]


def test_poolings_are_named(tmp_path: Path) -> None:
    encoder = opened(script(tmp_path / "encoder.pt", picture_encoder()))
    with pytest.raises(RequestError, match="mean, max, mean_hw_keep_t, max_hw_keep_t, flatten"):
        encoder.pooled("median")
    big = opened(script(tmp_path / "big.pt", nn.Identity()), (3, 700, 700))
    with pytest.raises(RequestError, match="1,470,000 dimensions"):
        big.pooled("flatten")


def test_poolings_are_different_encoders_of_one_program(tmp_path: Path) -> None:
    encoder = opened(script(tmp_path / "encoder.pt", picture_encoder()))
    assert encoder.pooled("max").fingerprint != encoder.fingerprint
    x = batch(2, (3, 16, 16))
    before = encoder.encode(x)
    encoder.release()
    np.testing.assert_array_equal(encoder.encode(x), before)


@pytest.mark.parametrize("way", ["scripted", "exported"])
def test_only_trusted_folders_are_loaded_from(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, uploads = tmp_path / "models", tmp_path / "uploads"
    models.mkdir()
    uploads.mkdir()
    inside = WAYS[way](models / "encoder.pt2", picture_encoder(), (3, 16, 16))
    outside = WAYS[way](uploads / "encoder.pt2", picture_encoder(), (3, 16, 16))
    (models / "link.pt2").symlink_to(outside)
    (tmp_path / "models-too").symlink_to(uploads)
    trusted = open_checkpoint(
        str(inside), device="cpu", input_shape=(3, 16, 16), trusted_roots=[models]
    )
    assert trusted.latent_dim == 5

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(torch.jit, "load", never)
    monkeypatch.setattr(torch.export, "load", never)
    for path, roots in (
        (inside, []),
        (outside, [models]),
        (models / "link.pt2", [models]),
        (models / ".." / "uploads" / "encoder.pt2", [models]),
        (tmp_path / "models-too" / "encoder.pt2", [models]),
    ):
        with pytest.raises(UnsafeFileError, match="LATENT_MODEL_FOLDER"):
            open_checkpoint(str(path), device="cpu", input_shape=(3, 16, 16), trusted_roots=roots)


def test_compiled_programs_are_refused_even_where_trusted(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "encoder.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("encoder/archive_format", "pt2")
        archive.writestr("encoder/data/aotinductor/model/model.so", b"\x7fELF")
    with pytest.raises(UnsafeFileError, match="machine code"):
        opened(path)


def test_a_damaged_program_is_reported(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "encoder.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("encoder/archive_format", "pt2")
    with pytest.raises(CheckpointError, match=r"'encoder\.pt2' can't be loaded.*export it again"):
        opened(path)


def test_weights_are_no_program(tmp_path: Path) -> None:
    torch.save(picture_encoder().state_dict(), tmp_path / "weights.pth")
    assert program_kind(tmp_path / "weights.pth") == ""
    assert load_checkpoint(str(tmp_path / "weights.pth")).program == ""


def test_trying_takes_no_memory_for_samples_that_do_not_fit(tmp_path: Path) -> None:
    path = script(tmp_path / "pictures.pt", picture_encoder())
    tried: list[int] = []
    plain = torch.zeros

    def counted(*args: object, **settings: object) -> torch.Tensor:
        made = plain(*args, **settings)
        tried.append(made.untyped_storage().nbytes())
        return made

    with pytest.MonkeyPatch.context() as patch, pytest.raises(CheckpointError, match="3×32×64×64"):
        patch.setattr(torch, "zeros", counted)
        opened(path, (3, 32, 64, 64))
    assert max(tried) == 3 * 32 * 64 * 64 * 4
