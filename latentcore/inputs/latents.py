"""The latents that a request names, cut to its ROI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Roi
from latentcore.errors import RequestError
from latentcore.inputs.rows import rows_mask
from latentcore.readers import open_latents

_BARE_ARRAY = "npy-with-coords"
_NAMED_DIMENSION = re.compile(r"latent_d\d")


def read_latents(
    location: str,
    folder: RunFolder | None = None,
    *,
    coords: str | None = None,
    reader: str | None = None,
    roi: Sequence[float] | None = None,
    dims: Sequence[int] = (),
    rows: str | None = None,
) -> LatentSet:
    """Read latents, and only those in a ROI and of some rows; see `read_field`, `in_view`."""
    field = read_field(location, folder, coords=coords, reader=reader, roi=roi, dims=dims)
    inside = in_view(field, roi, rows, folder)
    return field if inside.all() else field.take(inside)


def read_field(
    location: str,
    folder: RunFolder | None = None,
    *,
    coords: str | None = None,
    reader: str | None = None,
    roi: Sequence[float] | None = None,
    dims: Sequence[int] = (),
) -> LatentSet:
    """Read all latents of a file, and record in the run folder that they were read.

    An ``.npy`` may hold the whole scan or just the ROI; its reader is given the ROI and finds out
    by the number of rows. One of a single dimension, whose name doesn't say which, holds the one
    dimension in `dims`.
    """
    options: dict[str, object] = {} if roi is None else {"roi": tuple(roi)}
    latents = open_latents(location, coords=coords, reader=reader, **options)
    if folder is not None:
        used = latents.ref.reader if latents.ref is not None else ""
        folder.add_input(location, used, latents.fingerprint, "latents")
    if len(dims) == 1 and is_nameless(latents):
        return latents.with_dims(dims)
    return latents


def in_view(
    latents: LatentSet,
    roi: Sequence[float] | None,
    rows: str | None,
    folder: RunFolder | None = None,
) -> NDArray[np.bool_]:
    """Return which latents lie in a ROI (x0, x1, y0, y1) and are among the rows that a file names.

    Returns
    -------
    ndarray of bool, shape (n,)
        All of them without a ROI and a file.

    Raises
    ------
    RequestError
        If they have no coordinates for a ROI, the file of rows can't be used, or none is left.
    """
    inside = np.ones(len(latents), np.bool_)
    if roi is not None:
        if latents.grid is None:
            name = "The file" if latents.ref is None else repr(Path(latents.ref.location).name)
            message = f"{name} has no coordinates, so a ROI means nothing: give ⟨coords⟩."
            raise RequestError(message)
        inside &= Roi.from_bounds(roi).mask(latents.grid)
    if rows is not None:
        inside &= rows_mask(rows, [np.arange(len(latents))], len(latents), folder)
        if not inside.any():
            message = (
                f"None of the rows that ⟨rows⟩ {Path(rows).name!r} names lies in the ROI. "
                "Choose a larger ROI, or other rows."
            )
            raise RequestError(message)
    return inside


def within_roi(latents: LatentSet, roi: Sequence[float] | None) -> LatentSet:
    """Return the latents in a ROI (x0, x1, y0, y1), all of them without one; see `in_view`."""
    inside = in_view(latents, roi, None)
    return latents if inside.all() else latents.take(inside)


def told_apart(locations: Sequence[str]) -> list[str]:
    """Return what tells files apart: stems, or their folders' names, or both and a number."""
    paths = [Path(location) for location in locations]
    stems, folders = [path.stem for path in paths], [path.parent.name for path in paths]
    for names in (stems, folders):
        if len(set(names)) == len(names) and all(names):
            return names
    return [f"{number} {path.parent.name}/{path.stem}" for number, path in enumerate(paths, 1)]


def is_bare_array(latents: LatentSet) -> bool:
    """Return whether they come from an array without coordinates of its own."""
    return latents.ref is not None and latents.ref.reader == _BARE_ARRAY


def is_nameless(latents: LatentSet) -> bool:
    """Return whether the file holds a single dimension and doesn't say which."""
    return (
        is_bare_array(latents)
        and latents.ref is not None
        and len(latents.dims) == 1
        and _NAMED_DIMENSION.search(Path(latents.ref.location).name.lower()) is None
    )
