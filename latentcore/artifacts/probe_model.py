"""A classifier that has learned, in a file: arrays and text only.

``probe.safetensors`` holds the arrays of `FittedProbe.arrays`, its header the record::

    encoding-type      "latentcore-probe"
    encoding-version   "1"
    classifier         a classifier's name
    parameters         of it
    engine             name and version of the library
    classes            names of those that it tells apart
    encoder            fingerprint of what made the latents, or null
    dims               which latent dimensions it takes, in their order
    learned            how many samples of which latents and labels
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.probe import predict
from latentcore.analysis.probes import PROBES, Arrays, FittedProbe
from latentcore.artifacts.described_arrays import read_described, write_described
from latentcore.errors import MalformedFileError, cause

PROBE_MODEL = "probe.safetensors"
_KIND = ("latentcore-probe", "1")
_MOST_CLASSES = 1_000
# No latents are as large; what was learned from any gives probabilities there, too.
_FAR = 1e6
_BROKEN = (
    OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, FloatingPointError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ProbeModel:
    """A classifier that has learned; see the module for its fields."""

    classifier: str
    parameters: Mapping[str, Any]
    engine: str
    classes: tuple[str, ...]
    encoder: str | None
    dims: tuple[int, ...]
    learned: Mapping[str, Any]
    arrays: Arrays

    def predict(self, latents: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probability of each class at every sample, (n, m); NaN without a latent."""
        return predict(latents, self._fitted(), len(self.classes))

    def _fitted(self) -> FittedProbe:
        kind, m = PROBES.get(self.classifier), len(self.classes)
        says = kind.restored(self.arrays, m, len(self.dims))
        return FittedProbe(np.arange(m), says, self.arrays, self.parameters, self.engine)


def write_probe_model(path: Path, model: ProbeModel) -> None:
    """Write a classifier; the file is replaced whole."""
    record = {name: value for name, value in asdict(model).items() if name != "arrays"}
    write_described(path, _KIND, record, model.arrays)


def read_probe_model(path: Path) -> ProbeModel:
    """Read a classifier.

    Raises
    ------
    MalformedFileError
        If the file holds something else, or what no classifier learns.
    """
    try:
        model = _model(*read_described(path, _KIND))
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            model.predict(np.outer([-_FAR, 0.0, _FAR], np.ones(len(model.dims))))
    except _BROKEN as error:
        message = (
            f"{path.name!r} holds no classifier that can be applied: {cause(error)}. Give the "
            "folder of a run of 'probe'; one that is older and has no such file is made again by "
            "the same command."
        )
        raise MalformedFileError(message) from error
    return model


def _model(record: dict[str, Any], arrays: Arrays) -> ProbeModel:
    parameters, encoder, learned = (record[name] for name in ("parameters", "encoder", "learned"))
    sound = (
        isinstance(parameters, dict) and isinstance(learned, dict)
        and isinstance(encoder, str | None)
        and 2 <= len(record["classes"]) <= _MOST_CLASSES
        and record["classifier"] in PROBES.names()
    )  # fmt: skip
    if not sound:
        message = "its record is damaged"
        raise ValueError(message)
    return ProbeModel(
        classifier=record["classifier"],
        parameters=parameters,
        engine=str(record["engine"]),
        classes=tuple(str(name) for name in record["classes"]),
        encoder=encoder,
        dims=tuple(int(dim) for dim in record["dims"]),
        learned=learned,
        arrays=arrays,
    )
