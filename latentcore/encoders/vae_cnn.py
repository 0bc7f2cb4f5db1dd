"""The convolutional variational autoencoder of the seed system.

The architecture is that of ``vae_cnn.py`` in github.com/Angelamer/microstructural_segmentation
(branch ``vae``), key for key, so that its published kind of file (a bare state dict) loads.
Its fully connected layers are made for one size of pattern.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import nn

from latentcore.encoders import ENCODERS, Storable
from latentcore.encoders._tiles import tile_for
from latentcore.encoders.checkpoints import Checkpoint, plain_name
from latentcore.encoders.training_plan import Preset, TrainingPlan
from latentcore.encoders.vae import VaeEncoder, VaeNetwork, fill
from latentcore.errors import CheckpointError
from latentcore.preparation import Preparation

Shape = tuple[int, ...]

# The seed normalized each pattern to the range of its Tanh, and removed no background.
SEED_PREPARATION = Preparation(scale="minus_one_one")

_NAME = "vae-cnn"
_LEAK = 0.2
_MOST_CHANNELS = 512
_MOST_LEVELS = 12
# The three taps of a kernel among the pixels -1, 0, 1, 2 that a doubled pixel reaches.
_TAPS = ((0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 0))
# Below this many cells, many channels each, the plain way is faster on a CPU.
_FEWEST_CELLS = 16


class VaeCnn(VaeNetwork):
    """The network.

    Parameters
    ----------
    size : tuple of int
        (H, W) of the patterns, in pixels.
    base : int
        Channels of the first convolution; each further one has twice as many, at most 512.
    n_down : int
        Convolutions of stride 2.
    """

    family = _NAME

    def __init__(
        self, size: tuple[int, int], latent_dim: int = 16, base: int = 32, n_down: int = 5
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.base = base
        self.n_down = n_down
        self.sizes = _level_sizes(size, n_down)
        self.size = self.sizes[0]
        channels = [1, *(min(base << level, _MOST_CHANNELS) for level in range(n_down))]
        self.encoder = nn.Sequential()
        for before, after in itertools.pairwise(channels):
            self.encoder.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            self.encoder.append(nn.LeakyReLU(_LEAK, inplace=True))
        self.deepest = (channels[-1], *self.sizes[-1])
        flat = math.prod(self.deepest)
        self.fc_mu = nn.Linear(flat, latent_dim)
        self.fc_logvar = nn.Linear(flat, latent_dim)
        self.fc_decode = nn.Linear(latent_dim, flat)
        back = [channels[-1]]
        for _ in range(n_down - 1):
            back.append(max(back[-1] // 2, base))
        self.dec_refine = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(_LEAK, inplace=True))
            for before, after in itertools.pairwise(back)
        )
        self.out_head = nn.Sequential(nn.Conv2d(base, 1, 3, padding=1), nn.Tanh())

    def means(self, x: torch.Tensor) -> torch.Tensor:
        """Return the latent means: (b, 1, H, W) → (b, d). All that extraction needs."""
        means: torch.Tensor = self.fc_mu(self.encoder(x).flatten(1))
        return means

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latent means and log variances: (b, 1, H, W) → twice (b, d)."""
        flat = self.encoder(x).flatten(1)
        return self.fc_mu(flat), self.fc_logvar(flat)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return patterns in [-1, 1]: (b, d) → (b, 1, H, W)."""
        x: torch.Tensor = self.fc_decode(z).view(len(z), *self.deepest)
        layers = (*self.dec_refine, self.out_head)
        for (convolution, bend), size in zip(layers, reversed(self.sizes[:-1]), strict=True):
            x = bend(_convolved_at(size, x, convolution))
        return x

    def tile(self, device: torch.device) -> int:
        """Return how many patterns a forward pass should take."""
        height, width = self.sizes[1]
        # In and out of the first convolution, the widest place.
        return tile_for(device, 2 * self.base * height * width * 4)

    @property
    def architecture(self) -> Mapping[str, int]:
        """What the class needs besides the size."""
        return {"latent_dim": self.latent_dim, "base": self.base, "n_down": self.n_down}


_PRESETS = {
    "cnn": Preset(
        encoder=_NAME,
        latent_dim=32,
        plan=TrainingPlan(
            epochs=15,
            batch_size=64,
            learning_rate=1e-3,
            schedule="one-cycle",
            kl_weight=1e-4,
            kl_warmup=2.0,
            target="neighbour",
            noise=0.5,
        ),
        # Its output is a Tanh: it reaches from -1 to 1.
        preparation=Preparation(background="dynamic", smooth=1.0, scale="minus_one_one"),
        architecture={"base": 32, "n_down": 4},
        title="CNN",
        note="The seed's convolutional VAE, with a KL weight that leaves the latents alive.",
        place=2,
    ),
    # github.com/Angelamer/microstructural_segmentation, branch vae: it trains on all points and
    # keeps the epoch of the lowest training loss.
    "as-published": Preset(
        encoder=_NAME,
        latent_dim=512,
        plan=TrainingPlan(
            epochs=20, batch_size=64, learning_rate=1e-3, kl_weight=1.0, held_out=0.0
        ),
        preparation=SEED_PREPARATION,
        architecture={"base": 32, "n_down": 5},
        title="As published",
        note="The seed's VAE and settings exactly, to compare with: all points are trained on, "
        "and the epoch of the lowest training loss is kept. Its KL weight of 1 lets the latents "
        "collapse.",
        place=3,
    ),
}


class VaeCnnFamily:
    """Loads our own files and the seed's."""

    description = "Convolutional VAE of the seed system; latents are its means."
    wants = "'encoder.0.weight', 'fc_mu.weight', 'out_head.0.weight'"
    presets: Mapping[str, Preset] = MappingProxyType(_PRESETS)

    def recognizes(self, checkpoint: Checkpoint) -> bool:
        """Tell whether bare weights have the seed's keys."""
        names = {plain_name(name) for name in checkpoint.tensors}
        return {"encoder.0.weight", "out_head.0.weight"} <= names

    def load(
        self, checkpoint: Checkpoint, device: torch.device, input_shape: Shape | None
    ) -> VaeEncoder:
        """Build the network that the tensors' shapes show, and fill it.

        Raises
        ------
        CheckpointError
            If tensors are missing or of wrong shapes, or patterns of `input_shape` don't fit.
        """
        tensors = {plain_name(name): tensor for name, tensor in checkpoint.tensors.items()}
        file = checkpoint.path.name
        latent_dim, base, n_down = _read_off(tensors, file)
        shape = checkpoint.input_shape or input_shape
        cells = tensors["fc_mu.weight"].shape[1] // min(base << (n_down - 1), _MOST_CHANNELS)
        if shape is None:
            message = (
                f"The checkpoint {file!r} doesn't say for which size of pattern it was made. "
                f"{_fitting(cells, n_down)} Give the size (⟨resolution⟩ H W)."
            )
            raise CheckpointError(message)
        _check_size(shape, cells, n_down, file)
        size = shape[1], shape[2]
        return VaeEncoder(
            fill(lambda: VaeCnn(size, latent_dim, base, n_down), tensors, checkpoint),
            preparation=SEED_PREPARATION if checkpoint.record is None else checkpoint.preparation,
            device=device,
            static_background=checkpoint.static_background,
        )

    def build(
        self,
        size: tuple[int, int],
        latent_dim: int,
        architecture: Mapping[str, int],
        components: Storable | None,
    ) -> VaeCnn:
        """Build a network with random weights."""
        del components
        return VaeCnn(size, latent_dim, **architecture)


