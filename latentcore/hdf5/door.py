"""Open HDF5 files, which may come from strangers.

HDF5 can point out of itself in three ways: external links, external storage (raw bytes of any
file the process may read), and virtual datasets. An uploaded file that does so could read any
file of the server, so all three are refused before anything is read. And HDF5 believes a damaged
file: it may go round in circles, allocate what isn't there, or end the process. A file is
therefore looked into by another process first (`latentcore.hdf5.examiners`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import h5py
from h5py._objects import phil

from latentcore.errors import MalformedFileError, UnknownFormatError
from latentcore.hdf5.examiners import examine, version_of
from latentcore.hdf5.files import BEING_WRITTEN, damage_told, marks_of, no_hdf5, opened
from latentcore.hdf5.objects import objects_in


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, once it has been checked not to leave itself.

    Raises
    ------
    UnknownFormatError
        If it is not HDF5.
    MalformedFileError
        If it is cut off or damaged.
    UnsafeFileError
        If anything in it refers to another file, or looking into it takes too much.
    """
    file = open_checked(path)
    try:
        yield file
    finally:
        file.close()


def open_checked(path: Path) -> h5py.File:
    """Do the same as `open_hdf5` for callers that keep the file open and close it themselves."""
    if not path.is_file():
        raise no_hdf5(path.name)
    writers, marks, beside = [], 0, None
    try:
        with phil:  # h5py's own lock: no other thread closes meanwhile what is found here
            writers = _writers(path)
            for writer in writers:
                h5py.h5f.flush(writer)  # what this process has written so far is there to be read
            with path.open("rb") as stream:
                marks = marks_of(stream, path.name)
            if writers:
                beside = _beside(writers, path, marks)
        if beside is not None:
            # Whoever opened it here trusts it, and only this process knows all that is in it.
            return _walked(beside, path.name)
        version = examine(path)
        with damage_told(path.name, "can't be opened"):
            file = opened(path, marks)
        return file if version_of(path) == version else _walked(file, path.name)
    except (UnknownFormatError, MalformedFileError) as error:
        if not (writers or marks & BEING_WRITTEN or _is_locked(path)):
            raise
        who = "this process" if writers else "another program"
        why = "" if error.__cause__ is None else f": {error.__cause__}"
        message = (
            f"{path.name!r} can't be read while {who} has it open for writing{why}. Close it "
            "there, then open it again."
        )
        raise MalformedFileError(message) from error


def open_checked_stream(stream: BinaryIO, name: str) -> h5py.File:
    """Open a file object, such as an object on S3 that is read by ranges.

    No other process examines it.
    """
    marks_of(stream, name)
    with damage_told(name, "can't be opened"):
        file = h5py.File(stream, "r")
    return _walked(file, name)


def _beside(writers: list[h5py.h5f.FileID], path: Path, marks: int) -> h5py.File:
    """Open what this process has open for writing."""
    try:
        return opened(path, marks)
    except OSError:
        # It is marked or locked against all others: read it through what this process has open.
        return h5py.File(writers[0].reopen())


def _walked(file: h5py.File, name: str) -> h5py.File:
    """Return a file once no object of it leads out of it."""
    try:
        with damage_told(name, "is damaged"):
            for _ in objects_in(file, name):
                pass
    except BaseException:
        file.close()
        raise
    return file


def _writers(path: Path) -> list[h5py.h5f.FileID]:
    """Return the handles by which this process has a file open for writing."""
    here = path.stat()
    return [
        handle
        for handle in h5py.h5f.get_obj_ids(types=h5py.h5f.OBJ_FILE)
        if handle.get_intent() & h5py.h5f.ACC_RDWR and _is_at(handle.name, here)
    ]


def _is_at(name: bytes, here: os.stat_result) -> bool:
    try:
        return os.path.samestat(Path(os.fsdecode(name)).stat(), here)
    except (OSError, ValueError):  # the name of a file object, or of a file that is gone
        return False


def _is_locked(path: Path) -> bool:
    """Tell whether another program keeps everybody from reading, as HDF5 does while it writes."""
    try:
        import fcntl

        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):  # Windows, or a file system without locks
        return False
    return False
