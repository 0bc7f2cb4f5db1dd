"""The fitted embedding that a request names, and whether latents fit into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from latentcore.artifacts import RunFolder, file_sha256
from latentcore.artifacts.embedding_model import (
    EMBEDDING_MODEL,
    EmbeddingModel,
    read_embedding_model,
)
from latentcore.containers import LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.encoders import Made, made, refuse_other_encoders


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
    fitted = Made(model.dims, model.encoder)
    called = f"the embedding of {Path(run).name!r}"
    return refuse_other_encoders([fitted, made(latents)], [called, ", ".join(names)])
