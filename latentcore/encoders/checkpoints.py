"""Open a file of weights without trusting it.

Pickle can run any program when it is loaded. Here it never does: safetensors hold numbers only,
and a ``.pth`` is read by torch's restricted unpickler, which knows tensors and plain containers
(and takes the options that a trainer left beside them as plain data).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray

from latentcore.encoders.programs import program_kind
from latentcore.errors import CheckpointError, InputError, LatentError, cause, quoted
from latentcore.format_versions import WAY_OUT, other_version
from latentcore.preparation import Preparation
from latentcore.readers.torch_files import (
    check_archive,
    foreign_names,
    is_data_holder,
    load_restricted,
    options_beside,
)
from latentcore.storage import local_path

MODEL_TYPE = "latentcore-model"
MODEL_VERSION = "1"
MODEL_FILE = "model.safetensors"
RECORD_FILE = "model.json"
# The record travels in the header of the safetensors file, so that the file is enough by itself.
METADATA_KEY = "latentcore"
BACKGROUND_TENSOR = "preparation.static_background"
# The model that comes with the program; see latentcore/demo.
DEMO = "demo:vae"

# The published VAE for 400 × 500 patterns has 167 M parameters, 0.7 GB.
_LARGEST_FILE = 16 << 30
_LARGEST_RECORD = 64 << 20
# Under which key trainers keep the weights, beside optimizer and epoch.
_WRAPPERS = ("state_dict", "model", "model_state_dict", "net", "weights")
# What trainers that hold the network as an attribute put before every name.
_PREFIXES = ("model.", "net.", "vae.")

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights on the CPU, and what is known about them.

    Attributes
    ----------
    sha256 : str
        Of the file.
    tensors : Mapping of str to torch.Tensor
        Without the static background.
    record : Mapping or None
        The model's record (see `latentcore.artifacts.model_files`); None for bare weights.
    static_background : ndarray of float32, shape (C, H, W), or None
    options : Mapping of str to object
        What a trainer left beside bare weights: numbers, text and lists, as it left them.
    program : str
        ``"TorchScript"`` or ``"torch.export"`` where the file is no weights but a program, of
        which nothing but the list of its parts was read; else ``""``.
    trusted : bool
        Whether a program may be loaded, which executes what it holds.
    """

    path: Path
    sha256: str
    tensors: Mapping[str, torch.Tensor]
    record: Mapping[str, Any] | None = None
    static_background: NDArray[np.float32] | None = field(default=None)
    options: Mapping[str, Any] = field(default_factory=dict)
    program: str = ""
    trusted: bool = False

    @property
    def encoder_name(self) -> str | None:
        """Name of the encoder's family, where a record gives it."""
        return None if self.record is None else str(self.record["encoder"]["name"])

    @property
    def architecture(self) -> Mapping[str, Any]:
        """What the family needs besides the tensors; empty for bare weights."""
        if self.record is None:
            return {}
        architecture: Mapping[str, Any] = self.record["encoder"]["architecture"]
        return architecture

    @property
    def input_shape(self) -> Shape | None:
        """(C, H, W) of a prepared sample, where a record gives it."""
        if self.record is None:
            return None
        channels, height, width = (int(side) for side in self.record["encoder"]["input_shape"])
        return channels, height, width

    @property
    def preparation(self) -> Preparation | None:
        """What the model's samples were prepared with, where a record gives it."""
        if self.record is None or self.record.get("preparation") is None:
            return None
        return Preparation.from_dict(self.record["preparation"])

    @property
    def found(self) -> str:
        """What it holds, for error messages."""
        if self.program:
            return f"a {self.program} program"
        names = list(self.tensors)
        shown = ", ".join(
            f"{quoted(name)} {tuple(self.tensors[name].shape)}"
            for name in (names if len(names) <= 3 else [*names[:2], names[-1]])
        )
        return f"{len(names)} tensors: {shown}{', …' if len(names) > 3 else ''}"


