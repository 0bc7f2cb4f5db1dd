"""The contrastive residual network of nenya, loaded from its checkpoints.

The names and shapes of the tensors show depth, channels, head and latent dimensions.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latentcore.encoders import ENCODERS
from latentcore.encoders._supcon_network import DEPTHS, SupConResNet, widest_of
from latentcore.encoders._tiles import in_tiles, tile_for
from latentcore.encoders.checkpoints import Checkpoint, plain_name, tensors_fingerprint
from latentcore.errors import CheckpointError
from latentcore.preparation import Preparation

__all__ = ["DEPTHS", "SupConResNet", "SupConResNetEncoder"]

Shape = tuple[int, ...]

_NAME = "supcon-resnet"
# The network takes any size; this is what nenya's cutouts have.
_USUAL_SIDE = 64
# Of a training; no latent hangs on it.
_COUNTER = "num_batches_tracked"


class SupConResNetEncoder:
    """A loaded network. See `latentcore.encoders.Encoder`.

    Parameters
    ----------
    tensors : Mapping of str to torch.Tensor
        The state dict, checked.
    architecture : Mapping
        ``depth, channels, feat_dim, mlp``.
    input_shape : tuple of int
        (C, H, W).
    static_background : ndarray of float32, shape (C, H, W), optional
    options : Mapping, optional
        What the trainer left beside the weights.

    Attributes
    ----------
    keeps_channels : bool
        Its channels are separate measurements: one may be repeated, several are never averaged.
    """

    name = _NAME
    keeps_channels = True

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor],
        architecture: Mapping[str, Any],
        *,
        input_shape: Shape,
        preparation: Preparation | None,
        device: torch.device,
        static_background: NDArray[np.float32] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._tensors = tensors
        self._device = device
        self._network: nn.Module | None = None
        # One pass at a time: two sessions share the model, and its memory is for one.
        self._lock = threading.Lock()
        self.architecture = architecture
        self.options = dict(options or {})
        self.latent_dim = int(architecture["feat_dim"])
        self.input_shape = input_shape
        self.preparation = preparation
        self.static_background = static_background
        self.device = str(device)
        self.fingerprint = tensors_fingerprint(self.architecture, self.tensors())
        widest = widest_of(architecture["depth"])
        # In and out of the first stage's convolutions, the widest place.
        self.tile = tile_for(device, 2 * widest * input_shape[1] * input_shape[2] * 4)

    def encode(self, batch: NDArray[np.float32], *, tile: int | None = None) -> NDArray[np.float32]:
        """Encode prepared samples: float32 (b, C, H, W) → float32 (b, d), each of length 1."""
        with self._lock:
            network = self._ready()
            return in_tiles(
                lambda x: network(x.contiguous(memory_format=torch.channels_last)),
                batch,
                tile=tile or self.tile,
                out_shape=(self.latent_dim,),
                device=self._device,
            )

    def release(self) -> None:
        """Free the accelerator's memory."""
        with self._lock:
            self._network = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return the state dict, as arrays."""
        return {name: tensor.numpy() for name, tensor in self._tensors.items()}

    def _ready(self) -> nn.Module:
        if self._network is None:
            network = _empty(self.architecture)
            # Not strict: the counters of batches aren't there, and go with the normalizations.
            network.load_state_dict(dict(self._tensors), strict=False, assign=True)
            network.eval().requires_grad_(requires_grad=False)
            network.fold_norms()
            network.to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self._network = network
        return self._network


class SupConResNetFamily:
    """Loads nenya's checkpoints and our own files."""

    description = "Contrastive residual network of nenya (SimCLR, SupCon); latents have length 1."
    wants = "'encoder.conv1.weight', 'encoder.layer1.…' and 'head.…'"

    def recognizes(self, checkpoint: Checkpoint) -> bool:
        """Tell whether bare weights have the names of nenya's network."""
        names = {plain_name(name) for name in checkpoint.tensors}
        return {"encoder.conv1.weight", "encoder.layer1.0.conv1.weight"} <= names

    def load(
        self, checkpoint: Checkpoint, device: torch.device, input_shape: Shape | None
    ) -> SupConResNetEncoder:
        """Build the network that the tensors' names and shapes show.

        Raises
        ------
        CheckpointError
            If the tensors are those of no ResNet of 18, 34, 50 or 101 layers with a head.
        """
        file = checkpoint.path.name
        tensors = {
            plain_name(name): tensor
            for name, tensor in checkpoint.tensors.items()
            if not name.endswith(_COUNTER)
        }
        architecture = _read_off(tensors, file)
        _check_tensors(tensors, architecture, file)
        channels = int(architecture["channels"])
        shape = checkpoint.input_shape or input_shape or (channels, _USUAL_SIDE, _USUAL_SIDE)
        if len(shape) != 3:
            message = (
                f"The checkpoint {file!r} takes images, of shape ({channels}, H, W), but the "
                f"samples are clips of shape {tuple(shape)}. Give an encoder of clips."
            )
            raise CheckpointError(message)
        unknown = checkpoint.record is None
        return SupConResNetEncoder(
            tensors,
            architecture,
            input_shape=(channels, *shape[1:]),
            # nenya encodes cutouts as they are in the file, though it demeans them for training.
            preparation=Preparation(channels=channels) if unknown else checkpoint.preparation,
            device=device,
            static_background=checkpoint.static_background,
            options=checkpoint.options,
        )


