"""Kikuchi patterns in the seed's HDF5 layout.

``/images`` (N, 1, H, W) or (N, H, W), any integer or float type; ``/coords`` (N, 2) = [x, y] with
x along columns, rows in any order. No attributes.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.containers import SampleSource, ScanGrid, SourceRef, default_sample_ids
from latentcore.errors import MalformedFileError
from latentcore.hdf5 import dataset, load, open_checked
from latentcore.readers import SAMPLES_READERS, register_reader
from latentcore.readers._coords import grid_of
from latentcore.readers._hdf5_rows import Hdf5Rows
from latentcore.readers._peek import Peek
from latentcore.readers._rows import RowsSource
from latentcore.storage import local_path


@register_reader(SAMPLES_READERS, "kikuchi-hdf5")
class KikuchiHdf5:
    """Reader of the seed's Kikuchi scans."""

    description = "Kikuchi patterns of one scan: HDF5 with 'images' and 'coords'."
    wants = "'images' and 'coords'"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether there is a dataset ``images``."""
        return "images" in peek.hdf5_shapes

    def open(self, ref: SourceRef) -> SampleSource:
        """Open a scan; without ``coords`` it has no grid."""
        path = local_path(ref.location)
        file = open_checked(path)
        try:
            rows = Hdf5Rows(file, "images")
            return RowsSource(
                ref=ref,
                paths=(path,),
                rows=rows,
                sample_ids=default_sample_ids(len(rows)),
                grid=_grid(file, path, len(rows)),
            )
        except BaseException:
            file.close()
            raise


def _grid(file: h5py.File, path: Path, n: int) -> ScanGrid | None:
    if "coords" not in file:
        return None
    found = dataset(file, "coords")
    if found.shape != (n, 2):
        message = (
            f"'coords' of {path.name!r} has shape {found.shape}, but its {n} images need {(n, 2)}: "
            "one [x, y] per pattern. Write coordinates and images from the same list of points."
        )
        raise MalformedFileError(message)
    coords: NDArray[np.generic] = load(found)
    return grid_of(coords[:, 0], coords[:, 1], path.name)
