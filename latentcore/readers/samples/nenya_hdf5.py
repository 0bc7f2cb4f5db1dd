"""Cutouts as nenya's preprocessing leaves them: HDF5 with ``train`` and ``valid``.

Each is (N, H, W) or (N, C, H, W); either may be absent. ``train_labels`` and ``valid_labels`` hold
a whole number per cutout. ``train_metadata`` and ``valid_metadata`` are read as a table
(`latentcore.readers.tables`). The same keys with two axes are latents. There is no scan grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.hdf5 import attribute_value, dataset, load, open_checked
from latentcore.readers import SAMPLES_READERS, register_reader
from latentcore.readers._hdf5_rows import Hdf5Rows, JoinedRows
from latentcore.readers._partitions import PARTITIONS, partition_ids
from latentcore.readers._peek import Peek
from latentcore.readers._rows import RowsSource
from latentcore.storage import local_path

_IMAGE_RANKS = (3, 4)
# A cutout without a label of its own, in a file whose other partition has labels.
_NO_LABEL = -1
_LOOKED_AT = 16
# Demeaned in float32, the rest of a mean is about 1e-6 of the spread; weather is never 1e-3.
_DEMEANED = 1e-3
_MOST_ATTRIBUTES = 12
_LONGEST_ATTRIBUTE = 16


@register_reader(SAMPLES_READERS, "nenya-hdf5")
class NenyaHdf5:
    """Reader of nenya's cutouts."""

    description = "Cutouts of nenya: HDF5 with 'train' and 'valid' of shape (N, [C,] H, W)."
    wants = "'train' or 'valid' of shape (N, H, W) or (N, C, H, W)"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether a partition holds images; latents have two axes."""
        if peek.encoding_type or "images" in peek.hdf5_shapes:
            return False
        names = _partitions(peek.options)
        return any(len(peek.hdf5_shapes.get(name, ())) in _IMAGE_RANKS for name in names)

    def open(self, ref: SourceRef) -> SampleSource:
        """Open all partitions, one after the other.

        Parameters
        ----------
        ref : SourceRef
            Its option ``partitions`` (names, or text with commas) names other datasets than
            ``train`` and ``valid``.
        """
        path = local_path(ref.location)
        file = open_checked(path)
        try:
            names = _partitions(ref.options)
            present = [name for name in names if name in file] or list(names[:1])
            parts = {name: Hdf5Rows(file, name) for name in present}
            rows = JoinedRows(parts, path.name)
            partition = np.repeat(np.array(present), [len(one) for one in parts.values()])
            return RowsSource(
                ref=ref,
                paths=(path,),
                rows=rows,
                sample_ids=partition_ids(partition),
                partition=partition,
                labels=_labels(file, parts),
                notes=(*_about_means(parts), *_about_metadata(file, present), *_attributes(file)),
            )
        except BaseException:
            file.close()
            raise


def _partitions(options: object) -> tuple[str, ...]:
    given = cast("dict[str, object]", options).get("partitions")
    if isinstance(given, str):
        given = [name.strip() for name in given.split(",")]
    names = tuple(str(name) for name in cast("Sequence[str]", given or ()) if name)
    return tuple(dict.fromkeys(names)) or PARTITIONS


def _labels(file: h5py.File, parts: dict[str, Hdf5Rows]) -> NDArray[np.int32] | None:
    labels = [np.full(len(rows), _NO_LABEL, np.int32) for rows in parts.values()]
    found = [name for name in parts if f"{name}_labels" in file]
    for number, name in enumerate(parts):
        if name in found:
            values = dataset(file, f"{name}_labels", kinds="iu")
            if values.shape not in ((len(parts[name]),), (len(parts[name]), 1)):
                message = (
                    f"'{name}_labels' of {Path(file.filename).name!r} has shape {values.shape}, "
                    f"but {name!r} holds {len(parts[name])} cutouts. Write one label per cutout."
                )
                raise MalformedFileError(message)
            labels[number] = load(values).ravel().astype(np.int32)
    return np.concatenate(labels) if found else None


def _about_means(parts: dict[str, Hdf5Rows]) -> tuple[str, ...]:
    """Tell whether the first cutouts look demeaned; nobody else records it."""
    looked = [rows.read(slice(0, _LOOKED_AT)) for rows in parts.values()]
    flat = np.concatenate([cutouts.reshape(len(cutouts), -1) for cutouts in looked])
    flat = flat[np.isfinite(flat).all(axis=1)].astype(np.float64)
    if len(flat) == 0:
        return ()
    means, spread = flat.mean(axis=1), flat.std(axis=1)
    if (np.abs(means) <= _DEMEANED * spread).all():
        return (f"The cutouts look demeaned: the means of {len(flat)} are 0.",)
    note = (
        f"The cutouts are not demeaned: the means of {len(flat)} run from {means.min():.4g} to "
        f"{means.max():.4g}. nenya demeans for training where its options say so, but encodes "
        "cutouts as they are; to demean them, prepare them with scale=demean."
    )
    return (note,)


def _about_metadata(file: h5py.File, present: list[str]) -> tuple[str, ...]:
    names = [f"{name}_metadata" for name in present if f"{name}_metadata" in file]
    return (f"{' and '.join(names)}: a table of the cutouts is there too.",) if names else ()


def _attributes(file: h5py.File) -> tuple[str, ...]:
    """Return the file's own short attributes, as it gives them."""
    found = []
    for name in list(file.attrs)[:_MOST_ATTRIBUTES]:
        try:
            value = np.asarray(attribute_value(file, name))
        except (OSError, TypeError, ValueError, RuntimeError):
            continue  # of a type that only its author's program knows
        if value.dtype.kind in "iufbU" and value.size <= _LONGEST_ATTRIBUTE:
            found.append(f"{name} = {value.tolist()}")
    return (f"The file says: {', '.join(found)}.",) if found else ()
