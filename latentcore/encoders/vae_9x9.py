"""The first edition of the seed system's autoencoder, with kernels of 9 × 9.

The architecture is that of the first commits of ``vae_cnn.py`` in
github.com/Angelamer/microstructural_segmentation (branch ``vae``), key for key, so that weights
trained with it load. It is made for patterns of 120 × 120 pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from latentcore.encoders import ENCODERS
from latentcore.encoders._tiles import tile_for
from latentcore.encoders.checkpoints import Checkpoint, plain_name
from latentcore.encoders.vae import VaeEncoder, VaeNetwork, fill
from latentcore.encoders.vae_cnn import SEED_PREPARATION
from latentcore.errors import CheckpointError

Shape = tuple[int, ...]

_NAME = "vae-cnn-9x9"
_LEAK = 0.2
_SIZE = (120, 120)
_DECODED_FROM = (32, 4, 4)
# Channels in and out, kernel: no padding, stride 2, down to one cell.
_DOWN = ((1, 4, 9), (4, 8, 9), (8, 16, 9), (16, 32, 8))
# Channels in and out, padding, output padding: kernel of 9, stride 2, from 4 × 4 cells.
_UP = ((32, 16, 2, 0), (16, 8, 1, 0), (8, 4, 0, 0), (4, 1, 5, 1))


class Vae9x9(VaeNetwork):
    """The network."""

    family = _NAME
    size = _SIZE

    def __init__(self, latent_dim: int = 16) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = nn.Sequential()
        for before, after, kernel in _DOWN:
            self.encoder.append(nn.Conv2d(before, after, kernel, stride=2))
            self.encoder.append(nn.LeakyReLU(_LEAK, inplace=True))
        self.fc_mu = nn.Linear(after, latent_dim)
        self.fc_logvar = nn.Linear(after, latent_dim)
        self.fc_decode = nn.Linear(latent_dim, torch.Size(_DECODED_FROM).numel())
        self.decoder = nn.Sequential()
        for before, after, padding, more in _UP:
            self.decoder.append(nn.ConvTranspose2d(before, after, 9, 2, padding, more))
            self.decoder.append(nn.Tanh() if after == 1 else nn.LeakyReLU(_LEAK, inplace=True))

    def means(self, x: torch.Tensor) -> torch.Tensor:
        """Return the latent means: (b, 1, 120, 120) → (b, d). All that extraction needs."""
        means: torch.Tensor = self.fc_mu(self.encoder(x).flatten(1))
        return means

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latent means and log variances: (b, 1, 120, 120) → twice (b, d)."""
        flat = self.encoder(x).flatten(1)
        return self.fc_mu(flat), self.fc_logvar(flat)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return patterns in [-1, 1]: (b, d) → (b, 1, 120, 120)."""
        patterns: torch.Tensor = self.decoder(self.fc_decode(z).view(len(z), *_DECODED_FROM))
        return patterns

    def tile(self, device: torch.device) -> int:
        """Return how many patterns a forward pass should take."""
        # The pattern and what the first convolution makes of it, 4 channels of 56 × 56.
        return tile_for(device, (_SIZE[0] * _SIZE[1] + 4 * 56 * 56) * 4)

    @property
    def architecture(self) -> Mapping[str, int]:
        """What the class needs besides the size."""
        return {"latent_dim": self.latent_dim}


class Vae9x9Family:
    """Loads the first edition's files; for new training there is VAE-CNN."""

    description = "First edition of the seed system's VAE; latents are its means."
    wants = "'encoder.0.weight' of 9 × 9, 'decoder.0.weight'"

    def recognizes(self, checkpoint: Checkpoint) -> bool:
        """Tell whether bare weights have the first edition's keys and its first kernel."""
        tensors = {plain_name(name): tensor for name, tensor in checkpoint.tensors.items()}
        kernel = tuple(tensors["encoder.0.weight"].shape) if "encoder.0.weight" in tensors else ()
        return kernel == (4, 1, 9, 9) and {"fc_mu.weight", "decoder.0.weight"} <= tensors.keys()

    def load(
        self, checkpoint: Checkpoint, device: torch.device, input_shape: Shape | None
    ) -> VaeEncoder:
        """Fill the network.

        Raises
        ------
        CheckpointError
            If tensors are missing or of wrong shapes, or patterns are not of 120 × 120 pixels.
        """
        tensors = {plain_name(name): tensor for name, tensor in checkpoint.tensors.items()}
        shape = checkpoint.input_shape or input_shape
        if shape is not None and tuple(shape) != (1, *_SIZE):
            message = (
                f"The checkpoint {checkpoint.path.name!r} is for patterns of 120 × 120 pixels, "
                f"but the samples are of {shape[1]} × {shape[2]} with {shape[0]} channel(s). "
                "Resize them with ⟨resolution⟩ 120 120, or crop with ⟨prepare⟩ crop=…."
            )
            raise CheckpointError(message)
        means = tensors.get("fc_mu.weight")
        latent_dim = int(means.shape[0]) if means is not None and means.ndim else 0
        if latent_dim < 1:
            message = (
                f"The checkpoint {checkpoint.path.name!r} has no 'fc_mu.weight' of "
                "(latent_dim, 32). It is damaged: copy it again."
            )
            raise CheckpointError(message)
        return VaeEncoder(
            fill(lambda: Vae9x9(latent_dim), tensors, checkpoint),
            preparation=SEED_PREPARATION if checkpoint.record is None else checkpoint.preparation,
            device=device,
            static_background=checkpoint.static_background,
        )


ENCODERS.register(_NAME)(Vae9x9Family())
