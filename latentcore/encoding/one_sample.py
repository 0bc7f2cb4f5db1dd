"""One sample through an encoder, prepared as the encoder's samples were."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from latentcore.encoders import Encoder, open_checkpoint
from latentcore.errors import RequestError, ShapeError
from latentcore.preparation import Preparation, Preparer

__all__ = ["encode_one"]


def encode_one(
    sample: NDArray[np.generic],
    checkpoint: str,
    *,
    preparation: Preparation | None = None,
    device: str = "auto",
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> tuple[NDArray[np.float32], Encoder]:
    """Encode one sample.

    Parameters
    ----------
    sample : ndarray, shape (C, H, W)
        As it is read.
    checkpoint : str
    preparation : Preparation, optional
        Where the checkpoint records none (bare weights): that of the latents to compare with.
    device : str
    open_model : callable
        ``open_model(checkpoint, device=…, input_shape=…) → Encoder``.

    Returns
    -------
    latent : ndarray of float32, shape (d,)
    encoder : Encoder

    Raises
    ------
    ShapeError
        If the prepared sample is not what the encoder takes.
    RequestError
        If the sample is not finite, or needs a mean pattern that the checkpoint lacks.
    CheckpointError
        If it is no checkpoint.
    """
    shape: tuple[int, int, int] = sample.shape
    guess = (preparation or Preparation()).output_shape(shape)
    encoder = open_model(checkpoint, device=device, input_shape=guess)
    recipe = encoder.preparation or preparation or Preparation()
    if recipe.background == "static" and encoder.static_background is None:
        message = (
            "The latents were made of samples without their mean pattern, which this checkpoint "
            "doesn't hold. Search with a checkpoint that records it, or by row."
        )
        raise RequestError(message)
    preparer = Preparer(recipe, shape, encoder.static_background)
    _check_shape(encoder, preparer, shape)
    prepared, finite, _ = preparer.prepare(sample[None])
    if not finite[0]:
        message = "The sample has pixels that are no numbers, so it has no latent. Mend them first."
        raise RequestError(message)
    return encoder.encode(prepared)[0], encoder


def _check_shape(encoder: Encoder, preparer: Preparer, shape: tuple[int, int, int]) -> None:
    if preparer.output_shape == encoder.input_shape:
        return
    channels, height, width = encoder.input_shape
    message = (
        f"The {encoder.name} checkpoint takes samples of {height} × {width} pixels and {channels} "
        f"channel(s), but this one has {shape[1]} × {shape[2]} and {shape[0]}, prepared to "
        f"{preparer.output_shape[1]} × {preparer.output_shape[2]} and {preparer.output_shape[0]}. "
        "Give a sample of the size that the latents were made of, or another checkpoint."
    )
    raise ShapeError(message)
