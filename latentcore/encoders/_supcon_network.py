"""A ResNet for small images with a head, whose output has length 1.

A 3 × 3 stem of stride 1 and no pooling before the blocks. The names and shapes of its tensors are
those of nenya's ``SupConResNet`` (github.com/AI-for-Ocean-Science/nenya).

Source: He et al., arXiv:1512.03385; Chen et al., arXiv:2002.05709; Khosla et al., arXiv:2004.11362.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Blocks in each of the four stages, and whether a block is a bottleneck of three convolutions.
DEPTHS: Mapping[str, tuple[tuple[int, ...], bool]] = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
}
_WIDTHS = (64, 128, 256, 512)
_STRIDES = (1, 2, 2, 2)
_BOTTLENECK_FACTOR = 4


class SupConResNet(nn.Module):
    """The network.

    Parameters
    ----------
    depth : str
        One of `DEPTHS`.
    channels : int
        Of the input.
    feat_dim : int
        Latent dimensions.
    mlp : bool
        Whether the head has a hidden layer; else it is one linear map.
    """

    def __init__(self, depth: str, channels: int, feat_dim: int, *, mlp: bool) -> None:
        super().__init__()
        self.encoder = _Trunk(*DEPTHS[depth], channels)
        wide = self.encoder.out_channels
        self.head: nn.Module = nn.Linear(wide, feat_dim)
        if mlp:
            self.head = nn.Sequential(
                nn.Linear(wide, wide), nn.ReLU(inplace=True), nn.Linear(wide, feat_dim)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents of length 1: (b, C, H, W) → (b, feat_dim)."""
        return nn.functional.normalize(self.head(self.encoder(x)), dim=1)

    def fold_norms(self) -> None:
        """Multiply each batch normalization into the convolution before it: the same numbers."""
        for module in list(self.modules()):
            if isinstance(module, _Trunk | _Block):
                module.fold_norms()


def widest_of(depth: str) -> int:
    """Return the channels of the largest activations: those of the first stage."""
    return _WIDTHS[0] * (_BOTTLENECK_FACTOR if DEPTHS[depth][1] else 1)


class _Block(nn.Module):
    """One residual block: two 3 × 3 convolutions, or 1 × 1, 3 × 3, 1 × 1 in a bottleneck."""

    def __init__(self, before: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        after = width * (_BOTTLENECK_FACTOR if bottleneck else 1)
        if bottleneck:
            plan = [(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)]
        else:
            plan = [(before, width, 3, stride), (width, after, 3, 1)]
        self.n_steps = len(plan)
        for step, (c_in, c_out, size, step_stride) in enumerate(plan, 1):
            conv = nn.Conv2d(c_in, c_out, size, step_stride, padding=size // 2, bias=False)
            setattr(self, f"conv{step}", conv)
            setattr(self, f"bn{step}", nn.BatchNorm2d(c_out))
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut.append(nn.Conv2d(before, after, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for step in range(1, self.n_steps + 1):
            y = getattr(self, f"bn{step}")(getattr(self, f"conv{step}")(y))
            if step < self.n_steps:
                y = nn.functional.relu_(y)
        return nn.functional.relu_(y.add_(self.shortcut(x)))

    def fold_norms(self) -> None:
        for step in range(1, self.n_steps + 1):
            _fold(self, f"conv{step}", f"bn{step}")
        if len(self.shortcut):
            _fold(self.shortcut, "0", "1")


class _Trunk(nn.Module):
    """Stem, four stages of blocks, and the mean over the image."""

    def __init__(self, blocks: tuple[int, ...], bottleneck: bool, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, _WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTHS[0])
        before = _WIDTHS[0]
        for stage, (n, width, stride) in enumerate(zip(blocks, _WIDTHS, _STRIDES, strict=True), 1):
            layers = nn.Sequential()
            for block in range(n):
                first = stride if block == 0 else 1
                layers.append(_Block(before, width, first, bottleneck=bottleneck))
                before = width * (_BOTTLENECK_FACTOR if bottleneck else 1)
            setattr(self, f"layer{stage}", layers)
        self.out_channels = before

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.relu_(self.bn1(self.conv1(x)))
        for stage in range(1, len(_WIDTHS) + 1):
            x = getattr(self, f"layer{stage}")(x)
        return x.mean(dim=(2, 3))

    def fold_norms(self) -> None:
        _fold(self, "conv1", "bn1")


def _fold(parent: nn.Module, conv: str, norm: str) -> None:
    convolution, normalization = parent.get_submodule(conv), parent.get_submodule(norm)
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(normalization, nn.BatchNorm2d)
    setattr(parent, conv, fuse_conv_bn_eval(convolution, normalization))
    setattr(parent, norm, nn.Identity())
