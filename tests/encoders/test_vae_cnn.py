from __future__ import annotations

import numpy as np
import pytest
import torch

from latentcore.artifacts.model_files import write_model
from latentcore.encoders import Decoder, Encoder, Storable, open_checkpoint
from latentcore.encoders.vae_cnn import SEED_PREPARATION, VaeCnn
from latentcore.errors import CheckpointError
from tests.encoders.models import seed_decode, seed_encode, seed_state, write_seed


def samples(n: int = 5, size: tuple[int, int] = (20, 24)) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (n, 1, *size)).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "base", "n_down"), [((20, 24), 8, 3), ((33, 61), 4, 5), ((9, 16), 16, 1)]
)
def test_bare_seed_file_gives_the_seeds_latents_and_reconstructions(tmp_path, size, base, n_down):
    state = seed_state(size, 6, base, n_down)
    path = write_seed(tmp_path / "vae.pth", state)
    encoder = open_checkpoint(str(path), device="cpu", input_shape=(1, *size))
    x = samples(size=size)
    latents = encoder.encode(x)
    assert latents.dtype == np.float32
    wanted = seed_encode(state, torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(latents, wanted, atol=1e-5)
    decoded = seed_decode(state, torch.from_numpy(latents), torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(encoder.decode(latents), decoded, atol=1e-5)


def test_encoder_says_what_it_is(tmp_path):
    path = str(write_seed(tmp_path / "vae.pth"))
    encoder = open_checkpoint(path, device="cpu", input_shape=(1, 20, 24))
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Decoder)
    assert isinstance(encoder, Storable)
    assert (encoder.name, encoder.latent_dim, encoder.device) == ("vae-cnn", 6, "cpu")
    assert encoder.input_shape == (1, 20, 24)
    assert encoder.preparation == SEED_PREPARATION


def test_default_network_has_the_published_26_tensors():
    with torch.device("meta"):
        model = VaeCnn((60, 60))
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert len(shapes) == 26
    assert shapes == {name: tuple(t.shape) for name, t in seed_state((60, 60), 16, 32, 5).items()}
    assert shapes["fc_mu.weight"] == (16, 2048)
    with torch.device("meta"):
        large = VaeCnn((400, 500), latent_dim=512)
    assert large.fc_mu.weight.shape == (512, 106496)
    assert round(sum(p.numel() for p in large.parameters()) / 1e6) == 167


def test_channels_stop_at_512():
    with torch.device("meta"):
        model = VaeCnn((60, 60), base=64, n_down=5)
    assert model.encoder[8].weight.shape[:2] == (512, 512)
    assert [block[0].weight.shape[0] for block in model.dec_refine] == [256, 128, 64, 64]


@pytest.mark.parametrize("wrap", ["module.{}", "model", "state_dict", "half"])
def test_usual_wrappings_of_the_weights_load_too(tmp_path, wrap):
    state = seed_state()
    plain = open_checkpoint(
        str(write_seed(tmp_path / "plain.pth", state)), device="cpu", input_shape=(1, 20, 24)
    )
    wrapped: object = {wrap: state, "epoch": 3}
    if wrap == "half":
        wrapped = {name: tensor.half() for name, tensor in state.items()}
    elif "{}" in wrap:
        wrapped = {wrap.format(name): tensor for name, tensor in state.items()}
    path = write_seed(tmp_path / "wrapped.pth", wrapped)
    encoder = open_checkpoint(str(path), device="cpu", input_shape=(1, 20, 24))
    np.testing.assert_allclose(encoder.encode(samples()), plain.encode(samples()), atol=5e-3)


def test_same_latents_bit_for_bit_in_any_batch_and_at_any_place(tmp_path):
    path = write_seed(tmp_path / "vae.pth", size=(60, 60), base=8, n_down=4)
    encoder = open_checkpoint(str(path), device="cpu", input_shape=(1, 60, 60))
    x = samples(130, (60, 60))
    whole = encoder.encode(x)
    for batch in (1, 7, 64, 1000):
        parts = [encoder.encode(x[start : start + batch]) for start in range(0, 130, batch)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    order = np.random.default_rng(0).permutation(130)
    np.testing.assert_array_equal(encoder.encode(x[order]), whole[order])


def test_wrong_pattern_size_is_reported_with_the_sizes_that_fit(tmp_path):
    path = str(write_seed(tmp_path / "vae.pth"))  # 20 × 24 by 3 halvings: 3 × 3 cells
    with pytest.raises(CheckpointError, match="17–24 × 17–24"):
        open_checkpoint(path, device="cpu", input_shape=(1, 60, 60))
    with pytest.raises(CheckpointError, match=r"3 channel\(s\)"):
        open_checkpoint(path, device="cpu", input_shape=(3, 20, 24))
    with pytest.raises(CheckpointError, match="doesn't say for which size"):
        open_checkpoint(path, device="cpu")


def test_fresh_model_without_its_late_layers_is_reported(tmp_path):
    state = {name: t for name, t in seed_state().items() if not name.startswith("fc_")}
    path = write_seed(tmp_path / "fresh.pth", state)
    with pytest.raises(CheckpointError, match="at the first forward pass"):
        open_checkpoint(str(path), device="cpu", input_shape=(1, 20, 24))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("fc_decode.bias", (7,)),
        ("encoder.2.weight", (16, 8, 5, 5)),
        ("extra.weight", (2,)),
        ("fc_mu.weight", (6,)),
        ("encoder.0.weight", (8,)),
        ("encoder.0.weight", (0, 1, 3, 3)),
    ],
)
def test_tensors_of_another_network_are_reported(tmp_path, name, shape):
    path = write_seed(tmp_path / "vae.pth", {**seed_state(), name: torch.zeros(shape)})
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        open_checkpoint(str(path), device="cpu", input_shape=(1, 20, 24))


def test_own_files_bring_everything_back(tmp_path):
    path = str(write_seed(tmp_path / "vae.pth"))
    seed = open_checkpoint(path, device="cpu", input_shape=(1, 20, 24))
    write_model(tmp_path / "model.safetensors", seed)
    own = open_checkpoint(str(tmp_path / "model.safetensors"), device="cpu")
    assert own.input_shape == (1, 20, 24)
    assert own.fingerprint == seed.fingerprint
    assert own.preparation == SEED_PREPARATION
    np.testing.assert_array_equal(own.encode(samples()), seed.encode(samples()))


def test_released_encoder_works_again(tmp_path):
    path = str(write_seed(tmp_path / "vae.pth"))
    encoder = open_checkpoint(path, device="cpu", input_shape=(1, 20, 24))
    before = encoder.encode(samples())
    encoder.release()
    np.testing.assert_array_equal(encoder.encode(samples()), before)
