"""Latents as a bare ``.npy``, (n,) or (n, d), with coordinates from elsewhere.

The array knows nothing of the scan. A table with x and y in the same row order (option
``coords``) places its rows; it may also hold just the rows of a ROI (option ``roi``), in the
order of that table, or, without a table, row-major with x fastest, as the seed's tools write
``latent_d40_roi_…npy``.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import LatentSet, Roi, ScanGrid, SourceRef, default_sample_ids
from latentcore.errors import MalformedFileError, RequestError, ShapeError, UnsafeFileError, cause
from latentcore.readers import LATENTS_READERS, register_reader
from latentcore.readers._coords import (
    fingerprint_with_coords,
    grid_from_coords,
    grid_of,
    roi_of,
    roi_text,
)
from latentcore.readers._peek import Peek
from latentcore.storage import local_path

_DIMENSION = re.compile(r"latent_d(\d{1,8})(?!\d)")


@register_reader(LATENTS_READERS, "npy-with-coords")
class NpyWithCoords:
    """Reader of NumPy arrays of latents."""

    description = "Latents as a NumPy array (n,) or (n, d); a table gives x and y of its rows."
    wants = "a NumPy .npy file"

    def recognizes(self, peek: Peek) -> bool:
        """Tell whether it is a ``.npy``."""
        return peek.is_npy

    def open(self, ref: SourceRef) -> LatentSet:
        """Read the latents.

        Parameters
        ----------
        ref : SourceRef
            Options: ``coords``, path of a table; ``roi``, (x0, x1, y0, y1).
        """
        path = local_path(ref.location)
        values = _load(path)
        return LatentSet(
            values=values,
            sample_ids=default_sample_ids(len(values)),
            dims=_dims(path, values.shape[1]),
            grid=_grid(len(values), ref),
            ref=ref,
            fingerprint=fingerprint_with_coords(path, ref),
        )


def _load(path: Path) -> NDArray[np.float32]:
    try:
        # Mapped, so that a header which declares more than the file holds costs no memory.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if "bject" in str(error) or "pickle" in str(error):
            message = (
                f"{path.name!r} holds pickled Python objects, which could run any program when "
                "read, so it is refused. Save plain numbers: np.save(path, values.astype('f4'))."
            )
            raise UnsafeFileError(message) from error
        message = f"The array {path.name!r} can't be read: {cause(error)}. Copy the file again."
        raise MalformedFileError(message) from error
    if array.ndim not in (1, 2) or array.dtype.kind not in "iuf" or array.size == 0:
        message = (
            f"{path.name!r} holds {array.dtype} of shape {array.shape}. Latents need numbers of "
            "shape (n,) for one dimension or (n, d) for several."
        )
        raise MalformedFileError(message)
    return np.array(array.reshape(len(array), -1), np.float32)


def _dims(path: Path, d: int) -> NDArray[np.int32]:
    """Return the dimensions: that of the file's name for a single one, else 0 to d - 1."""
    named = _DIMENSION.search(path.stem.lower())
    if d == 1 and named is not None:
        return np.array([int(named.group(1))], np.int32)
    return np.arange(d, dtype=np.int32)


def _grid(n: int, ref: SourceRef) -> ScanGrid | None:
    given = grid_from_coords(n, ref)
    roi = roi_of(ref)
    if given is not None or roi is None:
        return given
    return _grid_over_roi(n, Path(ref.location).name, roi)


def _grid_over_roi(n: int, name: str, roi: Roi) -> ScanGrid:
    if any(bound != math.floor(bound) for bound in roi.bounds):
        message = (
            f"Without coordinates the ROI must have whole bounds, but it is {roi_text(roi)}. "
            "Give ⟨coords⟩."
        )
        raise RequestError(message)
    x0, x1, y0, y1 = (int(bound) for bound in roi.bounds)
    columns, rows = x1 - x0, y1 - y0
    if columns * rows != n:
        message = (
            f"{name!r} has {n} rows, but the ROI {roi_text(roi)} has {columns} × {rows} = "
            f"{columns * rows} points. If the array holds the whole scan, give ⟨coords⟩."
        )
        raise ShapeError(message)
    row, column = np.divmod(np.arange(n), columns)
    return grid_of(column + x0, row + y0, name, step=(1.0, 1.0))
