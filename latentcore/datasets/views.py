"""Samples and latents as PyTorch datasets; see `latentcore.datasets`."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from latentcore.containers import LatentSet, SampleSource, SourceRef
from latentcore.encoding.denoised import denoised, denoising_record, pixels_of
from latentcore.errors import RequestError
from latentcore.preparation import Preparation, Preparer
from latentcore.readers import open_latents, open_ref, open_samples

Index = int | slice | Sequence[int] | NDArray[np.integer] | torch.Tensor
Transform = Callable[[torch.Tensor], torch.Tensor]


class _Rows(Dataset[Any], ABC):
    """What both views share: rows by number, slice or array, a transform, and a target.

    Parameters
    ----------
    transform : callable or None
        Tensor of one sample → tensor.
    target : ndarray or None, shape (n,) or (n, k)
    """

    def __init__(
        self, n: int, transform: Transform | None, target: NDArray[np.generic] | None
    ) -> None:
        self._n = n
        self._transform = transform
        self._target = None if target is None else torch.from_numpy(np.ascontiguousarray(target))

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: Index) -> Any:
        """Return one sample, or a batch of those that a slice or an array names.

        With a target: (sample or batch, target).
        """
        rows = self._numbers(index)
        batch = self._transformed(self._read(rows))
        one = isinstance(index, int | np.integer)
        samples = batch[0] if one else batch
        if self._target is None:
            return samples
        chosen = self._target[torch.from_numpy(rows)]
        return samples, chosen[0] if one else chosen

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Return several samples, read together: what a ``DataLoader`` asks for."""
        rows = self._numbers(np.asarray(indices, np.int64))
        batch = self._transformed(self._read(rows))
        if self._target is None:
            return list(batch)
        return list(zip(batch, self._target[torch.from_numpy(rows)], strict=True))

    @abstractmethod
    def _read(self, rows: NDArray[np.int64]) -> torch.Tensor:
        """Return rows in the order asked."""

    def _numbers(self, index: Index) -> NDArray[np.int64]:
        if isinstance(index, slice):
            return np.arange(self._n, dtype=np.int64)[index]
        rows = np.atleast_1d(np.asarray(index))
        if rows.dtype == np.bool_ and rows.shape == (self._n,):
            rows = np.flatnonzero(rows)
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
            message = f"Rows are whole numbers, a slice or a mask, not {rows.dtype} {rows.shape}."
            raise IndexError(message)
        rows = rows.astype(np.int64)
        rows = np.where(rows < 0, rows + self._n, rows)
        if ((rows < 0) | (rows >= self._n)).any():
            message = f"Row {index} was asked for, but there are rows 0 to {self._n - 1}."
            raise IndexError(message)
        return rows

    def _transformed(self, batch: torch.Tensor) -> torch.Tensor:
        if self._transform is None or len(batch) == 0:
            return batch
        return torch.stack([self._transform(sample) for sample in batch])


