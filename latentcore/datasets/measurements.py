"""Measurements of systems that are featurized when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from latentcore.datasets.collate import Item
from latentcore.errors import ShapeError


class MeasurementDataset(Dataset[Any]):
    """Systems and what was measured of them; items are (features, measured value).

    A model predicts a quantity that isn't measured itself, such as a free energy; the observation
    model says what the assay would show then. ``observe(prediction)`` is what a loss compares with
    the measurement.

    Parameters
    ----------
    systems : sequence
        Anything that `featurizer` understands: SMILES, complexes, rows of a table.
    values : array_like, shape (n,) or (n, k)
    featurizer : callable
        System → tensor or array, or a tuple of them.
    observation_model : callable, optional
        Prediction → what is measured; without one they are the same.
    keep : bool
        Featurize each system once and hold the result; in workers each has its own.

    Raises
    ------
    ShapeError
        If there is not one measurement for each system.
    """

    def __init__(
        self,
        systems: Sequence[Any],
        values: Any,
        *,
        featurizer: Callable[[Any], Any],
        observation_model: Callable[[torch.Tensor], torch.Tensor] | None = None,
        keep: bool = True,
    ) -> None:
        self.values = torch.as_tensor(np.asarray(values))
        if len(self.values) != len(systems):
            message = f"{len(systems)} systems can't go with {len(self.values)} measurements."
            raise ShapeError(message)
        self.systems = systems
        self.featurizer = featurizer
        self.observation_model = observation_model
        self._kept: dict[int, Any] | None = {} if keep else None

    def __len__(self) -> int:
        return len(self.systems)

    def __getitem__(self, index: int) -> Any:
        """Return the features of a system and its measurement."""
        place = range(len(self))[index]
        if self._kept is None:
            return Item(self._features(place), self.values[place])
        if place not in self._kept:
            self._kept[place] = self._features(place)
        return Item(self._kept[place], self.values[place])

    def observe(self, prediction: torch.Tensor) -> torch.Tensor:
        """Return what would be measured, were a prediction right."""
        return prediction if self.observation_model is None else self.observation_model(prediction)

    def _features(self, place: int) -> Any:
        found = self.featurizer(self.systems[place])
        if isinstance(found, tuple):
            return tuple(torch.as_tensor(one) for one in found)
        return torch.as_tensor(found)