ENCODERS.register(_NAME)(SupConResNetFamily())


def _empty(architecture: Mapping[str, Any]) -> SupConResNet:
    """Return the network without any memory for its weights."""
    with torch.device("meta"):
        return SupConResNet(**architecture)


def _read_off(tensors: Mapping[str, torch.Tensor], file: str) -> dict[str, Any]:
    """Return depth, channels, feat_dim and kind of head as the tensors show them."""
    blocks = tuple(
        len({found[1] for name in tensors if (found := re.match(rf"{stage}\.(\d+)\.", name))})
        for stage in (f"encoder\\.layer{number}" for number in range(1, 5))
    )
    bottleneck = "encoder.layer1.0.conv3.weight" in tensors
    depth = next((name for name, one in DEPTHS.items() if one == (blocks, bottleneck)), None)
    mlp = "head.2.weight" in tensors
    head = tensors.get("head.2.weight" if mlp else "head.weight")
    stem = tensors["encoder.conv1.weight"]
    if depth is None or head is None or head.ndim != 2 or stem.ndim != 4 or stem.shape[1] < 1:
        kind = "no head" if head is None else f"a head of shape {tuple(head.shape)}"
        message = (
            f"The checkpoint {file!r} looks like a residual network, but has "
            f"{'-'.join(map(str, blocks))} {'bottleneck' if bottleneck else 'basic'} blocks, a "
            f"stem of shape {tuple(stem.shape)} and {kind}. Known are {', '.join(DEPTHS)} with a "
            "head ('head.weight', or 'head.0.weight' and 'head.2.weight')."
        )
        raise CheckpointError(message)
    return {
        "depth": depth, "channels": int(stem.shape[1]), "feat_dim": int(head.shape[0]), "mlp": mlp,
    }  # fmt: skip


def _check_tensors(
    tensors: Mapping[str, torch.Tensor], architecture: Mapping[str, Any], file: str
) -> None:
    wanted = {
        name: tuple(tensor.shape)
        for name, tensor in _empty(architecture).state_dict().items()
        if not name.endswith(_COUNTER)
    }
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if wanted == found:
        return
    wrong = [
        f"{name!r} is {found.get(name, 'missing')}, wanted {shape}"
        for name, shape in wanted.items()
        if found.get(name) != shape
    ]
    wrong += [f"{name!r} is unknown" for name in found if name not in wanted]
    message = (
        f"The checkpoint {file!r} looks like nenya's residual network, but {len(wrong)} tensors "
        f"don't fit: {'; '.join(wrong[:4])}{' …' if len(wrong) > 4 else ''}. It belongs to another "
        "network."
    )
    raise CheckpointError(message)
