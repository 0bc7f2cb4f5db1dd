"""Write a model: ``model.safetensors``, enough by itself, and ``model.json``, to be read by people.

The record of a model, in the header of the weights and in ``model.json`` (which adds the size and
SHA-256 of the weights)::

    encoding-type      "latentcore-model"
    encoding-version   "1"
    encoder            name          family, as in latentcore.encoders.ENCODERS
                       latent_dim    d
                       input_shape   [C, H, W] of a prepared sample
                       architecture  what the family needs besides the tensors
                       fingerprint   of architecture and tensors
    preparation        the recipe (latentcore.preparation), or null; where its background is
                       static, the mean pattern is the tensor "preparation.static_background"
    provenance         verb, request, inputs, seed, versions and time of what made it
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts.json_text import from_json, to_json
from latentcore.artifacts.run_folder import file_sha256
from latentcore.artifacts.whole_files import write_atomic
from latentcore.containers import Provenance
from latentcore.encoders import Encoder, Storable


class StorableEncoder(Encoder, Storable, Protocol):
    """An encoder whose weights can be written."""


def write_model(
    path: Path, encoder: StorableEncoder, provenance: Provenance | None = None
) -> dict[str, Any]:
    """Write an encoder, and its record beside it.

    Parameters
    ----------
    path : Path
        ``…/model.safetensors``; the record becomes ``…/model.json``. Either is replaced whole.
    provenance : Provenance, optional
        How the model was made.

    Returns
    -------
    dict
        What ``model.json`` holds.
    """
    from safetensors.numpy import save

    from latentcore.encoders.checkpoints import (
        BACKGROUND_TENSOR,
        METADATA_KEY,
        MODEL_TYPE,
        MODEL_VERSION,
        RECORD_FILE,
    )

    record: dict[str, Any] = {
        "encoding-type": MODEL_TYPE,
        "encoding-version": MODEL_VERSION,
        "encoder": {
            "name": encoder.name,
            "latent_dim": encoder.latent_dim,
            "input_shape": encoder.input_shape,
            "architecture": encoder.architecture,
            "fingerprint": encoder.fingerprint,
        },
        "preparation": None if encoder.preparation is None else encoder.preparation.to_dict(),
        "provenance": None if provenance is None else asdict(provenance),
    }
    tensors: dict[str, NDArray[np.generic]] = {
        name: np.ascontiguousarray(values) for name, values in encoder.tensors().items()
    }
    if encoder.static_background is not None:
        tensors[BACKGROUND_TENSOR] = np.ascontiguousarray(encoder.static_background)
    write_atomic(path, save(tensors, metadata={METADATA_KEY: to_json(record)}))
    record["weights"] = {
        "file": path.name,
        "sha256": file_sha256(path),
        "bytes": path.stat().st_size,
    }
    record = from_json(to_json(record))
    write_atomic(path.with_name(RECORD_FILE), to_json(record).encode())
    return record
