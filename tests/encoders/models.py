"""The seed's VAE written down once more, with plain functions: an oracle, and files to load."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

__all__ = ["seed_decode", "seed_encode", "seed_state", "write_seed"]


def seed_state(
    size: tuple[int, int] = (20, 24), latent_dim: int = 6, base: int = 8, n_down: int = 3
) -> dict[str, torch.Tensor]:
    """Return a random state dict with the keys and shapes of the seed's VAE-CNN."""
    generator = torch.Generator().manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {}
    channels = [1] + [min(base * 2**level, 512) for level in range(n_down)]
    for level in range(n_down):
        shapes[f"encoder.{2 * level}"] = (channels[level + 1], channels[level], 3, 3)
    height, width = size
    for _ in range(n_down):
        height, width = (height + 1) // 2, (width + 1) // 2
    flat = channels[-1] * height * width
    shapes |= {"fc_mu": (latent_dim, flat), "fc_logvar": (latent_dim, flat)}
    shapes["fc_decode"] = (flat, latent_dim)
    now = channels[-1]
    for level in range(n_down - 1):
        shapes[f"dec_refine.{level}.0"] = (max(now // 2, base), now, 3, 3)
        now = max(now // 2, base)
    shapes["out_head.0"] = (1, base, 3, 3)
    state = {}
    for name, shape in shapes.items():
        fan_in = int(torch.tensor(shape[1:]).prod())
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) / fan_in**0.5
        state[f"{name}.bias"] = torch.randn(shape[0], generator=generator) * 0.1
    return state


def write_seed(path: Path, state: object = None, **sizes: object) -> Path:
    torch.save(seed_state(**sizes) if state is None else state, path)
    return path


def _encoder_maps(state: dict[str, torch.Tensor], x: torch.Tensor) -> list[torch.Tensor]:
    maps = [x]
    while f"encoder.{2 * (len(maps) - 1)}.weight" in state:
        name = f"encoder.{2 * (len(maps) - 1)}"
        y = functional.conv2d(maps[-1], state[f"{name}.weight"], state[f"{name}.bias"], 2, 1)
        maps.append(functional.leaky_relu(y, 0.2))
    return maps


def seed_encode(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    deepest = _encoder_maps(state, x)[-1].flatten(1)
    return functional.linear(deepest, state["fc_mu.weight"], state["fc_mu.bias"])


def seed_decode(
    state: dict[str, torch.Tensor], z: torch.Tensor, like: torch.Tensor
) -> torch.Tensor:
    maps = _encoder_maps(state, like)
    y = functional.linear(z, state["fc_decode.weight"], state["fc_decode.bias"])
    y = y.view(len(z), *maps[-1].shape[1:])
    for level, target in enumerate(reversed(maps[:-1])):
        y = nn.functional.interpolate(y, size=target.shape[2:], mode="nearest")
        name = f"dec_refine.{level}.0"
        if f"{name}.weight" in state:
            y = functional.conv2d(y, state[f"{name}.weight"], state[f"{name}.bias"], 1, 1)
            y = functional.leaky_relu(y, 0.2)
    y = functional.conv2d(y, state["out_head.0.weight"], state["out_head.0.bias"], 1, 1)
    return torch.tanh(y)
