"""Networks that can be trained, with their first weights, and the encoders they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.encoders import ENCODERS, Trainable, trainable_encoders
from latentcore.encoders.pca import PcaEncoder, PcaRecipe
from latentcore.encoders.vae import VaeEncoder, VaeNetwork
from latentcore.encoding.training import Targets
from latentcore.encoding.training_data import TrainingPatterns
from latentcore.encoding.training_targets import TargetSettings, neighbor_scores
from latentcore.errors import RequestError
from latentcore.preparation import Preparer
from latentcore.progress import Progress


def fit_components(
    patterns: TrainingPatterns, preparer: Preparer, count: int, progress: Progress
) -> PcaEncoder:
    """Fit the leading principal components of the prepared patterns.

    Parameters
    ----------
    preparer : Preparer
        That prepared them.
    count : int
        Fewer are fitted where there are fewer patterns or pixels.
    """
    shape = preparer.output_shape
    progress.step(0, 1, "fitting principal components")
    most = min(count, len(patterns.values), int(np.prod(shape)))
    return PcaRecipe(most).fit(
        patterns.blocks(),
        input_shape=shape,
        preparation=preparer.preparation,
        device=torch.device("cpu"),
        static_background=preparer.static_background,
    )


def components_of(tensors: Mapping[str, NDArray[Any]], preparer: Preparer) -> PcaEncoder:
    """Return principal components that were fitted before, by their tensors."""
    return PcaEncoder(
        tensors,
        input_shape=preparer.output_shape,
        preparation=preparer.preparation,
        device=torch.device("cpu"),
        static_background=preparer.static_background,
    )


def neighbor_targets(
    patterns: TrainingPatterns,
    grid: ScanGrid,
    components: PcaEncoder,
    progress: Progress,
    settings: TargetSettings | None = None,
) -> Targets:
    """Return what each pattern's neighborhood on the scan shows of it.

    Parameters
    ----------
    grid : ScanGrid
        Of the whole source.
    components : PcaEncoder
        From `fit_components`.
    """
    settings = settings or TargetSettings()
    k = min(settings.components, components.latent_dim)
    scores = np.concatenate([components.encode(block) for block in patterns.blocks()])[:, :k]
    scores = neighbor_scores(
        np.ascontiguousarray(scores), grid.take(patterns.rows), settings, progress
    )
    return targets_of(scores, components)


def targets_of(scores: NDArray[np.float32], components: PcaEncoder) -> Targets:
    """Return targets by their scores, shape (m, k), of the leading k components."""
    basis = components.tensors()
    return Targets(
        scores=scores,
        components=np.ascontiguousarray(basis["components"][: scores.shape[1]], np.float32),
        mean=np.asarray(basis["mean"], np.float32),
    )


def build_network(
    encoder: str,
    size: tuple[int, int],
    latent_dim: int,
    architecture: Mapping[str, int],
    *,
    seed: int,
    components: PcaEncoder | None = None,
) -> VaeNetwork:
    """Return a network with its first weights.

    Parameters
    ----------
    encoder : str
        The name of a family that is `Trainable`.
    size : tuple of int
        (H, W) of a prepared pattern.
    architecture : Mapping
        What else the network is given.
    components : PcaEncoder, optional
        What a network may begin as.

    Raises
    ------
    RequestError
        If it can't be trained here, or has more latent dimensions than a pattern has pixels.
    """
    family = ENCODERS.get(encoder)
    if not isinstance(family, Trainable):
        there = ", ".join(trainable_encoders())
        message = f"No encoder {encoder!r} can be trained. There are: {there}."
        raise RequestError(message)
    pixels = size[0] * size[1]
    if not 1 <= latent_dim <= pixels:
        message = (
            f"⟨latent_dim⟩ {latent_dim} was asked for, but a prepared pattern has {size[0]} × "
            f"{size[1]} = {pixels} pixels. Give from 1 to {pixels}; 32 suits most scans."
        )
        raise RequestError(message)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return family.build(size, latent_dim, architecture, components)


def as_encoder(network: VaeNetwork, preparer: Preparer, device: torch.device) -> VaeEncoder:
    """Return the encoder that a trained network is, with the preparation that belongs to it."""
    return VaeEncoder(
        network,
        preparation=preparer.preparation,
        device=device,
        static_background=preparer.static_background,
    )
