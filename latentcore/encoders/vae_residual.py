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
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latentcore.encoders import ENCODERS, Storable
from latentcore.encoders.checkpoints import Checkpoint
from latentcore.encoders.training_plan import Preset, TrainingPlan
from latentcore.encoders.vae import VaeEncoder, VaeNetwork, fill
from latentcore.errors import CheckpointError
from latentcore.preparation import Preparation

Shape = tuple[int, ...]

_NAME = "vae-residual"
_ARCHITECTURE = ("latent_dim", "features", "hidden", "depth")
_LARGEST = 1 << 20
_TILE = 128
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


class VaeResidual(VaeNetwork):
    """The network.

    Parameters
    ----------
    size : tuple of int
        (H, W) of the patterns, in pixels.
    features : int
        Width of the stream, at least `latent_dim`.
    hidden : int
        Width inside a block.
    depth : int
        Blocks.
    """

    family = _NAME

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
            for layer in (self.fc_mu, self.fc_decode):
                nn.init.zeros_(layer.bias)
                nn.init.zeros_(layer.weight)
                # torch.eye would import all of torch._dynamo, where no memory is wanted yet.
                layer.weight.fill_diagonal_(1)
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
        center = torch.as_tensor(mean, device=basis.device)
        nn.init.zeros_(self.front.weight)
        nn.init.zeros_(self.front.bias)
        nn.init.zeros_(self.out_head.weight)
        self.front.weight[:k] = basis / scale
        self.front.bias[:k] = -(basis @ center) / scale
        self.out_head.weight[:, :k] = basis.T * scale
        self.out_head.bias.copy_(center)

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

    def tile(self, device: torch.device) -> int:
        """Return how many patterns a forward pass should take, on any device."""
        del device
        return _TILE

    @property
    def architecture(self) -> Mapping[str, int]:
        """What the class needs besides the size."""
        return {name: getattr(self, name) for name in _ARCHITECTURE}


_STEADY = TrainingPlan(
    epochs=40,
    batch_size=128,
    learning_rate=1e-3,
    schedule="one-cycle",
    kl_weight=1e-3,
    kl_warmup=4.0,
    target="neighbour",
    noise=1.0,
)
_CLEANED = Preparation(background="dynamic", smooth=1.0, scale="z_score")
_PRESETS = {
    "default": Preset(
        encoder=_NAME,
        latent_dim=32,
        # Few are held out: a mixture at a boundary is recovered best where it was learned from.
        plan=replace(_STEADY, held_out=0.02),
        # The neighbors take the noise away; more smoothing takes fine bands with it.
        preparation=replace(_CLEANED, smooth=0.6),
        architecture={"features": 64, "hidden": 256, "depth": 2},
        title="Default",
        note="A residual encoder that learns what neighboring points have in common: made for "
        "grains, in minutes on a CPU.",
        place=0,
    ),
    # Below 1 MB for patterns of 60 × 60: the demo's checkpoint.
    "small": Preset(
        encoder=_NAME,
        latent_dim=16,
        plan=_STEADY,
        preparation=_CLEANED,
        architecture={"features": 24, "hidden": 64, "depth": 1},
        title="Small",
        note="The default with a smaller network and fewer latents: a model below 1 MB.",
        place=1,
    ),
}


class VaeResidualFamily:
    """Loads our own files."""

    description = "Residual VAE that starts as a PCA; latents are its means."
    wants = "a model.safetensors of ours"
    presets: Mapping[str, Preset] = MappingProxyType(_PRESETS)

    def recognizes(self, checkpoint: Checkpoint) -> bool:
        """Tell that bare weights are never one: only files with a record are."""
        del checkpoint
        return False

    def load(
        self, checkpoint: Checkpoint, device: torch.device, input_shape: Shape | None
    ) -> VaeEncoder:
        """Build the network that the record describes, and fill it.

        Raises
        ------
        CheckpointError
            If the record or the tensors don't fit.
        """
        del input_shape  # the record gives it
        shape = checkpoint.input_shape
        assert shape is not None
        sizes = {name: checkpoint.architecture.get(name) for name in _ARCHITECTURE}
        whole = all(isinstance(value, int) and 0 < value <= _LARGEST for value in sizes.values())
        if not whole or shape[0] != 1 or min(shape) < 1:
            message = (
                f"The record of {checkpoint.path.name!r} describes a {_NAME} of {sizes} for "
                f"samples of {shape}; it needs whole numbers from 1 and one channel. Copy the "
                "model again."
            )
            raise CheckpointError(message)
        size = shape[1:]
        return VaeEncoder(
            fill(lambda: VaeResidual(size, **sizes), checkpoint.tensors, checkpoint),  # type: ignore[arg-type]
            preparation=checkpoint.preparation,
            device=device,
            static_background=checkpoint.static_background,
        )

    def build(
        self,
        size: tuple[int, int],
        latent_dim: int,
        architecture: Mapping[str, int],
        components: Storable | None,
    ) -> VaeResidual:
        """Build a network that is a PCA, where there are components to start from."""
        wider = {**architecture, "features": max(architecture["features"], latent_dim)}
        network = VaeResidual(size, latent_dim, **wider)
        if components is not None:
            basis = components.tensors()
            network.start_from_components(
                np.asarray(basis["mean"], np.float32),
                np.asarray(basis["components"], np.float32),
                float(np.sqrt(basis["explained_variance"][0])),
            )
        return network


ENCODERS.register(_NAME)(VaeResidualFamily())