class SampleDataset(_Rows):
    """Samples of any file that a samples reader knows.

    Parameters
    ----------
    samples : str, Path, SourceRef or SampleSource
        A location, or something opened, which is opened anew where it is read.
    preparation : Preparation or str, optional
        Samples are prepared with it, float32; text is a scale: ``"z_score"``. Without it they
        come in the file's dtype.
    transform : callable, optional
        Tensor of one sample → tensor; after the preparation.
    target : str or array_like, optional
        ``"labels"`` for the file's own, or one entry per sample; items are then pairs.
    reader : str, optional
        Of a location.

    Attributes
    ----------
    sample_shape : tuple of int
        (C, H, W) or (C, T, H, W), as they come out before `transform`.

    Raises
    ------
    InputError
        If the file can't be read, or has no labels though they were asked for.
    """

    def __init__(
        self,
        samples: str | Path | SourceRef | SampleSource,
        *,
        preparation: Preparation | str | None = None,
        transform: Transform | None = None,
        target: str | Any | None = None,
        reader: str | None = None,
    ) -> None:
        with _opened_anew(samples, reader) as source:
            self.ref = source.ref
            recipe = Preparation(scale=preparation) if isinstance(preparation, str) else preparation
            self._preparer = None if recipe is None else Preparer(recipe, source.sample_shape)
            # Found once here, not by each process that reads.
            self._denoising = {} if recipe is None else denoising_record(denoised(source, recipe))
            self.sample_shape = (
                source.sample_shape if self._preparer is None else self._preparer.output_shape
            )
            known = {"labels": source.labels}
            super().__init__(len(source), transform, _target(target, known, len(source)))
        self._source: SampleSource | None = None
        self._inherited: SampleSource | None = None
        self._process = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to another process: not the open file."""
        return {**self.__dict__, "_source": None, "_inherited": None, "_process": 0}

    def _read(self, rows: NDArray[np.int64]) -> torch.Tensor:
        source = self._own_source()
        values = source.read(rows)
        if self._preparer is not None:
            values = self._preparer.prepare(values, pixels_of(source)).values
        return torch.from_numpy(np.ascontiguousarray(values))

    def _own_source(self) -> SampleSource:
        """Return the file as this process has opened it; one inherited by a fork is let be."""
        if self._source is None or self._process != os.getpid():
            self._inherited = self._source  # closing it is the business of who opened it
            self._source, self._process = self._opened(), os.getpid()
        return self._source

    def _opened(self) -> SampleSource:
        source = open_ref(self.ref)
        if self._preparer is None:
            return source
        found = self._denoising.get("denoising")
        return denoised(source, self._preparer.preparation, recorded=found)


class LatentDataset(_Rows):
    """Latents of any file that a latents reader knows: kinoml's and cosmos' features among them.

    Latents are small, so they are held in memory, and shared with workers by a fork.

    Parameters
    ----------
    latents : str, Path or LatentSet
    partition : str, optional
        Only the samples of it: ``"train"``.
    transform : callable, optional
        Tensor of float32, shape (d,) → tensor.
    target : str or array_like, optional
        ``"labels"`` or ``"targets"`` for the file's own, or one entry for each sample of the
        file; items are then pairs.
    reader : str, optional
        Of a location, with its options: ``"kinoml-npz:pooling=max"``.

    Attributes
    ----------
    latents : LatentSet
        Those that the rows count.

    Raises
    ------
    InputError
        If the file can't be read, or lacks the partition or target asked for.
    """

    def __init__(
        self,
        latents: str | Path | LatentSet,
        *,
        partition: str | None = None,
        transform: Transform | None = None,
        target: str | Any | None = None,
        reader: str | None = None,
    ) -> None:
        if not isinstance(latents, LatentSet):
            latents = open_latents(latents, reader=reader)
        known = {"labels": latents.labels, "targets": latents.targets}
        wanted = _target(target, known, len(latents))
        rows = _rows_of(latents, partition)
        self.latents = latents.take(rows)
        super().__init__(len(rows), transform, None if wanted is None else wanted[rows])

    def _read(self, rows: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(self.latents.values[rows])


def _opened_anew(
    samples: str | Path | SourceRef | SampleSource, reader: str | None
) -> SampleSource:
    if isinstance(samples, str | Path):
        return open_samples(samples, reader)
    return open_ref(samples if isinstance(samples, SourceRef) else samples.ref)


def _target(
    target: str | Any | None, known: dict[str, NDArray[Any] | None], n: int
) -> NDArray[np.generic] | None:
    if target is None:
        return None
    if isinstance(target, str):
        found = known.get(target)
        if found is None:
            there = ", ".join(name for name, values in known.items() if values is not None)
            message = f"There is no target {target!r} in the file. There are: {there or 'none'}."
            raise RequestError(message)
        return found.astype(np.int64) if target == "labels" else found
    values: NDArray[np.generic] = np.asarray(target)
    if values.ndim == 0 or len(values) != n or values.dtype.kind not in "buif":
        message = (
            f"The target is {values.dtype} of shape {values.shape}; it needs numbers, one row for "
            f"each of the {n} samples."
        )
        raise RequestError(message)
    return values


def _rows_of(latents: LatentSet, partition: str | None) -> NDArray[np.int64]:
    if partition is None:
        return np.arange(len(latents), dtype=np.int64)
    known = latents.partition
    if known is None or partition not in known.names:
        there = "none" if known is None else ", ".join(known.names)
        message = f"There is no partition {partition!r} in the latents. There are: {there}."
        raise RequestError(message)
    return np.flatnonzero(known.mask([partition]))
