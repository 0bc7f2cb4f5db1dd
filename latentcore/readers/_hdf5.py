"""The one door to HDF5 files, which may come from strangers.

HDF5 can point out of itself in three ways: external links, external storage (raw bytes of any
file the process may read), and virtual datasets. An uploaded file that does so could read any
file of the server, so all three are refused before anything is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from latentcore.errors import MalformedFileError, UnknownFormatError, UnsafeFileError

__all__ = ["open_checked", "open_hdf5"]

# A vendor's file has a few hundred objects; more than this is an attack on our patience.
_MOST_OBJECTS = 20_000


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, once it has been checked not to leave itself.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UnknownFormatError
        If it is not HDF5.
    MalformedFileError
        If it is cut off or damaged.
    UnsafeFileError
        If anything in it refers to another file.
    """
    file = open_checked(path)
    try:
        yield file
    finally:
        file.close()


def open_checked(path: Path) -> h5py.File:
    """Do the same as `open_hdf5` for callers that keep the file open and close it themselves."""
    if not h5py.is_hdf5(path):
        message = (
            f"{path.name!r} is not an HDF5 file (or its beginning is missing). "
            "Check that the upload or copy was complete."
        )
        raise UnknownFormatError(message)
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        message = f"The HDF5 file {path.name!r} can't be opened: {error}. Copy it again."
        raise MalformedFileError(message) from error
    try:
        _refuse_references(file, path.name)
    except BaseException:
        file.close()
        raise
    return file


def _refuse_references(file: h5py.File, name: str) -> None:
    seen: set[tuple[int, int]] = set()
    waiting: list[h5py.Group] = [file]
    while waiting:
        group = waiting.pop()
        for key in group:
            link = group.get(key, getlink=True)
            where = f"{group.name.rstrip('/')}/{key}"
            if isinstance(link, h5py.ExternalLink):
                _refuse(name, where, f"is an external link to {link.filename!r}")
            if not isinstance(link, h5py.HardLink):
                continue  # a soft link leads to a place that this walk visits anyway
            entry = group.get(key)
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
                if entry.external:
                    _refuse(name, where, f"keeps its values in {entry.external[0][0]!r}")
                if entry.is_virtual:
                    _refuse(name, where, "is a virtual dataset made of other files")


def _refuse(name: str, where: str, does: str) -> None:
    message = (
        f"{name!r} is refused: {where!r} {does}. A file that reads other files could read any file "
        "of this server. Copy the values into one file (h5repack, or h5py's copy)."
    )
    raise UnsafeFileError(message)
