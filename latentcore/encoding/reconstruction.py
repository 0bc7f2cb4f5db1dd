"""Samples through an encoder and back, to see what the model sees in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.encoders import Decoder, Encoder
from latentcore.errors import RequestError
from latentcore.preparation import Preparer


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
    decoder = _decoder(encoder)
    prepared, finite, _ = preparer.prepare(batch)
    values = np.where(finite[:, None, None, None], prepared, np.float32(0))
    reconstructed = decoder.decode(encoder.encode(values))
    reconstructed[~finite] = np.nan
    residual = prepared - reconstructed
    mse = np.square(residual).mean(axis=(1, 2, 3))
    return Reconstruction(prepared, reconstructed, residual, mse)


def latent_traversal(
    encoder: Encoder,
    latent: NDArray[np.floating],
    dim: int,
    values: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Decode along one latent dimension, from one point: what that dimension means there.

    Parameters
    ----------
    encoder : Encoder
        One that can decode.
    latent : ndarray, shape (d,)
        The point; its other dimensions stay as they are.
    values : ndarray, shape (k,)
        Of that dimension.

    Returns
    -------
    ndarray of float32, shape (k, C, H, W)
        Prepared samples.

    Raises
    ------
    RequestError
        If the encoder has no decoder, or `latent` and `dim` don't belong to it.
    """
    decoder = _decoder(encoder)
    latent = np.asarray(latent, np.float32)
    if latent.shape != (encoder.latent_dim,) or not np.isfinite(latent).all():
        message = (
            f"A traversal starts from {encoder.latent_dim} finite numbers, but the latent has "
            f"shape {latent.shape}. Choose a point that was encoded with this model."
        )
        raise RequestError(message)
    if not 0 <= dim < encoder.latent_dim:
        message = f"There is no latent dimension {dim}; there are 0 to {encoder.latent_dim - 1}."
        raise RequestError(message)
    along = np.repeat(latent[None], len(values), axis=0)
    along[:, dim] = values
    return decoder.decode(along)


def _decoder(encoder: Encoder) -> Decoder:
    if isinstance(encoder, Decoder):
        return encoder
    message = (
        f"The encoder {encoder.name!r} has no decoder, so nothing can be reconstructed. "
        "Use a VAE or a PCA."
    )
    raise RequestError(message)
