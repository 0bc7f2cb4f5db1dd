"""What the variational autoencoders share: their network's face, the encoder, filling from a file.

Latents are the posterior's means.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latentcore.encoders._tiles import in_tiles
from latentcore.encoders.checkpoints import Checkpoint, tensors_fingerprint
from latentcore.errors import CheckpointError
from latentcore.preparation import Preparation

Shape = tuple[int, ...]


class VaeNetwork(nn.Module, ABC):
    """A network that encodes and decodes patterns of one channel.

    Attributes
    ----------
    family : str
        The name under which it is registered.
    size : tuple of int
        (H, W) of the patterns, in pixels.
    """

    family: ClassVar[str]
    size: tuple[int, int]
    latent_dim: int

    @abstractmethod
    def means(self, x: torch.Tensor) -> torch.Tensor:
        """Return the latent means: (b, 1, H, W) → (b, d). All that extraction needs."""

    @abstractmethod
    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latent means and log variances: (b, 1, H, W) → twice (b, d)."""

    @abstractmethod
    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return patterns: (b, d) → (b, 1, H, W)."""

    @abstractmethod
    def tile(self, device: torch.device) -> int:
        """Return how many patterns a forward pass should take; see `latentcore.encoders`."""

    @property
    @abstractmethod
    def architecture(self) -> Mapping[str, int]:
        """What the class needs besides the size to build it again."""


class VaeEncoder:
    """A loaded autoencoder. See `latentcore.encoders.Encoder`, `Decoder` and `Storable`.

    Parameters
    ----------
    static_background : ndarray of float32, shape (C, H, W), optional
    """

    def __init__(
        self,
        network: VaeNetwork,
        *,
        preparation: Preparation | None,
        device: torch.device,
        static_background: NDArray[np.float32] | None = None,
    ) -> None:
        self._network = network.eval().requires_grad_(requires_grad=False)
        self._device = device
        self._loaded = False
        # One pass at a time: two sessions share the network, and its memory is for one.
        self._lock = threading.Lock()
        self.name = network.family
        self.latent_dim = network.latent_dim
        self.input_shape: Shape = (1, *network.size)
        self.preparation = preparation
        self.static_background = static_background
        self.device = str(device)
        self.fingerprint = tensors_fingerprint(self.architecture, self.tensors())
        self.tile = network.tile(device)

    def encode(self, batch: NDArray[np.float32], *, tile: int | None = None) -> NDArray[np.float32]:
        """Encode prepared patterns: float32 (b, 1, H, W) → float32 (b, d)."""
        return self._pass(self._network.means, batch, (self.latent_dim,), tile)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Decode latents: float32 (b, d) → float32 (b, 1, H, W)."""
        return self._pass(self._network.decode, latents, self.input_shape)

    def log_variances(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log variances of the posterior: float32 (b, 1, H, W) → float32 (b, d)."""
        return self._pass(lambda x: self._network.encode(x)[1], batch, (self.latent_dim,))

    def release(self) -> None:
        """Free the accelerator's memory."""
        with self._lock:
            self._network.to("cpu")
            self._loaded = False
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def architecture(self) -> Mapping[str, int]:
        """What the network's class needs besides the input size."""
        return self._network.architecture

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return the state dict, as arrays."""
        return {name: value.cpu().numpy() for name, value in self._network.state_dict().items()}

    def _pass(
        self,
        forward: Callable[[torch.Tensor], torch.Tensor],
        batch: NDArray[np.float32],
        out_shape: tuple[int, ...],
        tile: int | None = None,
    ) -> NDArray[np.float32]:
        with self._lock:
            self._load()
            return in_tiles(
                forward, batch, tile=tile or self.tile, out_shape=out_shape, device=self._device
            )

    def _load(self) -> None:
        if self._loaded:
            return
        on_cuda = self._device.type == "cuda"
        layout = torch.channels_last if on_cuda else torch.contiguous_format
        self._network.to(self._device).to(memory_format=layout)  # type: ignore[call-overload]
        self._loaded = True


def fill(
    build: Callable[[], VaeNetwork], tensors: Mapping[str, torch.Tensor], checkpoint: Checkpoint
) -> VaeNetwork:
    """Build a network and give it a checkpoint's tensors.

    Parameters
    ----------
    build : callable
        Makes the network. It is called where no memory is taken.
    tensors : Mapping
        By the names that the network gives them.
    checkpoint : Checkpoint
        Where they come from.

    Raises
    ------
    CheckpointError
        If names or shapes differ; raised before any memory is taken.
    """
    with torch.device("meta"):
        network = build()
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if wanted != found:
        raise CheckpointError(_mismatch(checkpoint.path.name, network.family, wanted, found))
    network.load_state_dict(dict(tensors), assign=True)
    return network


_Shapes = Mapping[str, tuple[int, ...]]


def _mismatch(file: str, family: str, wanted: _Shapes, found: _Shapes) -> str:
    wrong = [
        f"{name!r} is {found.get(name, 'missing')}, wanted {shape}"
        for name, shape in wanted.items()
        if found.get(name) != shape
    ]
    wrong += [f"{name!r} is unknown" for name in found if name not in wanted]
    return (
        f"The checkpoint {file!r} looks like a {family}, but {len(wrong)} tensors don't fit: "
        f"{'; '.join(wrong[:4])}{' …' if len(wrong) > 4 else ''}. It belongs to another network, "
        "or is damaged: copy it again."
    )
