"""One cutout of sea-surface temperature: its latent, its ΔT, where it lies, what is like it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.cutout_statistics import default_crop, statistics_of
from latentcore.analysis.embedding_places import placed_among
from latentcore.analysis.similarity import Metric, SearchTable
from latentcore.containers import LatentSet, Neighbors
from latentcore.encoders import Encoder, open_checkpoint
from latentcore.encoding.one_sample import EncodedSample, encode_like

__all__ = ["CutoutReport", "describe_cutout"]


@dataclass(frozen=True, eq=False)
class CutoutReport:
    """What there is to say of one cutout.

    Attributes
    ----------
    encoded : EncodedSample
        Its latent, and what one should know before comparing.
    statistics : dict of str to float
        ``DT, mean, sd, min, max``, in the cutout's unit.
    crop : int
        Side of the central crop that ΔT is taken over, in pixels.
    neighbors : Neighbors
        The samples most like it.
    place : ndarray of float32, shape (2,) or (3,), or None
        Where it lies in the embedding, estimated from `neighbors`; None without one.
    """

    encoded: EncodedSample
    statistics: dict[str, float]
    crop: int
    neighbors: Neighbors
    place: NDArray[np.float32] | None


def describe_cutout(
    sample: NDArray[np.generic],
    latents: LatentSet,
    checkpoint: str,
    *,
    coordinates: NDArray[np.floating] | None = None,
    crop: int | None = None,
    k: int = 15,
    metric: Metric = "cosine",
    device: str = "auto",
    open_model: Callable[..., Encoder] = open_checkpoint,
) -> CutoutReport:
    """Encode one cutout and compare it with latents of the same model.

    Parameters
    ----------
    sample : ndarray, shape (H, W) or (C, H, W)
        As it is read.
    latents : LatentSet
        n of them.
    checkpoint : str
        The one that made them.
    coordinates : ndarray, shape (n, 2 or 3), optional
        Of an embedding of the latents, row by row.
    crop : int, optional
        Side of the central crop for ΔT; by default 40 of 64 pixels, in proportion.
    k : int
        How many neighbors.
    metric : {"cosine", "euclidean"}

    Raises
    ------
    InputError
        If the cutout, the checkpoint and the latents don't fit together.
    """
    sample = sample[None] if sample.ndim == 2 else sample
    encoded = encode_like(latents, sample, checkpoint, device=device, open_model=open_model)
    neighbors = SearchTable.of(latents.values).nearest(encoded.latent, k, metric=metric)
    crop = default_crop(*sample.shape[-2:]) if crop is None else crop
    measured = statistics_of(sample[None], crop)
    return CutoutReport(
        encoded=encoded,
        statistics={name: float(values[0]) for name, values in measured.items()},
        crop=crop,
        neighbors=neighbors,
        place=None if coordinates is None else placed_among(neighbors, coordinates),
    )
