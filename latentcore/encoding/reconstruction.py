"""Samples through an encoder and back, to see what the model sees in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.encoders import Decoder, Encoder
from latentcore.errors import RequestError
from latentcore.preparation import Preparer

__all__ = ["Reconstruction", "reconstruct"]


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Samples and what an encoder makes of them, all float32; NaN where a sample is not finite.

    Attributes
    ----------
    prepared : ndarray, shape (b, C, H, W)
        The samples as the encoder got them.
    reconstructed : ndarray, shape (b, C, H, W)
        Decoded from their latents.
    residual : ndarray, shape (b, C, H, W)
        Prepared minus reconstructed.
    mse : ndarray, shape (b,)
        Mean squared residual of each sample.
    """

    prepared: NDArray[np.float32]
    reconstructed: NDArray[np.float32]
    residual: NDArray[np.float32]
    mse: NDArray[np.float32]


def reconstruct(encoder: Encoder, preparer: Preparer, batch: NDArray[np.generic]) -> Reconstruction:
    """Prepare, encode and decode samples.

    Parameters
    ----------
    encoder : Encoder
        One that can decode.
    preparer : Preparer
        Makes samples of the encoder's input shape.
    batch : ndarray, shape (b, C, H, W)
        Samples as they are read, of any real dtype.

    Raises
    ------
    RequestError
        If the encoder has no decoder.
    """
    if not isinstance(encoder, Decoder):
        message = (
            f"The encoder {encoder.name!r} has no decoder, so nothing can be reconstructed. "
            "Use a VAE or a PCA."
        )
        raise RequestError(message)
    prepared, finite, _ = preparer.prepare(batch)
    values = np.where(finite[:, None, None, None], prepared, np.float32(0))
    reconstructed = encoder.decode(encoder.encode(values))
    reconstructed[~finite] = np.nan
    residual = prepared - reconstructed
    mse = np.square(residual).mean(axis=(1, 2, 3))
    return Reconstruction(prepared, reconstructed, residual, mse)
