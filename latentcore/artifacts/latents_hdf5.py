"""Write ``<input>_latents.h5``.

The layout is described by its reader, `latentcore.readers.latents.latentcore_hdf5`.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from latentcore.artifacts.json_text import to_json
from latentcore.containers import LatentSet, ScanGrid
from latentcore.errors import RequestError

_RESERVED = ("coords", "dims", "labels", "sample_ids")
_WITHOUT_PARTITION = "samples"


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with h5py.File(temporary, "w") as file:
            _write_attributes(file, latents, names)
            _write_datasets(file, latents, names, coords_dtype)
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _by_partition(latents: LatentSet) -> tuple[LatentSet, list[str]]:
    if latents.partition is None:
        return latents, []
    _, first, number = np.unique(latents.partition, return_index=True, return_inverse=True)
    names = [str(latents.partition[row]) for row in sorted(first)]
    for name in names:
        if name in _RESERVED or "/" in name or name in ("", "."):
            message = (
                f"A partition can't be called {name!r}. Reserved are {', '.join(_RESERVED)}, and "
                "a name holds no '/'."
            )
            raise RequestError(message)
    rank = np.argsort(np.argsort(first))  # place of each name in the order of appearance
    order = np.argsort(rank[number], kind="stable")
    return latents.take(order), names


def _write_attributes(file: h5py.File, latents: LatentSet, names: list[str]) -> None:
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
    file: h5py.File, latents: LatentSet, names: list[str], coords_dtype: DTypeLike | None
) -> None:
    for name in names or [_WITHOUT_PARTITION]:
        rows = slice(None) if latents.partition is None else latents.partition == name
        file.create_dataset(name, data=np.ascontiguousarray(latents.values[rows]))
    file.create_dataset("dims", data=latents.dims.astype(np.int32))
    file.create_dataset("sample_ids", data=_as_bytes(latents.sample_ids))
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


def _as_bytes(ids: NDArray[np.str_]) -> NDArray[np.bytes_]:
    """Return fixed-length UTF-8: unlike text of any length it holds no pointers."""
    encoded: NDArray[np.bytes_] = np.char.encode(ids.astype(np.str_), "utf-8")
    return encoded.astype(f"S{max(1, encoded.dtype.itemsize)}")
