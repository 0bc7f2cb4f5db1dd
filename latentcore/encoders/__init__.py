"""Models that turn prepared samples into latents, one file per kind.

An encoder file registers a family: an object with ``description`` and ``wants`` (one sentence
each), a question ``recognizes(checkpoint)`` and a ``load(checkpoint, device, input_shape)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import CheckpointError
from latentcore.preparation import Preparation
from latentcore.registry import Registry

if TYPE_CHECKING:
    import torch

    from latentcore.encoders.checkpoints import Checkpoint
    from latentcore.encoders.training_plan import Preset
    from latentcore.encoders.vae import VaeNetwork

__all__ = [
    "ENCODERS",
    "EVERYWHERE",
    "Decoder",
    "Encoder",
    "EncoderFamily",
    "Pooling",
    "Storable",
    "Trainable",
    "checkpoint_identity",
    "checkpoint_path",
    "feature_record",
    "load_ahead",
    "open_checkpoint",
    "trainable_encoders",
    "training_presets",
    "with_pooling",
]

Shape = tuple[int, ...]

# The folders to trust for somebody at a shell, who could run such a program without us.
EVERYWHERE = (Path("/"),)


@runtime_checkable
class Encoder(Protocol):
    """A loaded model; safe to share between threads.

    Attributes
    ----------
    name : str
        Its family's name.
    latent_dim : int
        d, the number of latent dimensions.
    input_shape : tuple of int
        (C, H, W) of a prepared sample.
    preparation : Preparation or None
        What its samples were prepared with; None where that is not known.
    static_background : ndarray of float32, shape (C, H, W), or None
        The mean pattern that belongs to `preparation`.
    fingerprint : str
        Changes when the weights change.
    device : str
        Where it computes: ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    tile : int
        Samples per forward pass. The last digits of a sum may depend on how many samples are
        computed together, so every pass has exactly this many, the last one filled up with zeros:
        then a sample has the same latents, bit for bit, whatever batch it comes in.
    """

    name: str
    latent_dim: int
    input_shape: Shape
    preparation: Preparation | None
    static_background: NDArray[np.float32] | None
    fingerprint: str
    device: str
    tile: int

    def encode(self, batch: NDArray[np.float32], *, tile: int | None = None) -> NDArray[np.float32]:
        """Encode prepared samples: float32 (b, C, H, W) → float32 (b, d).

        `tile` overrules the encoder's own, where memory is short.
        """
        ...

    def release(self) -> None:
        """Free the accelerator's memory; the encoder loads itself again when it is used."""
        ...


