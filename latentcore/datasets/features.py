"""Features as they were stored, as a PyTorch ``Dataset``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from latentcore.datasets.collate import Item
from latentcore.errors import RequestError
from latentcore.readers.stored_features import StoredFeatures, open_features

Features = torch.Tensor | tuple[torch.Tensor, ...]


class FeatureDataset(Dataset[Any]):
    """Samples of kinoml's NPZ or awkward parquet, as they were stored.

    A sample of one array is a tensor, one of several a tuple of tensors; shapes and types are
    those of the file, and may differ from sample to sample (``collate_fn=padded`` or ``as_lists``
    of a ``DataLoader`` makes batches of them). With y in the file, items are pairs (features, y).

    Parameters
    ----------
    path : str or Path
    split : str, optional
        Only the rows of ``idx_<split>``, in their order.
    lazy : bool
        Read a sample when it is asked for, each time; otherwise all are read once and held.

    Attributes
    ----------
    splits : tuple of str
        The splits that the file has.
    y : Tensor or None
        Of the samples of this dataset.

    Raises
    ------
    InputError
        If the file can't be read, or has no such split.
    """

    def __init__(self, path: str | Path, *, split: str | None = None, lazy: bool = False) -> None:
        self._path = Path(path)
        self._stored: StoredFeatures | None = None
        self._process = 0
        stored = self._own()
        self.splits = tuple(stored.splits)
        if split is not None and split not in stored.splits:
            self.close()
            known = ", ".join(self.splits) or "none"
            message = f"{self._path.name!r} has no split {split!r}. There are: {known}."
            raise RequestError(message)
        self._rows = np.arange(len(stored)) if split is None else stored.splits[split]
        y = stored.y
        self.y = None if y is None else torch.from_numpy(np.array(y)[self._rows])
        self._held = None if lazy else [self._read(int(row)) for row in self._rows]
        if not lazy:
            self.close()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int | slice | Sequence[int] | NDArray[np.integer]) -> Any:
        """Return one item, or a list of those that a slice or an array names."""
        if isinstance(index, int | np.integer):
            place = range(len(self))[int(index)]  # IndexError ends a loop over the dataset
            sample = self._read(int(self._rows[place])) if self._held is None else self._held[place]
            return sample if self.y is None else Item(sample, self.y[place])
        return [self[int(place)] for place in np.arange(len(self))[index]]

    def input_size(self) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
        """Return the shape of a sample, or of each of its arrays: the largest on every axis.

        All samples are looked at.

        Raises
        ------
        RequestError
            If there are no samples, or they differ in their number of axes.
        """
        largest: list[tuple[int, ...]] = []
        for place in range(len(self)):
            sample = self[place] if self.y is None else self[place][0]
            arrays = sample if isinstance(sample, tuple) else (sample,)
            shapes = [tuple(array.shape) for array in arrays]
            if not largest:
                largest = shapes
            if [len(shape) for shape in shapes] != [len(shape) for shape in largest]:
                message = "Samples have different numbers of axes, so they have no common size."
                raise RequestError(message)
            largest = [tuple(map(max, *both)) for both in zip(shapes, largest, strict=True)]
        if not largest:
            message = "There is no sample, so nothing has a size."
            raise RequestError(message)
        return largest[0] if len(largest) == 1 else tuple(largest)

    def close(self) -> None:
        """Close the file; it is opened again where a sample is read."""
        if self._stored is not None and self._process == os.getpid():
            self._stored.close()
        self._stored = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to another process: not the open file."""
        return {**self.__dict__, "_stored": None}

    def _own(self) -> StoredFeatures:
        """Return the file as this process has opened it; one inherited by a fork is let be."""
        if self._stored is None or self._process != os.getpid():
            self._stored, self._process = open_features(self._path), os.getpid()
        return self._stored

    def _read(self, row: int) -> Features:
        tensors = tuple(torch.from_numpy(np.array(one)) for one in self._own().sample(row))
        return tensors[0] if len(tensors) == 1 else tensors
