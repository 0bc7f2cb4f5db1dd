"""The prepared patterns of a training: read and prepared once, then available in any order.

Up to 2 GB they stay in memory; beyond, half-precision numbers in a file of the scratch folder,
which the system keeps in memory as far as there is room.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentcore.containers import SampleSource
from latentcore.encoding._blocks import prefetched, prepared_batches
from latentcore.errors import RequestError, ShapeError
from latentcore.preparation import Preparer
from latentcore.progress import Progress

_LARGEST_IN_MEMORY = 2 << 30
_FILE = "prepared.f16"
# Beside the file come the states of the training.
_SPARE_ON_DISK = 1 << 28
_LARGEST_ON_DEVICE = 0.25
_READ_ROWS = 512
_FEWEST = 8


@dataclass(frozen=True, eq=False)
class TrainingPatterns:
    """Prepared patterns that can be learned from.

    Attributes
    ----------
    values : ndarray of float32 or float16, shape (m, C, H, W)
    rows : ndarray of int64, shape (m,)
        Their rows in the source, ascending.
    train, held_out : ndarray of int64
        Positions in `values`.
    n_not_finite, n_constant : int
        Chosen samples that were left out: with NaN or infinite pixels, or without any contrast.
    """

    values: NDArray[Any]
    rows: NDArray[np.int64]
    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    n_not_finite: int
    n_constant: int

    def blocks(self, size: int = 1024) -> Iterator[NDArray[np.float32]]:
        """Yield all patterns in order, as float32."""
        for start in range(0, len(self.values), size):
            yield np.asarray(self.values[start : start + size], np.float32)


def check_room(n: int, shape: Sequence[int], scratch: Path) -> None:
    """Refuse patterns for which neither memory nor disk has room, before any is read.

    Parameters
    ----------
    n : int
        Patterns.
    shape : sequence of int
        (C, H, W) of a prepared one.
    scratch : Path
        Where the file would lie; what an earlier attempt left there is written over.

    Raises
    ------
    RequestError
        If the disk is too full.
    """
    values = n * math.prod(shape)
    if 4 * values <= _LARGEST_IN_MEMORY:
        return
    old = scratch / _FILE
    free = shutil.disk_usage(scratch).free + (old.stat().st_size if old.is_file() else 0)
    if 2 * values + _SPARE_ON_DISK <= free:
        return
    message = (
        f"The {n:,} chosen patterns take {2 * values / 1e9:,.1f} GB once they are prepared, too "
        f"much for memory, and the disk of the run folder has {free / 1e9:,.1f} GB free. Choose "
        f"fewer points, prepare them to a smaller size (size=HxW), or make room: "
        f"{(2 * values + _SPARE_ON_DISK - free) / 1e9:,.1f} GB more."
    )
    raise RequestError(message)


def collect_patterns(
    source: SampleSource,
    rows: NDArray[np.int64],
    preparer: Preparer,
    *,
    scratch: Path,
    held_out: float,
    seed: int,
    progress: Progress,
    largest_in_memory: int = _LARGEST_IN_MEMORY,
) -> TrainingPatterns:
    """Read and prepare the chosen samples, and set some aside.

    Parameters
    ----------
    rows : ndarray of int64, shape (m,)
        Ascending.
    scratch : Path
        For a file, where they don't fit in memory.
    held_out : float
        Share that is set aside, at least one pattern.
    progress : Progress
        Steps are samples.
    largest_in_memory : int
        Bytes of float32.

    Raises
    ------
    ShapeError
        If the samples can't become patterns of one channel.
    RequestError
        If fewer than 8 patterns have finite pixels and contrast.
    """
    shape = preparer.output_shape
    if shape[0] != 1:
        message = f"The encoders that can be trained take 1 channel, not {shape[0]}: channels=1."
        raise ShapeError(message)
    store = _store((len(rows), *shape), scratch, largest_in_memory)
    good = np.zeros(len(rows), np.bool_)
    kept = done = not_finite = constant = 0
    with prefetched(prepared_batches(source, rows, preparer, _READ_ROWS)) as ready:
        for batch in ready:
            progress.step(done, len(rows), "reading and preparing")
            usable = batch.finite & ~batch.constant
            count = int(usable.sum())
            store[kept : kept + count] = batch.values[usable]
            good[done : done + len(usable)] = usable
            kept, done = kept + count, done + len(usable)
            not_finite += int((~batch.finite).sum())
            constant += int(batch.constant.sum())
    _check_count(kept, len(rows), not_finite, constant)
    order = np.random.default_rng([seed, 1]).permutation(kept)
    n_held = max(1, round(held_out * kept)) if held_out > 0 else 0
    return TrainingPatterns(
        values=store[:kept],
        rows=rows[good],
        train=np.sort(order[n_held:]),
        held_out=np.sort(order[:n_held]),
        n_not_finite=not_finite,
        n_constant=constant,
    )


class Feeder:
    """Hands out batches as tensors on a device.

    Parameters
    ----------
    values : ndarray, shape (m, …)
    device : torch.device
        On an accelerator the whole lies there if it takes at most a quarter of its memory; else
        batches are copied from pinned memory while the step before is computed.
    """

    def __init__(self, values: NDArray[Any], device: torch.device) -> None:
        self._device = device
        self._values = values
        fits = device.type == "cpu" or values.nbytes <= _LARGEST_ON_DEVICE * _memory_of(device)
        resident = fits and not isinstance(values, np.memmap)
        self._whole = torch.from_numpy(values).to(device) if resident else None

    def __call__(self, positions: NDArray[np.int64]) -> torch.Tensor:
        """Return the values at some positions, float32, on the device."""
        if self._whole is not None:
            return self._whole.index_select(0, to_device(positions, self._device)).float()
        return to_device(np.ascontiguousarray(self._values[positions]), self._device).float()


def to_device(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Copy values to a device; to a GPU from pinned memory, without waiting for it."""
    tensor = torch.from_numpy(values)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def _memory_of(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return 0


def _store(shape: tuple[int, ...], scratch: Path, largest: int) -> NDArray[Any]:
    if int(np.prod(shape)) * 4 <= largest:
        return np.empty(shape, np.float32)
    scratch.mkdir(parents=True, exist_ok=True)
    return np.memmap(scratch / _FILE, np.float16, "w+", shape=shape)


def _check_count(kept: int, n: int, not_finite: int, constant: int) -> None:
    if kept >= _FEWEST:
        return
    message = (
        f"Of {n} chosen patterns {kept} can be learned from ({not_finite} have NaN or infinite "
        f"pixels, {constant} have the same value everywhere once they are prepared). A training "
        f"needs at least {_FEWEST}: choose more points, or look at the patterns and the "
        "preparation."
    )
    raise RequestError(message)
