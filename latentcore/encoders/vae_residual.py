"""The team's own autoencoder: a PCA that learns what a PCA can't.

A stream of `features` values runs straight through the encoder; small two-layer blocks add
corrections to it (residual connections: K. He et al., *Deep residual learning for image
recognition*, CVPR 2016). The stream starts as the leading principal components and the blocks
start at zero, so that before the first step the model *is* a PCA, and each step can only add to
that. Diffraction patterns of one detector are registered to each other, a band that moves is
another orientation: there is no invariance for convolutions to use, and without them an epoch
costs a tenth.

The decoder is linear. One that could clean its input would leave the cleaning to itself, and the
latents noisy: boundaries of grains were found with an AUC of 0.976 by their distances, with a
linear one 0.996 (`benchmarks/grain_recovery.py`, simulated scan with noise 20).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latentcore.encoders import ENCODERS
from latentcore.encoders._checkpoints import Checkpoint, tensors_fingerprint
from latentcore.encoders._tiles import in_tiles
from latentcore.errors import CheckpointError
from latentcore.preparation import Preparation

__all__ = ["VaeResidual", "VaeResidualEncoder"]

Shape = tuple[int, int, int]

_NAME = "vae-residual"
_ARCHITECTURE = ("latent_dim", "features", "hidden", "depth")
_LARGEST = 1 << 20
# Where the posterior starts: a s.d. of 0.14, small beside the spread of the means.
_FIRST_LOG_VARIANCE = -4.0


class _Block(nn.Module):
    """Adds a correction to the stream: x + W₂ · gelu(W₁ · norm(x)); nothing at first."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.widen = nn.Linear(features, hidden)
        self.narrow = nn.Linear(hidden, features)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Correct the stream: (b, features) → (b, features)."""
        corrected: torch.Tensor = x + self.narrow(nn.functional.gelu(self.widen(self.norm(x))))
        return corrected


class VaeResidual(nn.Module):
    """The network.

    Parameters
    ----------
    size : tuple of int
        (H, W) of the patterns, in pixels.
    latent_dim : int
    features : int
        Width of the stream, at least `latent_dim`.
    hidden : int
        Width inside a block.
    depth : int
        Blocks.
    """

    def __init__(
        self,
        size: tuple[int, int],
        latent_dim: int = 32,
        features: int = 64,
        hidden: int = 256,
        depth: int = 2,
    ) -> None:
        super().__init__()
        self.size = (int(size[0]), int(size[1]))
        self.latent_dim, self.features = latent_dim, features
        self.hidden, self.depth = hidden, depth
        pixels = math.prod(self.size)
        self.front = nn.Linear(pixels, features)
        self.encoder = nn.Sequential(*(_Block(features, hidden) for _ in range(depth)))
        self.fc_mu = nn.Linear(features, latent_dim)
        self.fc_logvar = nn.Linear(features, latent_dim)
        self.fc_decode = nn.Linear(latent_dim, features)
        self.out_head = nn.Linear(features, pixels)
        with torch.no_grad():
            for layer, turned in ((self.fc_mu, False), (self.fc_decode, True)):
                nn.init.zeros_(layer.bias)
                layer.weight.copy_(torch.eye(features if turned else latent_dim, layer.in_features))
            nn.init.zeros_(self.fc_logvar.weight)
            nn.init.constant_(self.fc_logvar.bias, _FIRST_LOG_VARIANCE)

    @torch.no_grad()
    def start_from_components(
        self, mean: NDArray[np.float32], components: NDArray[np.float32], scale: float
    ) -> None:
        """Make the stream a PCA.

        Parameters
        ----------
        mean : ndarray of float32, shape (H·W,)
        components : ndarray of float32, shape (k, H·W)
            Orthonormal, by falling variance; k may be less than the stream's width, whose rest
            is zero.
        scale : float
            What the scores are divided by: the latents' s.d. is then about that of the prior.
        """
        k = min(len(components), self.features)
        basis = torch.as_tensor(components[:k], device=self.front.weight.device)
        centre = torch.as_tensor(mean, device=basis.device)
        nn.init.zeros_(self.front.weight)
        nn.init.zeros_(self.front.bias)
        nn.init.zeros_(self.out_head.weight)
        self.front.weight[:k] = basis / scale
        self.front.bias[:k] = -(basis @ centre) / scale
        self.out_head.weight[:, :k] = basis.T * scale
        self.out_head.bias.copy_(centre)

    def means(self, x: torch.Tensor) -> torch.Tensor:
        """Return the latent means: (b, 1, H, W) → (b, d). All that extraction needs."""
        means: torch.Tensor = self.fc_mu(self.encoder(self.front(x.flatten(1))))
        return means

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latent means and log variances: (b, 1, H, W) → twice (b, d)."""
        stream = self.encoder(self.front(x.flatten(1)))
        return self.fc_mu(stream), self.fc_logvar(stream)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return patterns: (b, d) → (b, 1, H, W)."""
        decoded: torch.Tensor = self.out_head(self.fc_decode(z))
        return decoded.view(len(z), 1, *self.size)


class VaeResidualEncoder:
    """A trained model: latents are the means. See `latentcore.encoders.Encoder`.

    Parameters
    ----------
    model : VaeResidual
    preparation : Preparation or None
    device : torch.device
    static_background : ndarray of float32, shape (C, H, W), optional
    """

    name = _NAME
    tile = 128

    def __init__(
        self,
        model: VaeResidual,
        *,
        preparation: Preparation | None,
        device: torch.device,
        static_background: NDArray[np.float32] | None = None,
    ) -> None:
        self._model = model.eval().requires_grad_(requires_grad=False)
        self._device = device
        # One pass at a time: two sessions share the model, and its memory is for one.
        self._lock = threading.Lock()
        self.latent_dim = model.latent_dim
        self.input_shape: Shape = (1, *model.size)
        self.preparation = preparation
        self.static_background = static_background
        self.device = str(device)
        self.fingerprint = tensors_fingerprint(self.architecture, self.tensors())

    def encode(self, batch: NDArray[np.float32], *, tile: int | None = None) -> NDArray[np.float32]:
        """Encode prepared patterns: float32 (b, 1, H, W) → float32 (b, d)."""
        with self._lock:
            return in_tiles(
                self._model.to(self._device).means,
                batch,
                tile=tile or self.tile,
                out_shape=(self.latent_dim,),
                device=self._device,
            )

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Decode latents: float32 (b, d) → float32 (b, 1, H, W)."""
        with self._lock:
            return in_tiles(
                self._model.to(self._device).decode,
                latents,
                tile=self.tile,
                out_shape=self.input_shape,
                device=self._device,
            )

    def log_variances(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the log variances of the posterior: float32 (b, 1, H, W) → float32 (b, d)."""
        with self._lock:
            network = self._model.to(self._device)
            return in_tiles(
                lambda x: network.encode(x)[1],
                batch,
                tile=self.tile,
                out_shape=(self.latent_dim,),
                device=self._device,
            )

    def release(self) -> None:
        """Free the accelerator's memory."""
        with self._lock:
            self._model.to("cpu")
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def architecture(self) -> Mapping[str, object]:
        """What `VaeResidual` needs besides the input size."""
        return {name: getattr(self._model, name) for name in _ARCHITECTURE}

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return the state dict, as arrays."""
        return {name: value.cpu().numpy() for name, value in self._model.state_dict().items()}


class VaeResidualFamily:
    """Loads our own files."""

    description = "Residual VAE that starts as a PCA; latents are its means."
    wants = "a model.safetensors of ours"

    def recognises(self, checkpoint: Checkpoint) -> bool:
        """Tell that bare weights are never one: only files with a record are."""
        del checkpoint
        return False

    def load(
        self, checkpoint: Checkpoint, device: torch.device, input_shape: Shape | None
    ) -> VaeResidualEncoder:
        """Build the network that the record tells, and fill it.

        Raises
        ------
        CheckpointError
            If the record or the tensors don't fit.
        """
        del input_shape  # the record tells it
        shape = checkpoint.input_shape
        assert shape is not None
        sizes = {name: checkpoint.architecture.get(name) for name in _ARCHITECTURE}
        whole = all(isinstance(value, int) and 0 < value <= _LARGEST for value in sizes.values())
        if not whole or shape[0] != 1 or min(shape) < 1:
            message = (
                f"The record of {checkpoint.path.name!r} tells a {_NAME} of {sizes} for samples of "
                f"{shape}; it needs whole numbers from 1 and one channel. Copy the model again."
            )
            raise CheckpointError(message)
        with torch.device("meta"):  # shapes are compared before any memory is taken
            model = VaeResidual(shape[1:], **sizes)  # type: ignore[arg-type]
        wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        found = {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}
        if wanted != found:
            wrong = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
            message = (
                f"{len(wrong)} tensors of {checkpoint.path.name!r} don't fit its record: "
                f"{wrong[0]!r} is {found.get(wrong[0], 'missing')}, wanted "
                f"{wanted.get(wrong[0], 'none of that name')}. Copy the model again."
            )
            raise CheckpointError(message)
        model.load_state_dict(dict(checkpoint.tensors), assign=True)
        return VaeResidualEncoder(
            model,
            preparation=checkpoint.preparation,
            device=device,
            static_background=checkpoint.static_background,
        )


ENCODERS.register(_NAME)(VaeResidualFamily())