@runtime_checkable
class Decoder(Protocol):
    """What an encoder that can go back has besides."""

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Decode latents: float32 (b, d) → float32 (b, C, H, W), as prepared samples."""
        ...


@runtime_checkable
class Pooling(Protocol):
    """What an encoder has besides that gives feature maps, pooled to vectors.

    Attributes
    ----------
    feature_shape : tuple of int
        (C', h, w), (C', T', h, w) or (d,) of one sample before it is pooled.
    pool : str
        ``"mean"``, ``"max"`` or ``"flatten"``.
    """

    feature_shape: Shape
    pool: str

    def pooled(self, method: str) -> Encoder:
        """Return the same encoder with another pooling."""
        ...


@runtime_checkable
class Storable(Protocol):
    """What an encoder has that can be written as ``model.safetensors``."""

    @property
    def architecture(self) -> Mapping[str, object]:
        """What its family needs besides the tensors to build it again, JSON-like."""
        ...

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return its weights by name."""
        ...


class EncoderFamily(Protocol):
    """One kind of encoder.

    Attributes
    ----------
    description : str
        What it is, in one sentence.
    wants : str
        By what its checkpoints are recognized, in a few words for error messages.
    """

    description: str
    wants: str

    def recognizes(self, checkpoint: Checkpoint) -> bool:
        """Tell whether bare weights, without a record of ours, are of this kind."""
        ...

    def load(
        self, checkpoint: Checkpoint, device: torch.device, input_shape: Shape | None
    ) -> Encoder:
        """Build the encoder; `input_shape` serves where the checkpoint doesn't give it."""
        ...


@runtime_checkable
class Trainable(Protocol):
    """What a family has besides whose encoders can be trained here.

    Attributes
    ----------
    presets : Mapping of str to Preset
        Settings to train one with; the first where a request names only the encoder.
    """

    presets: Mapping[str, Preset]

    def build(
        self,
        size: tuple[int, int],
        latent_dim: int,
        architecture: Mapping[str, int],
        components: Storable | None,
    ) -> VaeNetwork:
        """Return a network with its first weights.

        Parameters
        ----------
        size : tuple of int
            (H, W) of a prepared pattern, in pixels.
        architecture : Mapping
            Of the preset.
        components : Storable or None
            Principal components of the patterns, to start from.
        """
        ...


ENCODERS: Registry[EncoderFamily] = Registry("encoder", "latentcore.encoders")


def load_ahead() -> None:
    """Import PyTorch, which takes some seconds; what is wrong with its installation is raised."""
    import torch  # noqa: F401


def trainable_encoders() -> tuple[str, ...]:
    """Return the names of the families whose encoders can be trained; torch is imported."""
    return tuple(name for name, family in ENCODERS.items() if isinstance(family, Trainable))


def training_presets() -> Mapping[str, Preset]:
    """Return all presets of a training, the default first; torch is imported."""
    families = [family for _, family in ENCODERS.items() if isinstance(family, Trainable)]
    found = {name: preset for family in families for name, preset in family.presets.items()}
    return dict(sorted(found.items(), key=lambda entry: entry[1].place))


def with_pooling(encoder: Encoder, pool: str | None) -> Encoder:
    """Return an encoder with another pooling, where one is named and there is something to pool."""
    if pool is None or not isinstance(encoder, Pooling):
        return encoder
    return encoder.pooled(pool)


def feature_record(encoder: Encoder) -> dict[str, Any]:
    """Return the shape of an encoder's feature map and its pooling, where it has one."""
    if not isinstance(encoder, Pooling):
        return {}
    return {"feature_shape": list(encoder.feature_shape), "pool": encoder.pool}


def open_checkpoint(
    location: str,
    *,
    device: str = "auto",
    input_shape: Shape | None = None,
    trusted_roots: Sequence[Path] = (),
) -> Encoder:
    """Load an encoder from its checkpoint, whatever kind it is.

    Nothing in the file is ever executed, but for an exported program in a folder that is trusted:
    any other checkpoint that would need that is refused.

    Parameters
    ----------
    location : str
        ``model.safetensors`` (or the run folder that holds it), a ``.pth`` file of weights, or
        ``demo:vae``, the small model of the demo scan that comes with the program.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    input_shape : tuple of int, optional
        (C, H, W) of prepared samples, for checkpoints that don't give it (bare weights); the
        others keep their own.
    trusted_roots : sequence of Path
        Folders whose exported programs (TorchScript, ``torch.export``) may be loaded, which runs
        the code that they hold. `EVERYWHERE` is for whoever runs programs of his own anyway.

    Raises
    ------
    CheckpointError
        If it is no checkpoint, is damaged, or belongs to something else.
    UnsafeFileError
        If it is an exported program outside of `trusted_roots`.
    RequestError
        If the device doesn't exist.
    """
    from latentcore.encoders.checkpoints import load_checkpoint
    from latentcore.encoders.device import resolve_device

    place = resolve_device(device)
    checkpoint = load_checkpoint(location, trusted_roots)
    if checkpoint.encoder_name is not None:
        return ENCODERS.get(checkpoint.encoder_name).load(checkpoint, place, input_shape)
    for name in ENCODERS.names():
        family = ENCODERS.get(name)
        if family.recognizes(checkpoint):
            return family.load(checkpoint, place, input_shape)
    by_want: dict[str, list[str]] = {}
    for name, family in ENCODERS.items():
        by_want.setdefault(family.wants, []).append(name)
    tried = ", ".join(
        f"{' and '.join(names)} (want{'s' * (len(names) == 1)} {want})"
        for want, names in by_want.items()
    )
    message = (
        f"No encoder recognizes the checkpoint {checkpoint.path.name!r}.\n"
        f"It holds {checkpoint.found}.\nTried: {tried}.\n"
        "Give one of these, or pca:N for a PCA of the scan itself."
    )
    raise CheckpointError(message)


def checkpoint_path(location: str) -> Path:
    """Return the file that holds a checkpoint's weights.

    Parameters
    ----------
    location : str
        As for `open_checkpoint`.

    Raises
    ------
    InputError
        If there is no such file.
    """
    from latentcore.encoders.checkpoints import checkpoint_file

    return checkpoint_file(location)


def checkpoint_identity(location: str | Path) -> frozenset[str]:
    """Return by what the records of latents name a checkpoint's content.

    Parameters
    ----------
    location : str or Path
        As for `open_checkpoint`.

    Returns
    -------
    frozenset of str
        ``"sha256:…"`` of the file and, where it records that, the fingerprint of its encoder.

    Raises
    ------
    InputError
        If there is no such file.
    """
    from latentcore.encoders.checkpoints import file_identity

    return file_identity(checkpoint_path(str(location)))
