"""Forward passes of one fixed size.

A matrix library may sum in another order when it gets 7 samples instead of 32, or memory that is
aligned otherwise; the result then differs in its last digits. Passes of one size, from one buffer,
take that freedom away.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray


def in_tiles(
    forward: Callable[[torch.Tensor], torch.Tensor],
    batch: NDArray[np.float32],
    *,
    tile: int,
    out_shape: tuple[int, ...],
    device: torch.device,
) -> NDArray[np.float32]:
    r"""Apply a model to a batch, `tile` rows at a time.

    Parameters
    ----------
    forward : callable
        Tensor (tile, …) → tensor (tile, \*out_shape), on `device`.
    batch : ndarray of float32, shape (b, …)
    tile : int
        The last pass is filled up with zeros.
    out_shape : tuple of int
        Of one row's result.

    Returns
    -------
    ndarray of float32, shape (b, \*out_shape)
    """
    result = np.empty((len(batch), *out_shape), np.float32)
    buffer = torch.zeros((tile, *batch.shape[1:]), pin_memory=device.type == "cuda")
    rows = buffer.numpy()
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ),
    ):
        for start in range(0, len(batch), tile):
            part = batch[start : start + tile]
            rows[: len(part)] = part
            rows[len(part) :] = 0
            passed = forward(buffer.to(device))
            result[start : start + len(part)] = passed[: len(part)].cpu().numpy()
    return result


def tile_for(device: torch.device, bytes_per_sample: int) -> int:
    """Choose the samples per forward pass: a power of two.

    Parameters
    ----------
    bytes_per_sample : int
        Memory of the largest activations of one sample.
    """
    # Measured on two cores with 60 × 60 patterns: no gain beyond 32. An accelerator needs more
    # samples to be busy.
    largest, budget = (1024, 2 << 30) if device.type == "cuda" else (32, 256 << 20)
    fitting = max(1, budget // max(1, bytes_per_sample))
    return int(min(largest, 1 << (fitting.bit_length() - 1)))
