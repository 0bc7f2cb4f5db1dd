"""The fitted embedding that a request names, and whether latents fit into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latentcore.artifacts import RunFolder, file_sha256
from latentcore.artifacts.embedding_model import (
    EMBEDDING_MODEL,
    EmbeddingModel,
    read_embedding_model,
)
from latentcore.containers import LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.encoders import encoder_of

_MOST_LISTED = 8


def stored_model(run: str, folder: RunFolder) -> EmbeddingModel:
    """Read the fitted embedding in a run's folder, or the file itself.

    Raises
    ------
    RequestError
        If there is none.
    MalformedFileError
        If it can't be read.
    """
    path = Path(run)
    path = path / EMBEDDING_MODEL if path.is_dir() else path
    if not path.is_file():
        message = (
            f"⟨into⟩ {run!r} holds no {EMBEDDING_MODEL}. Give the folder of a run of 'project'; "
            "one that is older and has no such file is made again by the same command."
        )
        raise RequestError(message)
    model = read_embedding_model(path)
    folder.add_input(str(path), "embedding-model", f"sha256:{file_sha256(path)}", "embedding")
    return model


def refuse_unfit(
    model: EmbeddingModel, latents: LatentSet, names: Sequence[str], run: str
) -> list[str]:
    """Refuse latents of another encoder than the embedding was fitted on.

    Returns
    -------
    list of str
        What one should know where nothing says which encoder it was.
    """
    called = ", ".join(names)
    how = "Encode them with the model that made the latents of the embedding."
    if not np.array_equal(latents.dims, model.dims):
        message = (
            f"{called} has the latent dimensions {_listed(latents.dims.tolist())}, but the "
            f"embedding of {Path(run).name!r} was fitted on {_listed(model.dims)}. {how}"
        )
        raise RequestError(message)
    encoder = encoder_of(latents)
    if None not in (encoder, model.encoder) and encoder != model.encoder:
        message = (
            f"{called} was made by another encoder than the latents that the embedding of "
            f"{Path(run).name!r} was fitted on, so its dimensions mean something else. {how}"
        )
        raise RequestError(message)
    if None in (encoder, model.encoder):
        note = (
            "Nothing says that the encoder of these latents is that of the embedding's: it is "
            "taken on trust."
        )
        return [note]
    return []


def _listed(dims: Sequence[int]) -> str:
    if len(dims) > 1 and list(dims) == list(range(dims[0], dims[0] + len(dims))):
        return f"{dims[0]} to {dims[-1]}"
    return ", ".join(map(str, dims[:_MOST_LISTED])) + ", …" * (len(dims) > _MOST_LISTED)
