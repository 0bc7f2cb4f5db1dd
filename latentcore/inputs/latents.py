"""The latents that a request names, cut to its ROI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, Roi
from latentcore.errors import RequestError
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
) -> LatentSet:
    """Read latents and cut them to a ROI; see `read_field` and `within_roi`."""
    field = read_field(location, folder, coords=coords, reader=reader, roi=roi, dims=dims)
    return within_roi(field, roi)


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
        return replace(latents, dims=np.array(dims, np.int32))
    return latents


def within_roi(latents: LatentSet, roi: Sequence[float] | None) -> LatentSet:
    """Return the latents in a ROI (x0, x1, y0, y1), all of them without one.

    Raises
    ------
    RequestError
        If they have no coordinates, or none is in the ROI.
    """
    if roi is None:
        return latents
    if latents.grid is None:
        name = "The file" if latents.ref is None else repr(Path(latents.ref.location).name)
        message = f"{name} has no coordinates, so a ROI means nothing: give ⟨coords⟩."
        raise RequestError(message)
    inside = Roi.from_bounds(roi).mask(latents.grid)
    return latents if inside.all() else latents.take(inside)


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
