"""HyperSpy's files, as RosettaSciIO writes them (``_hierarchical.py``): HDF5, and zarr stores."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numcodecs
import numpy as np
from numpy.typing import NDArray

__all__ = ["HyperSignal", "axis", "write_hspy", "write_zspy", "zip_folder"]


def axis(size: int, /, *, navigate: bool, **about: object) -> dict[str, object]:
    """Return the attributes of a uniform axis; `about` changes them."""
    return {
        "_type": "UniformDataAxis", "name": "x", "scale": 1.0, "offset": 0.0, "size": size,
        "units": "µm" if navigate else "<undefined>", "navigate": navigate, **about,
    }  # fmt: skip


@dataclass(frozen=True)
class HyperSignal:
    """A signal: an array, how many of its first dimensions are navigation, or its axes."""

    data: NDArray[Any]
    navigation: int = 2
    axes: Sequence[Mapping[str, object]] | None = None
    about: Mapping[str, object] = field(default_factory=dict)
    chunks: tuple[int, ...] | None = None

    def each_axis(self) -> Sequence[Mapping[str, object]]:
        return self.axes or [
            axis(size, navigate=number < self.navigation, name=f"axis {number}")
            for number, size in enumerate(self.data.shape)
        ]


def write_hspy(path: Path, signals: Mapping[str, HyperSignal], version: str = "3.3") -> None:
    """Write an ``.hspy``."""
    with h5py.File(path, "w") as file:
        file.attrs.update(file_format="HyperSpy", file_format_version=version)
        for name, signal in signals.items():
            group = file.create_group(f"Experiments/{name}")
            group.create_dataset(
                "data", data=signal.data, chunks=signal.chunks,
                compression="gzip" if signal.chunks else None,
            )  # fmt: skip
            for number, about in enumerate(signal.each_axis()):
                group.create_group(f"axis-{number}").attrs.update(about)
            group.create_group("metadata/Signal").attrs.update(signal.about)
            group.create_group("original_metadata")


def write_zspy(path: Path, signals: Mapping[str, HyperSignal], version: int = 2) -> None:
    """Write a ``.zspy`` folder: version 2 packed by Blosc as HyperSpy does, 3 by gzip."""
    shutil.rmtree(path, ignore_errors=True)
    _group(path, version, {"file_format": "ZSpy", "file_format_version": "3.3"})
    _group(path / "Experiments", version)
    for name, signal in signals.items():
        group = path / "Experiments" / name
        _group(group, version)
        _array(group / "data", version, signal.data, signal.chunks or signal.data.shape)
        for number, about in enumerate(signal.each_axis()):
            _group(group / f"axis-{number}", version, about)
        _group(group / "metadata", version)
        _group(group / "metadata" / "Signal", version, signal.about)


def _group(path: Path, version: int, attributes: Mapping[str, object] | None = None) -> None:
    path.mkdir()
    if version == 2:
        (path / ".zgroup").write_text('{"zarr_format": 2}')
        (path / ".zattrs").write_text(json.dumps(dict(attributes or {})))
        return
    about = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes or {})}
    (path / "zarr.json").write_text(json.dumps(about))


def _array(path: Path, version: int, data: NDArray[Any], chunks: tuple[int, ...]) -> None:
    path.mkdir()
    chunks = tuple(map(int, chunks))
    codec = numcodecs.Blosc("zstd", 1) if version == 2 else numcodecs.GZip()
    if version == 2:
        dtype = data.dtype.descr if data.dtype.names else data.dtype.str
        about = {
            "zarr_format": 2, "shape": data.shape, "chunks": chunks, "dtype": dtype, "order": "C",
            "compressor": codec.get_config(), "filters": None, "fill_value": 0,
            "dimension_separator": "/",
        }  # fmt: skip
    else:
        about = {
            "zarr_format": 3, "node_type": "array", "shape": data.shape, "fill_value": 0,
            "data_type": data.dtype.name, "attributes": {},
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
            "chunk_key_encoding": {"name": "default"},
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "gzip", "configuration": {"level": 1}},
            ],
        }  # fmt: skip
    (path / (".zarray" if version == 2 else "zarr.json")).write_text(json.dumps(about))
    for chunk in np.ndindex(
        *(-(-size // step) for size, step in zip(data.shape, chunks, strict=True))
    ):
        part = data[
            tuple(slice(i * step, (i + 1) * step) for i, step in zip(chunk, chunks, strict=True))
        ]
        whole = np.zeros(chunks, data.dtype)
        whole[tuple(map(slice, part.shape))] = part
        file = path.joinpath(*(["c"] if version == 3 else []), *map(str, chunk))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(codec.encode(whole))


def zip_folder(folder: Path, path: Path, top: str = "") -> None:
    """Pack a folder into a zip, below a folder `top` in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                packed.write(file, f"{top}{file.relative_to(folder)}")