def load_checkpoint(location: str, trusted_roots: Sequence[Path] = ()) -> Checkpoint:
    """Read a checkpoint's weights and its record.

    Parameters
    ----------
    location : str
        A file, or a run folder with ``model.safetensors``.
    trusted_roots : sequence of Path
        Folders whose programs may be loaded.

    Raises
    ------
    CheckpointError
        If it is no checkpoint, is damaged, or would have to be executed.
    """
    path = checkpoint_file(location)
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        message = (
            f"The checkpoint {path.name!r} has {size / 1e9:.1f} GB; at most "
            f"{_LARGEST_FILE / 1e9:.0f} GB are read. Save the weights alone, without optimizer."
        )
        raise CheckpointError(message)
    with path.open("rb") as file:
        head = file.read(9)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if head[8:] == b"{":
        return _from_safetensors(path, sha256)
    program = program_kind(path) if head.startswith(b"PK") else ""
    if program:
        real = path.resolve()  # a link doesn't lend its folder's trust
        trusted = any(real.is_relative_to(root.resolve()) for root in trusted_roots)
        return Checkpoint(path, sha256, {}, program=program, trusted=trusted)
    tensors, options = _weights(path, head)
    return Checkpoint(path, sha256, tensors, options=options)


def checkpoint_file(location: str) -> Path:
    """Return the file that holds the weights.

    Parameters
    ----------
    location : str
        That file, the ``model.json`` beside it, or the run folder of both; or ``demo:vae``.

    Raises
    ------
    CheckpointError
        If the folder holds no ``model.safetensors``.
    """
    if location == DEMO:
        return Path(__file__).parents[1] / "demo" / "vae" / MODEL_FILE
    path = local_path(location)
    if path.is_dir():
        return _model_in(path)
    return _model_in(path.parent) if path.name == RECORD_FILE else path


def file_identity(path: Path) -> frozenset[str]:
    """Return the SHA-256 of a file of weights and, where its header has it, its fingerprint."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    found = {f"sha256:{sha256}"}
    with contextlib.suppress(OSError, safetensors.SafetensorError, CheckpointError):
        with safetensors.safe_open(path, framework="np") as file:
            record = _record(path, (file.metadata() or {}).get(METADATA_KEY))
        encoder = None if record is None else record.get("encoder")
        if isinstance(encoder, dict) and "fingerprint" in encoder:
            found.add(str(encoder["fingerprint"]))
    return frozenset(found)


def plain_name(name: str) -> str:
    """Return a tensor's name without what wrappers put into it, wherever it stands."""
    # DataParallel puts "module." before the names of what it wraps, torch.compile "_orig_mod.".
    return re.sub(r"(^|\.)(?:(?:module|_orig_mod)\.)+", r"\1", name)


