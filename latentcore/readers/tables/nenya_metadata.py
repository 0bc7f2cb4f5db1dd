"""The table of the cutouts in nenya's own HDF5: ``train_metadata``, ``valid_metadata``.

Each is (N, k), text of fixed length or numbers, its columns named by the attribute ``columns``
where there is one. A row is about the cutout of the same number in its partition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np

from latentcore.containers import SampleTable, SourceRef
from latentcore.errors import MalformedFileError
from latentcore.hdf5 import attribute_value, dataset, load, open_hdf5
from latentcore.readers import TABLES_READERS, register_reader
from latentcore.readers._columns import read_columns
from latentcore.readers._partitions import PARTITIONS, partition_ids
from latentcore.readers._peek import Peek
from latentcore.storage import content_fingerprint, local_path

if TYPE_CHECKING:
    import pandas as pd

_MOST_COLUMNS = 1_000


@register_reader(TABLES_READERS, "nenya-metadata")
class NenyaMetadata:
    """Reader of the metadata in nenya's HDF5."""

    description = "The table of the cutouts in nenya's HDF5: 'train_metadata', 'valid_metadata'."
    wants = "'train_metadata' or 'valid_metadata' of shape (N, k)"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether there is such a dataset."""
        return any(len(peek.hdf5_shapes.get(f"{name}_metadata", ())) == 2 for name in PARTITIONS)

    def open(self, ref: SourceRef) -> SampleTable:
        """Read the metadata of all partitions."""
        import pandas as pd

        path = local_path(ref.location)
        with open_hdf5(path) as file:
            present = [name for name in PARTITIONS if f"{name}_metadata" in file]
            parts = [_read_part(file, name) for name in present or PARTITIONS[:1]]
        if any(list(part.columns) != list(parts[0].columns) for part in parts):
            message = (
                f"The metadata of the partitions of {path.name!r} have different columns: "
                f"{' and '.join(', '.join(part.columns) for part in parts)}."
            )
            raise MalformedFileError(message)
        values, categories = read_columns(pd.concat(parts, ignore_index=True))
        partition = np.repeat(np.array(present), [len(part) for part in parts])
        return SampleTable(
            values=np.stack(list(values.values())) if values else np.empty((0, len(partition))),
            names=tuple(values),
            units=("",) * len(values),
            sample_ids=partition_ids(partition),
            categories=categories,
            ref=ref,
            fingerprint=content_fingerprint(path),
        )


def _read_part(file: h5py.File, partition: str) -> pd.DataFrame:
    import pandas as pd

    found = dataset(file, f"{partition}_metadata", kinds="iufS")
    if found.ndim != 2 or not 0 < found.shape[1] <= _MOST_COLUMNS:
        message = (
            f"'{partition}_metadata' has the shape {found.shape}; it needs a row per cutout and a "
            "column per value."
        )
        raise MalformedFileError(message)
    cells = load(found)
    if cells.dtype.kind == "S":
        cells = np.char.decode(cells.astype(np.bytes_), "utf-8", "replace")
    return pd.DataFrame(dict(zip(_names(found), cells.T, strict=True)))


def _names(found: h5py.Dataset) -> list[str]:
    """Return the columns' names, ``column_0`` … where the file names none."""
    try:
        value = attribute_value(found, "columns")
        given = np.ravel(np.asarray(() if value is None else value))
    except (OSError, TypeError, ValueError, RuntimeError):
        given = np.array(())
    names = [
        one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in given
    ]
    if len(set(names)) != found.shape[1] or len(names) != found.shape[1]:
        return [f"column_{number}" for number in range(found.shape[1])]
    return names
