"""HDF5 files as they lie on the disk: their first bytes, and how they are opened.

HDF5 recognizes a file that its process has already opened, and refuses to open it again in another
mode or with other locking flags; but it compares only files of one driver. Readers have a driver
that nobody else uses, and so leave a notebook's own ``h5py.File`` be, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import h5py

from latentcore.errors import MalformedFileError, UnknownFormatError, cause

# What h5py raises at damaged files; a file object's addresses may be too large for Python's seek.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, OverflowError)
# Of the superblock's consistency flags.
BEING_WRITTEN, IN_SWMR = 1, 4
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Of the superblock's versions.
_FIRST_WITH_MARKS = b"\x03"
# HDF5's driver that can keep a log, set to keep none: it reads as the usual one does, without a
# place of its own in the file, so that forks don't disturb each other.
_DRIVER = "latentcore-reader"
h5py.register_driver(_DRIVER, lambda access: access.set_fapl_log(b"", 0, 0))


def marks_of(stream: BinaryIO, name: str) -> int:
    """Return what a file says of its being written: consistency flags.

    Raises
    ------
    UnknownFormatError
        If it is not HDF5.
    """
    # https://docs.hdfgroup.org/hdf5/v1_14/_f_m_t3.html: a block of another program's may stand
    # before the signature, of 512 bytes or some power of two times that.
    for start in (0, *(512 << power for power in range(8))):
        stream.seek(start)
        head = stream.read(12)
        if head.startswith(_SIGNATURE):
            version, marks = head[8:9], head[11:12]
            return ord(marks) if marks and version >= _FIRST_WITH_MARKS else 0
    raise no_hdf5(name)


def no_hdf5(name: str) -> UnknownFormatError:
    """Return the error about a file that is none of HDF5's."""
    message = (
        f"{name!r} is not an HDF5 file (or its beginning is missing). "
        "Check that the upload or copy was complete."
    )
    return UnknownFormatError(message)


def opened(path: Path, marks: int) -> h5py.File:
    """Open a file by the readers' driver, unchecked.

    Parameters
    ----------
    path : Path
    marks : int
        Its consistency flags.

    Raises
    ------
    OSError
        If HDF5 can't.
    """
    file = h5py.File(path, "r", driver=_DRIVER, locking=False, swmr=bool(marks & IN_SWMR))
    with suppress(ImportError, OSError):  # Windows, or a file system without locks
        import fcntl

        # The environment may demand a lock, which would keep others from opening it for writing.
        fcntl.flock(file.id.get_vfd_handle(), fcntl.LOCK_UN)
    return file


@contextmanager
def damage_told(name: str, what: str) -> Iterator[None]:
    """Turn what h5py raises at damage into a message about the file: that it ``what``.

    Raises
    ------
    MalformedFileError
    """
    try:
        yield
    except DAMAGE as error:
        message = f"The HDF5 file {name!r} {what}: {cause(error)}. Copy it again."
        raise MalformedFileError(message) from error