def tensors_fingerprint(architecture: Mapping[str, object], tensors: Mapping[str, Any]) -> str:
    """Return text that changes when the architecture or any weight changes."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(architecture, sort_keys=True).encode())
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} {values.dtype} {values.shape} ".encode())
        digest.update(values.data)
    return f"blake2b:{digest.hexdigest()}"


def _model_in(folder: Path) -> Path:
    path = folder / MODEL_FILE
    if not path.is_file():
        message = (
            f"The folder {folder.name!r} holds no {MODEL_FILE}. Give the checkpoint's file, or the "
            "run folder of a training or of an extraction with pca:N."
        )
        raise CheckpointError(message)
    return path


def _from_safetensors(path: Path, sha256: str) -> Checkpoint:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        message = f"The checkpoint {path.name!r} is damaged: {cause(error)}. Copy it again, whole."
        raise CheckpointError(message) from error
    record = _record(path, metadata.get(METADATA_KEY))
    background = tensors.pop(BACKGROUND_TENSOR, None)
    checkpoint = Checkpoint(
        path,
        sha256,
        {name: _as_float32(tensor) for name, tensor in tensors.items()},
        record,
        None if background is None else _as_float32(background).numpy(),
    )
    if record is not None:
        _check_record(checkpoint)
    return checkpoint


def _record(path: Path, text: str | None) -> Mapping[str, Any] | None:
    beside = path.with_name(RECORD_FILE)
    if text is None and beside.is_file() and beside.stat().st_size <= _LARGEST_RECORD:
        text = beside.read_text(encoding="utf-8", errors="replace")
    if text is None:
        return None
    try:
        record = json.loads(text)
    except ValueError as error:
        message = f"The record of {path.name!r} is no JSON: {cause(error)}. Copy the model again."
        raise CheckpointError(message) from error
    if not isinstance(record, dict) or record.get("encoding-type") != MODEL_TYPE:
        return None
    if other := other_version(record, MODEL_VERSION):
        message = f"The model {path.name!r} {other}. {WAY_OUT}"
        raise CheckpointError(message)
    return record


def _check_record(checkpoint: Checkpoint) -> None:
    """Ask for everything once, so that a broken record is reported here and not in the middle."""
    try:
        _ = (
            checkpoint.encoder_name,
            dict(checkpoint.architecture),
            checkpoint.input_shape,
            checkpoint.preparation,
        )
    except (KeyError, TypeError, ValueError, LatentError) as error:
        message = (
            f"The record of {checkpoint.path.name!r} is incomplete: {cause(error)}. It needs "
            "encoder (name, architecture, input_shape) and preparation. Copy the model again."
        )
        raise CheckpointError(message) from error


def _weights(path: Path, head: bytes) -> tuple[Mapping[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors of a ``.pth`` file, and the options beside them."""
    if head.startswith(b"PK"):
        _check_archive(path)
    elif not head.startswith(b"\x80"):
        what = "an HDF5 file" if head.startswith(b"\x89HDF") else f"a file starting with {head!r}"
        message = (
            f"{path.name!r} is no checkpoint but {what}. Give a model.safetensors, a .pth file of "
            "weights, or pca:N to fit a PCA on the scan itself."
        )
        raise CheckpointError(message)
    try:
        # Mapped, so that sizes are checked before anything is copied into memory.
        loaded = load_restricted(path, mmap=head.startswith(b"PK"), holders=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(_holds_objects(path)) from error
    except Exception as error:  # the unpickler raises whatever damage leads it to
        message = f"The checkpoint {path.name!r} is damaged: {cause(error)}. Copy it again, whole."
        raise CheckpointError(message) from error
    return _state_dict(path, loaded), options_beside(loaded)


def _check_archive(path: Path) -> None:
    try:
        names = check_archive(path, _LARGEST_FILE)
    except InputError as error:
        message = f"The checkpoint {error}"
        raise CheckpointError(message) from error
    if not any(name.endswith("/data.pkl") for name in names):
        shown = ", ".join(map(quoted, names[:4]))
        message = (
            f"{path.name!r} is an archive, but none of torch's: it holds {shown}. "
            "Give a model.safetensors or a .pth file of weights."
        )
        raise CheckpointError(message)


def _holds_objects(path: Path) -> str:
    names = [name for name in foreign_names(path) if not is_data_holder(name)]
    shown = ", ".join(quoted(name) for name in names[:6]) or "something that is no tensor"
    return (
        f"The checkpoint {path.name!r} is refused: besides tensors it holds {shown}, and loading "
        f"such objects would execute code from the file. Nothing was executed. "
        "Save its weights alone: torch.save(model.state_dict(), 'weights.pth')."
    )


def _state_dict(path: Path, loaded: object) -> Mapping[str, torch.Tensor]:
    for key in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
            break
    tensors = loaded if isinstance(loaded, Mapping) else {}
    if not tensors or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor)
        for name, tensor in tensors.items()
    ):
        keys = ", ".join(quoted(key) for key in list(tensors)[:6])
        found = f"a dictionary with the keys {keys}" if keys else f"a {type(loaded).__name__}"
        message = (
            f"{path.name!r} holds {found}, where a dictionary of weights by name was expected. "
            "Save them with torch.save(model.state_dict(), 'weights.pth')."
        )
        raise CheckpointError(message)
    for name, tensor in tensors.items():
        if tensor.layout is not torch.strided or (
            tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes()
        ):
            message = (
                f"The checkpoint {path.name!r} is refused: its tensor {quoted(name)} of shape "
                f"{tuple(tensor.shape)} claims more values than the file holds."
            )
            raise CheckpointError(message)
    prefix = next((one for one in _PREFIXES if all(name.startswith(one) for name in tensors)), "")
    return {name.removeprefix(prefix): _as_float32(tensor) for name, tensor in tensors.items()}


def _as_float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to(torch.float32).contiguous()
