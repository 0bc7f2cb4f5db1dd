"""Our own latents, ``<input>_latents.h5``.

Root attributes: ``encoding-type`` = ``latentcore-latents``, ``encoding-version`` = ``1``,
``partitions`` (their names in row order; absent where there are none), ``unit`` and ``step`` of the
grid, ``provenance`` (JSON). Datasets: one float32 (n, d) per partition, ``samples`` where there
are none; over all rows, in the order of the partitions, ``coords`` (n, 2) = [x, y] where there is
a grid, ``sample_ids`` and ``labels`` where they are known; ``dims`` int32 (d,). Written by
`latentcore.artifacts.latents_hdf5`.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import (
    InputRecord,
    LatentSet,
    Partitions,
    Provenance,
    ScanGrid,
    SourceRef,
    default_sample_ids,
    later,
    later_sample_ids,
)
from latentcore.errors import MalformedFileError, OtherVersionError
from latentcore.format_versions import WAY_OUT, other_version
from latentcore.hdf5 import attribute_value, dataset, load, open_hdf5, text_attribute
from latentcore.readers import LATENTS_READERS, register_reader
from latentcore.readers._coords import fingerprint_with_coords, grid_from_coords, grid_of
from latentcore.readers._partitions import (
    find_parts,
    load_parts,
    partition_ids,
    partitions_in,
)
from latentcore.readers._peek import Peek
from latentcore.readers._stored_latents import stored_rows
from latentcore.storage import local_path
from latentcore.workers import lower_thread_priority

_ENCODING = "latentcore-latents"
_ROWS = 1 << 18
# Priority that the fingerprint of a large file has less than the page that is shown meanwhile.
_BEHIND = 10
_VERSION = "1"


@register_reader(LATENTS_READERS, "latentcore-hdf5")
class LatentcoreHdf5:
    """Reader of the latents that this program writes."""

    description = "Latents written by this program: HDF5 with 'encoding-type' latentcore-latents."
    wants = f"the attribute 'encoding-type' = {_ENCODING!r}"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether the file says that it is ours."""
        return peek.encoding_type == _ENCODING

    def open(self, ref: SourceRef) -> LatentSet:
        """Read the latents."""
        path = local_path(ref.location)
        with open_hdf5(path) as file:
            _check_version(file, path.name)
            names = _partition_names(file)
            parts = find_parts(file, names or ["samples"])
            n, d = sum(map(len, parts)), parts[0].shape[1]
            stored = stored_rows(parts, path)
            # All of a large file is read for it: who looks at the values first need not wait.
            steps = 0 if stored is None else _BEHIND
            beside = ThreadPoolExecutor(1, initializer=lower_thread_priority, initargs=(steps,))
            fingerprint: Any = beside.submit(fingerprint_with_coords, path, ref)
            beside.shutdown(wait=False)
            dims, labels = _vector(file, "dims", d), _vector(file, "labels", n)
            partition = partitions_in(names, parts) if names else None
            return LatentSet(
                values=load_parts(parts) if stored is None else later(stored.load),
                sample_ids=_sample_ids(file, partition, n, by_need=stored is not None),
                dims=np.arange(d, dtype=np.int32) if dims is None else dims,
                grid=_grid(file, n) or grid_from_coords(n, ref),
                partition=partition,
                labels=labels,
                ref=ref,
                fingerprint=fingerprint.result() if stored is None else fingerprint,
                provenance=_provenance(text_attribute(file, "provenance")),
                stored=stored,
            )


def _check_version(file: h5py.File, name: str) -> None:
    encoding = text_attribute(file, "encoding-type")
    if encoding != _ENCODING:
        message = (
            f"{name!r} has the encoding-type {encoding!r}, and no latents of this program, which "
            f"have {_ENCODING!r}. Leave ⟨reader⟩ out: the file's own is found then."
        )
        raise MalformedFileError(message)
    record = {
        "encoding-version": text_attribute(file, "encoding-version"),
        "provenance": _plain_json(text_attribute(file, "provenance")),
    }
    if other := other_version(record, _VERSION):
        message = f"{name!r} {other}. {WAY_OUT}"
        raise OtherVersionError(message)


def _partition_names(file: h5py.File) -> list[str]:
    text = text_attribute(file, "partitions")
    names = json.loads(text) if text else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        message = f"The attribute 'partitions' of {Path(file.filename).name!r} is no list of names."
        raise MalformedFileError(message)
    return names


def _vector(file: h5py.File, key: str, n: int) -> NDArray[np.int32] | None:
    if key not in file:
        return None
    found = dataset(file, key, kinds="iu")
    _check_shape(found, (n,))
    return load(found).astype(np.int32)


def _sample_ids(
    file: h5py.File, partition: Partitions | None, n: int, *, by_need: bool
) -> NDArray[np.str_]:
    if "sample_ids" in file:
        _check_shape(dataset(file, "sample_ids", kinds="S"), (n,))
        ids = partial(_ids_of, Path(file.filename))
        return later(ids, ids) if by_need else ids()
    if partition is not None:
        return partition_ids(partition.each)
    return later_sample_ids(n) if by_need else default_sample_ids(n)


def _ids_of(path: Path, rows: NDArray[np.integer] | slice = slice(None)) -> NDArray[np.str_]:
    with open_hdf5(path) as file:
        # All are read, which is fast, but only those that are wanted are decoded.
        found = load(dataset(file, "sample_ids", kinds="S")).astype(np.bytes_, copy=False)
        return np.char.decode(found[rows], "utf-8")


def _grid(file: h5py.File, n: int) -> ScanGrid | None:
    if "coords" not in file:
        return None
    found = dataset(file, "coords")
    _check_shape(found, (n, 2))
    x, y = np.empty((2, n))
    for start in range(0, n, _ROWS):  # pairs of 20 million rows would take as much memory again
        rows = slice(start, start + _ROWS)
        x[rows], y[rows] = load(found, rows).T
    given = attribute_value(file, "step")
    step = np.asarray(() if given is None else given, np.float64)
    return grid_of(
        x,
        y,
        Path(file.filename).name,
        unit=text_attribute(file, "unit"),
        step=(float(step[0]), float(step[1])) if step.shape == (2,) else None,
    )


def _check_shape(found: h5py.Dataset, wanted: tuple[int, ...]) -> None:
    if found.shape != wanted:
        message = (
            f"{found.name.lstrip('/')!r} of {Path(found.file.filename).name!r} has shape "
            f"{found.shape}, but the latents need {wanted}."
        )
        raise MalformedFileError(message)


def _plain_json(text: str) -> Any:
    """Return what a text of JSON says; None for any other text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _provenance(text: str) -> Provenance | None:
    """Return the provenance; what can't be understood is left out, the latents are still good."""
    try:
        record: dict[str, Any] = _plain_json(text)
        inputs = tuple(InputRecord(**entry) for entry in record.pop("inputs", ()))
        parents = tuple(record.pop("parents", ()))
        return Provenance(**record, inputs=inputs, parents=parents)
    except (ValueError, TypeError, AttributeError):
        return None
