from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from latentcore.artifacts.model_files import write_model
from latentcore.encoders import Decoder, open_checkpoint
from latentcore.encoders.vae_cnn import SEED_PREPARATION
from latentcore.errors import CheckpointError

SHAPES = {
    "encoder.0": (4, 1, 9, 9),
    "encoder.2": (8, 4, 9, 9),
    "encoder.4": (16, 8, 9, 9),
    "encoder.6": (32, 16, 8, 8),
    "fc_mu": (5, 32),
    "fc_logvar": (5, 32),
    "fc_decode": (512, 5),
    "decoder.0": (32, 16, 9, 9),
    "decoder.2": (16, 8, 9, 9),
    "decoder.4": (8, 4, 9, 9),
    "decoder.6": (4, 1, 9, 9),
}
# Padding and output padding of the transposed convolutions.
PADDINGS = {"decoder.0": (2, 0), "decoder.2": (1, 0), "decoder.4": (0, 0), "decoder.6": (5, 1)}


def first_edition() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    state = {}
    for name, shape in SHAPES.items():
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * 0.1
        bias = shape[1] if name.startswith("decoder") else shape[0]
        state[f"{name}.bias"] = torch.randn(bias, generator=generator) * 0.1
    return state


def written(folder: Path, state: dict[str, torch.Tensor]) -> str:
    torch.save(state, folder / "vae_model_leaky_tanh.pth")
    return str(folder / "vae_model_leaky_tanh.pth")


def patterns(n: int = 3, size: tuple[int, int] = (120, 120)) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (n, 1, *size)).astype(np.float32)


def test_it_computes_what_plain_convolutions_of_the_same_weights_do(tmp_path):
    state = first_edition()
    encoder = open_checkpoint(written(tmp_path, state), device="cpu", input_shape=(1, 120, 120))
    assert isinstance(encoder, Decoder)
    assert (encoder.name, encoder.latent_dim) == ("vae-cnn-9x9", 5)
    assert encoder.preparation == SEED_PREPARATION
    x = torch.from_numpy(patterns())
    y = x
    for name in ("encoder.0", "encoder.2", "encoder.4", "encoder.6"):
        y = functional.conv2d(y, state[f"{name}.weight"], state[f"{name}.bias"], stride=2)
        y = functional.leaky_relu(y, 0.2)
    assert y.shape == (3, 32, 1, 1)
    means = functional.linear(y.flatten(1), state["fc_mu.weight"], state["fc_mu.bias"])
    latents = encoder.encode(x.numpy())
    np.testing.assert_allclose(latents, means, atol=1e-5)
    log_variances = functional.linear(
        y.flatten(1), state["fc_logvar.weight"], state["fc_logvar.bias"]
    )
    np.testing.assert_allclose(encoder.log_variances(x.numpy()), log_variances, atol=1e-5)
    z = functional.linear(means, state["fc_decode.weight"], state["fc_decode.bias"])
    z = z.view(3, 32, 4, 4)
    for name, (padding, more) in PADDINGS.items():
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        z = functional.conv_transpose2d(z, weight, bias, 2, padding, more)
        z = torch.tanh(z) if name == "decoder.6" else functional.leaky_relu(z, 0.2)
    assert z.shape == (3, 1, 120, 120)
    np.testing.assert_allclose(encoder.decode(latents), z, atol=1e-5)


def test_own_files_bring_it_back(tmp_path):
    published = open_checkpoint(written(tmp_path, first_edition()), device="cpu")
    write_model(tmp_path / "model.safetensors", published)
    own = open_checkpoint(str(tmp_path / "model.safetensors"), device="cpu")
    assert own.fingerprint == published.fingerprint
    np.testing.assert_array_equal(own.encode(patterns()), published.encode(patterns()))


def test_other_sizes_are_reported(tmp_path):
    path = written(tmp_path, first_edition())
    with pytest.raises(CheckpointError, match="120 × 120 pixels, but the samples are of 60 × 60"):
        open_checkpoint(path, device="cpu", input_shape=(1, 60, 60))


@pytest.mark.parametrize(
    ("name", "shape"), [("fc_mu.weight", ()), ("fc_mu.weight", (5, 31)), ("decoder.2.bias", (9,))]
)
def test_tensors_of_another_network_are_reported(tmp_path, name, shape):
    path = written(tmp_path, first_edition() | {name: torch.zeros(shape)})
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        open_checkpoint(path, device="cpu", input_shape=(1, 120, 120))
