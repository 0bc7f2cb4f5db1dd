"""A file of regions that a request names, and the points that they are laid on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.artifacts.region_files import LARGEST, regions_of
from latentcore.containers import LatentSet, RegionSet, ScanMaps, ScanPoints, quantities
from latentcore.errors import MalformedFileError, RequestError
from latentcore.inputs.latents import read_field
from latentcore.inputs.maps import maps_at, read_map
from latentcore.readers import LATENTS_READERS, recognize_all, split_reader
from latentcore.requests.map_specs import split_map_spec
from latentcore.storage import content_fingerprint, local_path

ALL_DIMS = "all"
# Of more dimensions nobody reads the statistics, unless they are asked for.
_USUAL_DIMS = 64


@dataclass(frozen=True, eq=False)
class Described:
    """Points, and what is known of each.

    Attributes
    ----------
    points : ScanPoints
    latents : LatentSet or None
        None where the points are those of maps.
    quantities : dict of str to ndarray of float32, shape (n,)
        Maps first, then latent dimensions.
    n_maps : int
        How many of the quantities are maps.
    notes : tuple of str
    """

    points: ScanPoints
    latents: LatentSet | None
    quantities: dict[str, NDArray[np.float32]]
    n_maps: int
    notes: tuple[str, ...] = field(default=())


def read_regions(location: str, folder: RunFolder | None = None) -> RegionSet:
    """Read a file of regions.

    Raises
    ------
    MalformedFileError
        If it is none of ours, damaged, or too large.
    """
    path = local_path(location)
    size = path.stat().st_size
    if not path.is_file() or size > LARGEST:
        what = f"has {size / 1e6:,.0f} MB" if path.is_file() else "is a folder"
        message = f"{path.name!r} {what}; a file of regions has at most {LARGEST / 1e6:,.0f} MB."
        raise MalformedFileError(message)
    found = regions_of(path.read_bytes(), repr(path.name))
    if folder is not None:
        folder.add_input(location, "regions", content_fingerprint(path), "regions")
    return found


def read_described(
    samples: str,
    folder: RunFolder,
    *,
    maps: Sequence[str] = (),
    dims: Sequence[str] | None = None,
    coords: str | None = None,
    reader: str | None = None,
) -> Described:
    """Read the points that regions are laid on, and the quantities to describe them by.

    Parameters
    ----------
    samples : str
        Latents, or a ``MAP``.
    maps : sequence of str
        Further ``MAP``, joined by x and y.
    dims : sequence of str, optional
        Latent dimensions, or ``"all"``; all of up to 64 where nothing is said.

    Raises
    ------
    InputError
        If something can't be read or joined.
    """
    further = [read_map(spec, folder, numbers=True) for spec in maps]
    if _are_latents(samples, coords, reader):
        latents = read_field(samples, folder, coords=coords, reader=reader)
        points, own = ScanPoints.of_latents(latents), []
        chosen, notes = _chosen_dims(latents, dims)
        values = {f"latent_d{dim}": latents.dimension(dim) for dim in chosen}
    else:
        latents, values, notes = None, {}, ()
        first = read_map(samples, folder, reader)
        points, own = ScanPoints.of_maps(first), [first]
        if dims is not None:
            message = f"⟨dims⟩ names latent dimensions, but {samples!r} holds maps. Leave it out."
            raise RequestError(message)
    found: dict[str, NDArray[np.float32]] = {}
    for one in (*own, *further):
        _add(found, one, points)
    return Described(points, latents, {**found, **values}, len(found), notes)


def _are_latents(samples: str, coords: str | None, reader: str | None) -> bool:
    location, columns = split_map_spec(samples)
    if columns:
        return False
    if reader is not None:
        return split_reader(reader)[0] in LATENTS_READERS.names()
    if coords is not None:
        return True
    kinds = recognize_all(location)
    if "latents" not in kinds and "maps" not in kinds:
        what = " and ".join(kinds)
        message = (
            f"{Path(location).name!r} holds {what}, but regions are laid on latents or maps. Give "
            "⟨samples⟩ the latents made of it, or a map of its scan."
        )
        raise RequestError(message)
    return "latents" in kinds


def _chosen_dims(
    latents: LatentSet, dims: Sequence[str] | None
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the dimensions to describe, and what is to be said of the choice."""
    every = tuple(int(dim) for dim in latents.dims)
    if dims is None and len(every) > _USUAL_DIMS:
        note = (
            f"The {len(every)} latent dimensions are not described; name some, or all, by --dims."
        )
        return (), (note,)
    if dims is None or tuple(dims) == (ALL_DIMS,):
        return every, ()
    try:
        return tuple(dict.fromkeys(int(dim) for dim in dims)), ()
    except ValueError as error:
        message = f"⟨dims⟩ takes 'all' or numbers of latent dimensions, not {' '.join(dims)!r}."
        raise RequestError(message) from error


def _add(found: dict[str, NDArray[np.float32]], maps: ScanMaps, points: ScanPoints) -> None:
    values, _ = maps_at(maps, points.grid)
    for name in quantities(maps):
        if name in found:
            message = f"Two maps are called {name!r}. Name other columns, as FILE:COLUMN."
            raise RequestError(message)
        found[name] = values[maps.names.index(name)]
