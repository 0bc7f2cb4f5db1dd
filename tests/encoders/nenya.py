"""nenya's network written down once more, with plain functions, and its checkpoints.

Names and shapes are those of ``SupConResNet`` in github.com/AI-for-Ocean-Science/nenya.
"""

from __future__ import annotations

import functools
import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

__all__ = [
    "OPTIONS",
    "draw_supcon_state",
    "foreign_class",
    "supcon_forward",
    "supcon_state",
    "write_nenya",
]

State = dict[str, torch.Tensor]

BLOCKS = {
    "resnet18": ([2, 2, 2, 2], False),
    "resnet34": ([3, 4, 6, 3], False),
    "resnet50": ([3, 4, 6, 3], True),
    "resnet101": ([3, 4, 23, 3], True),
}
OPTIONS: dict[str, Any] = {
    "ssl_method": "SimCLR", "ssl_model": "resnet18", "feat_dim": 12, "nchannels": 1,
    "learning_rate": 0.05, "lr_decay_epochs": [700, 800, 900], "demean": True,
    "random_cropjitter": [40, 5], "temp": 0.07, "model_folder": None,
}  # fmt: skip


def supcon_state(
    depth: str = "resnet18", channels: int = 1, feat_dim: int = 12, *, mlp: bool = True
) -> State:
    """Return a random state dict, with running statistics as a training leaves them."""
    return dict(_drawn_once(depth, channels, feat_dim, mlp))


@functools.cache
def _drawn_once(depth: str, channels: int, feat_dim: int, mlp: bool) -> State:
    return draw_supcon_state(depth, channels, feat_dim, mlp=mlp)


def draw_supcon_state(depth: str, channels: int, feat_dim: int, *, mlp: bool) -> State:
    """Do the same, anew at each call."""
    generator = torch.Generator().manual_seed(0)
    state: State = {}

    def conv(name: str, c_in: int, c_out: int, size: int) -> None:
        scale = (2 / (c_in * size * size)) ** 0.5
        weight = torch.randn(c_out, c_in, size, size, generator=generator)
        state[f"{name}.weight"] = weight * scale

    def norm(name: str, c: int) -> None:
        state[f"{name}.weight"] = 0.5 + torch.rand(c, generator=generator)
        state[f"{name}.bias"] = 0.2 * torch.randn(c, generator=generator)
        state[f"{name}.running_mean"] = 0.2 * torch.randn(c, generator=generator)
        state[f"{name}.running_var"] = 0.5 + torch.rand(c, generator=generator)
        state[f"{name}.num_batches_tracked"] = torch.tensor(100)

    def linear(name: str, c_in: int, c_out: int) -> None:
        state[f"{name}.weight"] = torch.randn(c_out, c_in, generator=generator) / c_in**0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(c_out, generator=generator)

    conv("encoder.conv1", channels, 64, 3)
    norm("encoder.bn1", 64)
    blocks, bottleneck = BLOCKS[depth]
    before = 64
    for stage, (n, width) in enumerate(zip(blocks, (64, 128, 256, 512), strict=True), 1):
        after = width * 4 if bottleneck else width
        for block in range(n):
            name = f"encoder.layer{stage}.{block}"
            shapes = [(before, width, 3), (width, after, 3)]
            if bottleneck:
                shapes = [(before, width, 1), (width, width, 3), (width, after, 1)]
            for step, (c_in, c_out, size) in enumerate(shapes, 1):
                conv(f"{name}.conv{step}", c_in, c_out, size)
                norm(f"{name}.bn{step}", c_out)
            if block == 0 and (stage > 1 or before != after):
                conv(f"{name}.shortcut.0", before, after, 1)
                norm(f"{name}.shortcut.1", after)
            before = after
    if mlp:
        linear("head.0", before, before)
        linear("head.2", before, feat_dim)
    else:
        linear("head", before, feat_dim)
    return state


def supcon_forward(state: State, x: torch.Tensor) -> torch.Tensor:
    """Compute the latents with nothing but torch's functions."""

    def conv_norm(y: torch.Tensor, conv: str, norm: str, stride: int = 1) -> torch.Tensor:
        weight = state[f"{conv}.weight"]
        y = functional.conv2d(y, weight, stride=stride, padding=weight.shape[-1] // 2)
        return functional.batch_norm(
            y,
            state[f"{norm}.running_mean"],
            state[f"{norm}.running_var"],
            state[f"{norm}.weight"],
            state[f"{norm}.bias"],
        )

    x = functional.relu(conv_norm(x, "encoder.conv1", "encoder.bn1"))
    for stage, first in enumerate((1, 2, 2, 2), 1):
        block = 0
        while f"encoder.layer{stage}.{block}.conv1.weight" in state:
            name = f"encoder.layer{stage}.{block}"
            stride = first if block == 0 else 1
            steps = 3 if f"{name}.conv3.weight" in state else 2
            y = x
            for step in range(1, steps + 1):
                # The stride is that of the (first) 3 × 3 convolution.
                own = stride if step == steps - 1 else 1
                y = conv_norm(y, f"{name}.conv{step}", f"{name}.bn{step}", own)
                if step < steps:
                    y = functional.relu(y)
            if f"{name}.shortcut.0.weight" in state:
                x = conv_norm(x, f"{name}.shortcut.0", f"{name}.shortcut.1", stride)
            x = functional.relu(y + x)
            block += 1
    x = functional.adaptive_avg_pool2d(x, 1).flatten(1)
    if "head.0.weight" in state:
        x = functional.relu(functional.linear(x, state["head.0.weight"], state["head.0.bias"]))
        x = functional.linear(x, state["head.2.weight"], state["head.2.bias"])
    else:
        x = functional.linear(x, state["head.weight"], state["head.bias"])
    return functional.normalize(x, dim=1)


def foreign_class(module: str = "nenya.params", name: str = "Params") -> type:
    """Return a class that pickle will look for in a module that isn't installed here."""
    made = type(name, (), {})
    made.__module__ = module
    return made


def write_nenya(
    path: Path,
    state: State | None = None,
    *,
    cls: type | None = None,
    options: dict[str, Any] | None = None,
    prefix: tuple[str, str] = ("encoder.", "encoder.module."),
) -> Path:
    """Write ``{opt, model, optimizer, epoch}``, as nenya does after each epoch.

    Parameters
    ----------
    path : Path
    state : dict, optional
    cls : type, optional
        Of ``opt``; by default ``nenya.params.Params``, which isn't importable.
    options : dict, optional
        What ``opt`` holds.
    prefix : tuple of str
        What the names begin with, and with what instead: several GPUs wrap the encoder.
    """
    state = supcon_state() if state is None else state
    cls = foreign_class() if cls is None else cls
    holder = cls()
    holder.__dict__.update(OPTIONS if options is None else options)
    plain, wrapped = prefix
    # Pickle asks for the class under its name while it writes; then the module is gone again.
    module = types.ModuleType(cls.__module__)
    setattr(module, cls.__name__, cls)
    packages = cls.__module__.split(".")
    names = [".".join(packages[: n + 1]) for n in range(len(packages))]
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent, module))
    try:
        torch.save(
            {
                "opt": holder,
                "model": {
                    wrapped + name.removeprefix(plain) if name.startswith(plain) else name: tensor
                    for name, tensor in state.items()
                },
                "optimizer": {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": []},
                "epoch": 7,
            },
            path,
        )
    finally:
        for name in absent:
            del sys.modules[name]
    return path
