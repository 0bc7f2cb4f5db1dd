"""A fitted embedding in a file: what places new samples in it, as arrays and text only.

``embedding_model.safetensors`` holds the arrays of `Embedding.fitted`, its header the record::

    encoding-type      "latentcore-embedding-model"
    encoding-version   "1"
    method             a projection's name
    parameters         of it
    engine             name and version of the library, where it matters
    encoder            fingerprint of what made the latents, or null
    dims               which latent dimensions it was fitted on
    sources            what the latents were called
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts.described_arrays import read_described, write_described
from latentcore.errors import MalformedFileError, cause

EMBEDDING_MODEL = "embedding_model.safetensors"
_KIND = ("latentcore-embedding-model", "1")


@dataclass(frozen=True, eq=False)
class EmbeddingModel:
    """A fitted embedding; see the module for its fields."""

    method: str
    parameters: Mapping[str, Any]
    engine: str
    encoder: str | None
    dims: tuple[int, ...]
    sources: tuple[str, ...]
    fitted: Mapping[str, NDArray[np.floating]]


def write_embedding_model(path: Path, model: EmbeddingModel) -> None:
    """Write a fitted embedding; the file is replaced whole."""
    record = {name: value for name, value in asdict(model).items() if name != "fitted"}
    write_described(path, _KIND, record, model.fitted)


def read_embedding_model(path: Path) -> EmbeddingModel:
    """Read a fitted embedding.

    Raises
    ------
    MalformedFileError
        If the file holds something else, or one of another version.
    """
    try:
        return _model(*read_described(path, _KIND))
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = (
            f"{path.name!r} holds no fitted embedding: {cause(error)}. Give the folder of a run of "
            "'project'; one that is older and has no such file is made again by the same command."
        )
        raise MalformedFileError(message) from error


def _model(record: dict[str, Any], fitted: Mapping[str, NDArray[Any]]) -> EmbeddingModel:
    if not all(np.issubdtype(values.dtype, np.floating) for values in fitted.values()):
        message = "its arrays are not numbers with a point"
        raise ValueError(message)
    parameters, encoder = record["parameters"], record["encoder"]
    if not isinstance(parameters, dict) or not isinstance(encoder, str | None):
        message = "its record is damaged"
        raise TypeError(message)
    return EmbeddingModel(
        method=str(record["method"]),
        parameters=parameters,
        engine=str(record["engine"]),
        encoder=encoder,
        dims=tuple(int(dim) for dim in record["dims"]),
        sources=tuple(str(source) for source in record["sources"]),
        fitted=fitted,
    )
