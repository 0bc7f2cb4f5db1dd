"""Partitions: HDF5 datasets of one file that hold parts of the samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import Partitions
from latentcore.errors import MalformedFileError
from latentcore.hdf5 import dataset, load

# Of nenya's files; either may be absent.
PARTITIONS = ("train", "valid")


def find_parts(file: h5py.File, names: Sequence[str]) -> list[h5py.Dataset]:
    """Return the datasets of the names, each of shape (n, d), of one d."""
    parts = [_part(file, name) for name in names]
    widths = sorted({part.shape[1] for part in parts})
    if len(widths) > 1:
        shapes = ", ".join(
            f"{name!r} {part.shape}" for name, part in zip(names, parts, strict=True)
        )
        message = (
            f"The partitions of {Path(file.filename).name!r} have different numbers of latent "
            f"dimensions: {shapes}. They must come from one model."
        )
        raise MalformedFileError(message)
    return parts


def load_parts(parts: Sequence[h5py.Dataset]) -> NDArray[np.float32]:
    """Read datasets, one after the other, shape (n, d)."""
    return np.concatenate([load(part).astype(np.float32, copy=False) for part in parts])


def partitions_in(names: Sequence[str], parts: Sequence[h5py.Dataset]) -> Partitions:
    """Return which dataset each row came from."""
    sizes = {name: len(part) for name, part in zip(names, parts, strict=True) if len(part)}
    codes = np.repeat(np.arange(len(sizes), dtype=np.int32), list(sizes.values()))
    return Partitions(tuple(sizes), codes)


def partition_ids(partition: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return ids such as ``train/0``: partition and row therein."""
    ids = np.empty(len(partition), object)
    for name in np.unique(partition):
        rows = np.flatnonzero(partition == name)
        ids[rows] = [f"{name}/{row}" for row in range(len(rows))]
    return ids.astype(np.str_)


def _part(file: h5py.File, name: str) -> h5py.Dataset:
    found = dataset(file, name)
    if found.ndim != 2 or 0 in found.shape[1:]:
        message = (
            f"{name!r} of {Path(file.filename).name!r} has shape {found.shape}, but latents have "
            "shape (n, d). Images are opened as samples."
        )
        raise MalformedFileError(message)
    return found
