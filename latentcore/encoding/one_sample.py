"""One sample through an encoder, prepared as the encoder's samples were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet
from latentcore.encoders import Encoder, Pooling, open_checkpoint
from latentcore.errors import RequestError, ShapeError
from latentcore.preparation import Preparation, Preparer

_ALONE = (
    "The latents are of patterns that were averaged with their neighbors on the scan (nlpar); this "
    "sample comes without neighbors and was encoded as it is, with all its noise."
)


@dataclass(frozen=True, eq=False)
class EncodedSample:
    """A sample's latent, to be compared with others.

    Attributes
    ----------
    latent : ndarray of float32, shape (d,)
        In the dimensions of the others.
    comparable : bool
        Whether it was made as the others were, as far as their record tells.
    notes : tuple of str
        What one should know before comparing.
    """

    latent: NDArray[np.float32]
    encoder: str
    encoder_fingerprint: str
    comparable: bool = True
    notes: tuple[str, ...] = ()


def encode_like(
    latents: LatentSet,
    sample: NDArray[np.generic],
    checkpoint: str,
    *,
    device: str = "auto",
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> EncodedSample:
    """Encode a sample as latents were made, to compare it with them.

    Parameters
    ----------
    sample : ndarray, shape (C, H, W)
    checkpoint : str
        The one that made the latents.
    device, open_model
        As for `encode_one`.

    Raises
    ------
    ShapeError
        If sample, checkpoint and latents don't fit together.
    InputError
        As `encode_one`.
    """
    made = _made_with(latents)
    recorded, pool = made.get("preparation"), made.get("pool")
    preparation = Preparation.from_dict(recorded) if isinstance(recorded, Mapping) else None
    latent, encoder = encode_one(
        sample,
        checkpoint,
        preparation=preparation,
        pool=pool if isinstance(pool, str) else None,
        device=device,
        open_model=open_model,
    )
    _check_dims(latents, encoder)
    other = (
        "The latents say that another model made them: distances to this sample mean little. Give "
        "the checkpoint that made the latents."
    )
    foreign = made.get("encoder_fingerprint") not in (None, encoder.fingerprint)
    notes: tuple[str, ...] = (other,) if foreign else ()
    if preparation is not None and preparation.step("nlpar"):
        notes += (_ALONE,)
    own = latent[latents.dims]
    return EncodedSample(own, encoder.name, encoder.fingerprint, not notes, notes)


def encode_one(
    sample: NDArray[np.generic],
    checkpoint: str,
    *,
    preparation: Preparation | None = None,
    pool: str | None = None,
    device: str = "auto",
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> tuple[NDArray[np.float32], Encoder]:
    """Encode one sample.

    Parameters
    ----------
    sample : ndarray, shape (C, H, W)
        As it is read.
    preparation : Preparation, optional
        That of the latents to compare with; by default the one that the checkpoint records.
    pool : str, optional
        How feature maps become vectors, where the encoder gives some.
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
    shape = sample.shape
    guess = (preparation or Preparation()).output_shape(shape)
    encoder = open_model(checkpoint, device=device, input_shape=guess)
    if pool is not None and isinstance(encoder, Pooling):
        encoder = encoder.pooled(pool)
    # The latents may have been made with another than the model's own: floats, for example, with
    # a model that takes pictures of 8 bits.
    recipe = preparation or encoder.preparation or Preparation()
    if recipe.background == "static" and encoder.static_background is None:
        message = (
            "The latents were made of samples without their mean pattern, which this checkpoint "
            "doesn't hold. Search with a checkpoint that records it, or by row."
        )
        raise RequestError(message)
    preparer = Preparer(recipe, shape, encoder.static_background)
    _check_shape(encoder, preparer, shape)
    _check_range(recipe, sample, known=preparation is not None)
    prepared, finite, _ = preparer.prepare(sample[None])
    if not finite[0]:
        message = "The sample has pixels that are no numbers, so it has no latent. Mend them first."
        raise RequestError(message)
    return encoder.encode(prepared)[0], encoder


def _check_shape(encoder: Encoder, preparer: Preparer, shape: tuple[int, ...]) -> None:
    if preparer.output_shape == encoder.input_shape:
        return

    def shape_text(sides: tuple[int, ...]) -> str:
        return " × ".join(map(str, sides))

    message = (
        f"The {encoder.name} checkpoint takes samples of {shape_text(encoder.input_shape)} "
        f"(channels × height × width), but this one has {shape_text(shape)}, prepared to "
        f"{shape_text(preparer.output_shape)}. "
        "Give a sample of the size that the latents were made of, or another checkpoint."
    )
    raise ShapeError(message)


def _check_range(recipe: Preparation, sample: NDArray[np.generic], *, known: bool) -> None:
    """Refuse floats where nothing says how they become what the model takes."""
    if known or recipe.scale != "type_range" or sample.dtype.name in ("uint8", "uint16"):
        return
    message = (
        f"The checkpoint takes pixels of 8 or 16 bits, but the sample is {sample.dtype}, and the "
        "latents don't record how such samples were scaled for it. Extract the latents anew with "
        "this checkpoint, which records it, or search by row."
    )
    raise RequestError(message)


def _check_dims(latents: LatentSet, encoder: Encoder) -> None:
    """Refuse a model of another number of dimensions; a file may hold only some of its model's."""
    d, dims = encoder.latent_dim, latents.dims
    seems_whole = np.array_equal(dims, np.arange(len(dims)))
    if dims.max(initial=0) < d and (len(dims) == d or not seems_whole):
        return
    message = (
        f"The {encoder.name} checkpoint makes {d} latent dimensions, but the latents have "
        f"{len(dims)}, up to number {dims.max(initial=0)}. Give the checkpoint that made them."
    )
    raise ShapeError(message)


def _made_with(latents: LatentSet) -> Mapping[str, Any]:
    """Return what the latents' record says of the encoder and the preparation."""
    request = {} if latents.provenance is None else latents.provenance.request
    resolved = request.get("resolved")
    return resolved if isinstance(resolved, Mapping) else {}
