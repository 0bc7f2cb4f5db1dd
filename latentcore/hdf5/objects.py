"""The objects of an HDF5 file, none of which may lead out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import h5py

from latentcore.errors import UnsafeFileError

# A vendor's file has a few hundred objects; more than this is an attack on our patience.
_MOST_OBJECTS = 20_000

Entry: TypeAlias = h5py.Group | h5py.Dataset | h5py.Datatype


def objects_in(file: h5py.File, name: str) -> Iterator[Entry]:
    """Yield every object of a file once, the root first.

    Parameters
    ----------
    file : h5py.File
    name : str
        The file's, for messages.

    Raises
    ------
    UnsafeFileError
        If anything in it refers to another file, or there is more than a real file holds.
    """
    seen: set[tuple[int, int]] = set()
    waiting: list[h5py.Group] = [file]
    yield file
    while waiting:
        group = waiting.pop()
        for key in group:
            where = f"{group.name.rstrip('/')}/{key}"
            entry = _hard_linked(group, key, where, name)
            if entry is None:
                continue
            info = h5py.h5o.get_info(entry.id)
            mark = (info.fileno, info.addr)
            if mark in seen:
                continue
            seen.add(mark)
            if len(seen) > _MOST_OBJECTS:
                message = f"{name!r} holds more than {_MOST_OBJECTS} HDF5 objects; refused."
                raise UnsafeFileError(message)
            if isinstance(entry, h5py.Group):
                waiting.append(entry)
            elif isinstance(entry, h5py.Dataset):
                _refuse_outside_storage(entry, where, name)
            yield entry


def _hard_linked(group: h5py.Group, key: str, where: str, name: str) -> Entry | None:
    """Return what a hard link holds; None for a soft one, whose target this walk visits anyway."""
    try:
        link = group.get(key, getlink=True)
    except TypeError:
        raise _leaves(name, where, "is a link of a kind that only its author can follow") from None
    if isinstance(link, h5py.ExternalLink):
        raise _leaves(name, where, f"is an external link to {link.filename!r}")
    return group.get(key) if isinstance(link, h5py.HardLink) else None


def _refuse_outside_storage(entry: h5py.Dataset, where: str, name: str) -> None:
    if entry.external:
        raise _leaves(name, where, f"keeps its values in {entry.external[0][0]!r}")
    if entry.is_virtual:
        raise _leaves(name, where, "is a virtual dataset made of other files")


def _leaves(name: str, where: str, does: str) -> UnsafeFileError:
    message = (
        f"{name!r} is refused: {where!r} {does}. A file that reads other files could read any file "
        "of this server. Copy the values into one file (h5repack, or h5py's copy)."
    )
    return UnsafeFileError(message)
