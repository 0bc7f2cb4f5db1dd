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

from latentcore.artifacts.json_text import from_json, to_json
from latentcore.artifacts.run_folder import write_atomic
from latentcore.errors import MalformedFileError

EMBEDDING_MODEL = "embedding_model.safetensors"
_TYPE, _VERSION, _KEY = "latentcore-embedding-model", "1", "latentcore"
_LARGEST = 4 << 30


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
    from safetensors.numpy import save

    record = {name: value for name, value in asdict(model).items() if name != "fitted"}
    record |= {"encoding-type": _TYPE, "encoding-version": _VERSION}
    arrays = {name: np.ascontiguousarray(values) for name, values in model.fitted.items()}
    write_atomic(path, save(arrays, metadata={_KEY: to_json(record)}))


def read_embedding_model(path: Path) -> EmbeddingModel:
    """Read a fitted embedding.

    Raises
    ------
    MalformedFileError
        If the file holds something else, or one of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        _refuse_large(path)
        with safe_open(path, "np") as file:
            record = from_json((file.metadata() or {}).get(_KEY, "null"))
            fitted = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _model(record, fitted)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        message = (
            f"{path.name!r} holds no fitted embedding: {error}. Give the folder of a run of "
            "'project'; one that is older and has no such file is made again by the same command."
        )
        raise MalformedFileError(message) from error


def _refuse_large(path: Path) -> None:
    if path.stat().st_size > _LARGEST:
        message = f"it has {path.stat().st_size:,} bytes, and {_LARGEST:,} are the most"
        raise ValueError(message)


def _model(record: Any, fitted: dict[str, NDArray[np.floating]]) -> EmbeddingModel:
    if not isinstance(record, dict) or record.get("encoding-type") != _TYPE:
        message = "its header is of something else"
        raise ValueError(message)
    if record.get("encoding-version") != _VERSION:
        message = f"it is of version {record.get('encoding-version')!r}, and {_VERSION!r} is known"
        raise ValueError(message)
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
