"""Write ``<input>_latents.h5``.

The layout is described by its reader, `latentcore.readers.latents.latentcore_hdf5`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from latentcore.artifacts.json_text import to_json
from latentcore.artifacts.whole_files import temporary_of
from latentcore.containers import LatentSet, ScanGrid
from latentcore.errors import RequestError

_RESERVED = ("coords", "dims", "labels", "sample_ids")
_WITHOUT_PARTITION = "samples"
_IDS_AT_ONCE = 1 << 18


def latents_name(location: str) -> str:
    """Return what the latents of an input are called: ``scan.h5`` → ``scan_latents.h5``."""
    return f"{Path(location).stem}_latents.h5"


def write_latents(path: Path, latents: LatentSet, *, coords_dtype: DTypeLike | None = None) -> None:
    """Write latents to an HDF5 file, which appears when it is complete.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    latents : LatentSet
        Rows are written partition by partition, in the order in which the partitions appear.
    coords_dtype : dtype, optional
        Type of ``coords``; by default int32 where all coordinates are whole numbers, else
        float64.

    Raises
    ------
    RequestError
        If a partition has a name that the layout needs for itself.
    """
    latents, names = _by_partition(latents)
    temporary = temporary_of(path)
    try:
        with h5py.File(temporary, "w") as file:
            _write_attributes(file, latents, names)
            _write_datasets(file, latents, names, coords_dtype)
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _by_partition(latents: LatentSet) -> tuple[LatentSet, tuple[str, ...]]:
    partition = latents.partition
    if partition is None:
        return latents, ()
    for name in partition.names:
        if name in _RESERVED or "/" in name or name in ("", "."):
            message = (
                f"A partition can't be called {name!r}. Reserved are {', '.join(_RESERVED)}, and "
                "a name holds no '/'."
            )
            raise RequestError(message)
    if (np.diff(partition.codes) >= 0).all():
        return latents, partition.names  # as they are read: they need not be in memory
    return latents.take(np.argsort(partition.codes, kind="stable")), partition.names


def _write_attributes(file: h5py.File, latents: LatentSet, names: Sequence[str]) -> None:
    file.attrs["encoding-type"] = "latentcore-latents"
    file.attrs["encoding-version"] = "1"
    if names:
        file.attrs["partitions"] = to_json(names)
    if latents.grid is not None:
        file.attrs["unit"] = latents.grid.unit
        file.attrs["step"] = np.array(latents.grid.step, np.float64)
        if (
            latents.grid.hexagonal
        ):  # of fixed length: unlike text of any length it holds no pointers
            file.attrs["grid"] = np.bytes_(latents.grid.kind)
    if latents.provenance is not None:
        file.attrs["provenance"] = to_json(asdict(latents.provenance))


def _write_datasets(
    file: h5py.File, latents: LatentSet, names: Sequence[str], coords_dtype: DTypeLike | None
) -> None:
    n, d = latents.shape
    sizes = [n] if latents.partition is None else latents.partition.count().tolist()
    ends = np.cumsum(sizes).tolist()
    parts = [
        (end - size, end, file.create_dataset(name, (size, d), np.float32))
        for name, size, end in zip(names or [_WITHOUT_PARTITION], sizes, ends, strict=True)
    ]
    for rows, block in latents.blocks():
        for start, end, part in parts:
            first, last = max(start, rows.start), min(end, rows.stop)
            if first < last:
                own = block[first - rows.start : last - rows.start]
                part[first - start : last - start] = own
    file.create_dataset("dims", data=latents.dims.astype(np.int32))
    file.create_dataset("sample_ids", data=_ids(latents))
    if latents.labels is not None:
        file.create_dataset("labels", data=latents.labels.astype(np.int32))
    if latents.grid is not None:
        file.create_dataset("coords", data=_coords(latents.grid, coords_dtype))


def _coords(grid: ScanGrid, dtype: DTypeLike | None) -> NDArray[np.generic]:
    coords = np.column_stack([grid.x, grid.y])
    if dtype is None:
        whole = coords.size == 0 or bool(
            (coords == np.rint(coords)).all() and np.abs(coords).max() <= np.iinfo(np.int32).max
        )
        dtype = np.int32 if whole else np.float64
    return coords.astype(dtype)


def _ids(latents: LatentSet) -> NDArray[np.bytes_]:
    """Return fixed-length UTF-8: unlike text of any length it holds no pointers."""
    n = len(latents)
    pieces = [np.arange(start, min(n, start + _IDS_AT_ONCE)) for start in range(0, n, _IDS_AT_ONCE)]
    encoded = [np.char.encode(latents.ids_of(rows).astype(np.str_), "utf-8") for rows in pieces]
    return np.concatenate([np.empty(0, "S1"), *encoded])
