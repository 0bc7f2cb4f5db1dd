"""Encoders exported as programs, and what they would give as plain modules."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

__all__ = ["clip_encoder", "export", "picture_encoder", "script", "trace"]


def picture_encoder(channels: int = 3, out: int = 5) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2, padding=1), nn.SiLU(), nn.Conv2d(8, out, 3, padding=1)
    ).eval()


def clip_encoder(out: int = 5) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(3, 8, 3, stride=2, padding=1), nn.SiLU(), nn.Conv3d(8, out, 3, padding=1)
    ).eval()


def script(path: Path, module: nn.Module) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))
    return path


def trace(path: Path, module: nn.Module, *shape: int) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(module, torch.zeros(shape), check_trace=False).save(str(path))
    return path


def export(path: Path, module: nn.Module, *shape: int, dynamic: bool = False) -> Path:
    shapes = ({0: torch.export.Dim("batch", min=1, max=4096)},) if dynamic else None
    program = torch.export.export(module, (torch.zeros(shape),), dynamic_shapes=shapes)
    torch.export.save(program, path)
    return path