ENCODERS.register(_NAME)(VaeCnnFamily())


def _convolved_at(size: tuple[int, int], x: torch.Tensor, convolution: nn.Conv2d) -> torch.Tensor:
    """Enlarge to a size by repeating pixels, then convolve.

    Where each pixel becomes 2 × 2 equal ones, a 3 × 3 kernel meets only 2 × 2 different pixels:
    one transposed convolution with the kernel's taps added up sums the same with 4 products
    instead of 9, and never makes the enlarged image.
    """
    height, width = x.shape[2:]
    if size != (2 * height, 2 * width) or height * width < _FEWEST_CELLS:
        enlarged = nn.functional.interpolate(x, size=size, mode="nearest")
        convolved: torch.Tensor = convolution(enlarged)
        return convolved
    taps = convolution.weight.new_tensor(_TAPS)
    kernel = torch.einsum("ia,jb,ocab->coij", taps, taps, convolution.weight)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    return nn.functional.conv_transpose2d(x, kernel, convolution.bias, stride=2, padding=1)


def _level_sizes(size: tuple[int, int], n_down: int) -> list[tuple[int, int]]:
    """Return (H, W) at each level: a convolution of stride 2 and padding 1 halves, rounding up."""
    sizes = [(int(size[0]), int(size[1]))]
    for _ in range(n_down):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


def _read_off(tensors: Mapping[str, torch.Tensor], file: str) -> tuple[int, int, int]:
    """Return (latent_dim, base, n_down) as the tensors' shapes show them."""
    needed = ("encoder.0.weight", "fc_mu.weight", "fc_logvar.weight", "fc_decode.weight")
    missing = [name for name in needed if name not in tensors]
    if missing:
        message = (
            f"The VAE checkpoint {file!r} lacks {', '.join(map(repr, missing))}. The seed's model "
            "makes its fully connected layers at the first forward pass: save it after that."
        )
        raise CheckpointError(message)
    n_down = sum(bool(re.fullmatch(r"encoder\.\d+\.weight", name)) for name in tensors)
    first, means = tensors["encoder.0.weight"], tensors["fc_mu.weight"]
    regular = first.ndim == 4 and means.ndim == 2 and 1 <= n_down <= _MOST_LEVELS
    if not regular or first.numel() == 0 or means.numel() == 0:
        message = (
            f"The VAE checkpoint {file!r} has an 'encoder.0.weight' of shape {tuple(first.shape)}, "
            f"a 'fc_mu.weight' of {tuple(means.shape)} and {n_down} convolutions; expected are "
            f"(base, 1, 3, 3), (latent_dim, channels · h · w) and 1 to {_MOST_LEVELS}."
        )
        raise CheckpointError(message)
    return int(means.shape[0]), int(first.shape[0]), n_down


def _check_size(shape: Shape, cells: int, n_down: int, file: str) -> None:
    height, width = _level_sizes((shape[1], shape[2]), n_down)[-1]
    if shape[0] == 1 and height * width == cells:
        return
    message = (
        f"The checkpoint {file!r} doesn't fit samples of {shape[1]} × {shape[2]} pixels and "
        f"{shape[0]} channel(s): {n_down} halvings make {height} × {width} of them, but its fully "
        f"connected layers are for {cells} cells. {_fitting(cells, n_down)} "
        "Resize with ⟨resolution⟩ H W, crop with ⟨prepare⟩ crop=…, or use another checkpoint."
    )
    raise CheckpointError(message)


def _fitting(cells: int, n_down: int) -> str:
    factor = 1 << n_down
    pairs = [
        f"{(h - 1) * factor + 1}–{h * factor} × {(w - 1) * factor + 1}–{w * factor}"
        for h in range(1, cells + 1)
        if cells % h == 0 and max(h, w := cells // h) <= 8 * min(h, w)
    ]
    return f"Sizes (H × W) that fit: {', '.join(pairs[:8]) or 'none'}, with 1 channel."
