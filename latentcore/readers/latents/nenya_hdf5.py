"""Latents as nenya writes them: ``<input>_latents.h5``, ``train`` and ``valid`` (N, d).

Either partition may be absent. The same keys with more axes are images. The file has
no coordinates; a table may give those of its rows, ``train`` first.
"""

from __future__ import annotations

import numpy as np

from latentcore.containers import LatentSet, SourceRef
from latentcore.hdf5 import open_hdf5
from latentcore.readers import LATENTS_READERS, register_reader
from latentcore.readers._coords import fingerprint_with_coords, grid_from_coords
from latentcore.readers._partitions import (
    PARTITIONS,
    find_parts,
    load_parts,
    partition_ids,
    partitions_in,
)
from latentcore.readers._peek import Peek
from latentcore.storage import local_path


@register_reader(LATENTS_READERS, "nenya-latents")
class NenyaHdf5Latents:
    """Reader of nenya's latents."""

    description = "Latents of nenya: HDF5 with 'train' and 'valid' of shape (N, d)."
    wants = "'train' or 'valid' of shape (N, d)"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether a partition of rank 2 is there, and it isn't our own layout."""
        if peek.encoding_type:
            return False
        return any(len(peek.hdf5_shapes.get(name, ())) == 2 for name in PARTITIONS)

    def open(self, ref: SourceRef) -> LatentSet:
        """Read all partitions, ``train`` first."""
        path = local_path(ref.location)
        with open_hdf5(path) as file:
            present = [name for name in PARTITIONS if name in file]
            names = present or PARTITIONS[:1]
            parts = find_parts(file, names)
            values, partition = load_parts(parts), partitions_in(names, parts)
        return LatentSet(
            values=values,
            sample_ids=partition_ids(partition.each),
            dims=np.arange(values.shape[1], dtype=np.int32),
            grid=grid_from_coords(len(values), ref),
            partition=partition,
            ref=ref,
            fingerprint=fingerprint_with_coords(path, ref),
        )
