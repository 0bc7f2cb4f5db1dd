"""Encoders that were exported as programs: TorchScript and ``torch.export``.

Such a file holds code, and loading it may run some. Nothing here decides whether it may be
trusted: see `latentcore.encoders.exported`.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from latentcore.errors import CheckpointError
from latentcore.zip_damage import ZIP_DAMAGE

TORCHSCRIPT, EXPORT, COMPILED = "TorchScript", "torch.export", "AOTInductor"


@dataclass(frozen=True, eq=False)
class Program:
    """A loaded program.

    Attributes
    ----------
    run : callable
        Tensor (b, C, …, H, W) → tensor, on the device it was loaded for.
    dtype : torch.dtype
        Of its weights, and so of its input.
    sides : tuple of int or None, or None
        The input's shape, the batch first, where the file gives it; None for a side that may be
        anything.
    """

    kind: str
    run: Callable[[torch.Tensor], Any]
    dtype: torch.dtype
    sides: tuple[int | None, ...] | None = None


def program_kind(path: Path) -> str:
    """Tell from an archive's list of files whether it is a program; ``""`` if it is none.

    Nothing but the names is looked at.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except ZIP_DAMAGE:
        return ""
    if any("/aotinductor/" in name for name in names):
        return COMPILED
    if any(name.endswith("/constants.pkl") for name in names) and any(
        "/code/" in name for name in names
    ):
        return TORCHSCRIPT
    if any(
        name.endswith(("/archive_format", "serialized_exported_program.json")) for name in names
    ):
        return EXPORT
    return ""


def load_program(path: Path, kind: str, device: torch.device) -> Program:
    """Load a program, which may execute code that the file holds.

    Raises
    ------
    CheckpointError
        If the file is damaged, or the program takes something else than one tensor.
    """
    try:
        with warnings.catch_warnings():
            # That TorchScript is deprecated is no news to whoever has such a file.
            warnings.simplefilter("ignore", DeprecationWarning)
            loaded = _torchscript(path, device) if kind == TORCHSCRIPT else _export(path, device)
    except CheckpointError:
        raise
    except Exception as error:  # whatever code from a file raises
        message = (
            f"The {kind} program {path.name!r} can't be loaded: {_first_line(error)}. It is "
            "damaged, or was exported by another version of torch: export it again."
        )
        raise CheckpointError(message) from error
    return loaded


def _torchscript(path: Path, device: torch.device) -> Program:
    module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
    module.eval()
    return Program(TORCHSCRIPT, module, _dtype(module.parameters()))


def _export(path: Path, device: torch.device) -> Program:
    exported = torch.export.load(path)
    if device.type != "cpu":
        from torch.export.passes import move_to_device_pass

        exported = move_to_device_pass(exported, device)
    inputs = exported.graph_signature.user_inputs
    places = [node for node in exported.graph.nodes if node.name in inputs]
    if len(places) != 1 or not hasattr(places[0].meta.get("val"), "shape"):
        message = (
            f"The program {path.name!r} takes {len(inputs)} inputs; an encoder takes one tensor. "
            "Export the encoder alone."
        )
        raise CheckpointError(message)
    sides = tuple(side if isinstance(side, int) else None for side in places[0].meta["val"].shape)
    return Program(EXPORT, exported.module(), _dtype(exported.parameters()), sides)


def _dtype(parameters: Any) -> torch.dtype:
    kinds: Sequence[torch.dtype] = [one.dtype for one in parameters if one.is_floating_point()]
    return kinds[0] if kinds else torch.float32


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
