"""The fitted embedding that a request names, and whether latents fit into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.projections import Placing, Projection, make_projection
from latentcore.artifacts import RunFolder, file_sha256
from latentcore.artifacts.embedding_model import (
    EMBEDDING_MODEL,
    EmbeddingModel,
    read_embedding_model,
)
from latentcore.containers import LatentSet
from latentcore.errors import RequestError
from latentcore.inputs.encoders import Made, made, refuse_other_encoders
from latentcore.inputs.run_files import file_of_run
from latentcore.progress import Progress


def stored_model(run: str, folder: RunFolder) -> EmbeddingModel:
    """Read the fitted embedding in a run's folder, or the file itself.

    Raises
    ------
    RequestError
        If there is none.
    MalformedFileError
        If it can't be read.
    """
    path = file_of_run(run, EMBEDDING_MODEL, option="into", verb="project")
    model = read_embedding_model(path)
    folder.add_input(str(path), "embedding-model", f"sha256:{file_sha256(path)}", "embedding")
    return model


def placed_in(
    model: EmbeddingModel, values: NDArray[np.float32], progress: Progress | None = None
) -> tuple[Projection, NDArray[np.float32]]:
    """Place finite latents (n, d) in a fitted embedding, (n, c), by its own method.

    Raises
    ------
    RequestError
        If the method can't, or another version of its library fitted the embedding.
    """
    projection = make_projection(model.method, model.parameters, set())
    if not isinstance(projection, Placing):
        message = f"The method {model.method!r} can't place new samples. Embed all of them anew."
        raise RequestError(message)
    if projection.engine and projection.engine != model.engine:
        message = (
            f"The embedding was fitted by {model.engine}, but here is {projection.engine}, which "
            "would place samples elsewhere. Install that version, or fit the embedding anew."
        )
        raise RequestError(message)
    return projection, projection.place(values, model.fitted, progress or Progress())


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
