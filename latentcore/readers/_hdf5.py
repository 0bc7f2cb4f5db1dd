"""The one door to HDF5 files, which may come from strangers.

HDF5 can point out of itself in three ways: external links, external storage (raw bytes of any
file the process may read), and virtual datasets. An uploaded file that does so could read any
file of the server, so all three are refused before anything is read. A few bytes can also
declare arrays larger than any memory; `dataset` and `load` refuse those.

HDF5 recognizes a file that its process has already opened, and refuses to open it again in another
mode or with other locking flags; but it compares only files of one driver. Readers have a driver
that nobody else uses, and so leave a notebook's own ``h5py.File`` be, whichever comes first.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnknownFormatError, UnsafeFileError

# A vendor's file has a few hundred objects; more than this is an attack on our patience.
_MOST_OBJECTS = 20_000
_MOST_ELEMENTS = 1 << 40
# What is read in one go. Deflate packs at most 1032 : 1, and a dataset that was never written
# occupies nothing at all: more than that beside the stored bytes was declared, not measured.
_MOST_LOADED_BYTES = 1 << 36
_TRUSTED_BYTES = 1 << 28
_MOST_UNPACKING = 1_100
_LONGEST_TEXT = 1 << 16
# What h5py raises at damaged files; a file object's addresses may be too large for Python's seek.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, OverflowError)
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Of the superblock's versions, and of its consistency flags.
_FIRST_WITH_MARKS = b"\x03"
_BEING_WRITTEN, _IN_SWMR = 1, 4
# A whole chunk is unpacked to read one element of it.
_MOST_CHUNK_BYTES = 1 << 30
# HDF5's driver that can keep a log, set to keep none: it reads as the usual one does, without a
# place of its own in the file, so that forks don't disturb each other.
_DRIVER = "latentcore-reader"
h5py.register_driver(_DRIVER, lambda access: access.set_fapl_log(b"", 0, 0))


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
        If anything in it refers to another file.
    """
    file = open_checked(path)
    try:
        yield file
    finally:
        file.close()


def open_checked(path: Path) -> h5py.File:
    """Do the same as `open_hdf5` for callers that keep the file open and close it themselves."""
    if not path.is_file():
        raise UnknownFormatError(_no_hdf5(path.name))
    writers, marks = _writers(path), 0
    for writer in writers:
        h5py.h5f.flush(writer)  # what this process has written so far is there to be read
    try:
        with path.open("rb") as stream:
            marks = _marks(stream, path.name)
        return _checked(lambda: _opened(path, writers, marks), path.name)
    except (UnknownFormatError, MalformedFileError) as error:
        if not (writers or marks & _BEING_WRITTEN or _is_locked(path)):
            raise
        who = "this process" if writers else "another program"
        why = "" if error.__cause__ is None else f": {error.__cause__}"
        message = (
            f"{path.name!r} can't be read while {who} has it open for writing{why}. Close it "
            "there, then open it again."
        )
        raise MalformedFileError(message) from error


def open_checked_stream(stream: BinaryIO, name: str) -> h5py.File:
    """Do the same for a file object, such as an object on S3 that is read by ranges."""
    _marks(stream, name)
    return _checked(lambda: h5py.File(stream, "r"), name)


def _marks(stream: BinaryIO, name: str) -> int:
    """Return what a file says of its being written; refuse one that is not HDF5."""
    # https://docs.hdfgroup.org/hdf5/v1_14/_f_m_t3.html: a block of another program's may stand
    # before the signature, of 512 bytes or some power of two times that.
    for start in (0, *(512 << power for power in range(8))):
        stream.seek(start)
        head = stream.read(12)
        if head.startswith(_SIGNATURE):
            version, marks = head[8:9], head[11:12]
            return ord(marks) if marks and version >= _FIRST_WITH_MARKS else 0
    raise UnknownFormatError(_no_hdf5(name))


def _no_hdf5(name: str) -> str:
    return (
        f"{name!r} is not an HDF5 file (or its beginning is missing). "
        "Check that the upload or copy was complete."
    )


def _opened(path: Path, writers: list[h5py.h5f.FileID], marks: int) -> h5py.File:
    try:
        file = h5py.File(path, "r", driver=_DRIVER, locking=False, swmr=bool(marks & _IN_SWMR))
    except OSError:
        if not writers:
            raise
        # It is marked or locked against all others: read it through what this process has open.
        return h5py.File(writers[0].reopen())
    with suppress(ImportError, OSError):  # Windows, or a file system without locks
        import fcntl

        # The environment may demand a lock, which would keep others from opening it for writing.
        fcntl.flock(file.id.get_vfd_handle(), fcntl.LOCK_UN)
    return file


def _writers(path: Path) -> list[h5py.h5f.FileID]:
    """Return the handles by which this process has a file open for writing."""
    here = path.stat()
    return [
        opened
        for opened in h5py.h5f.get_obj_ids(types=h5py.h5f.OBJ_FILE)
        if opened.get_intent() & h5py.h5f.ACC_RDWR and _is_at(opened.name, here)
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


def _checked(opened: Callable[[], h5py.File], name: str) -> h5py.File:
    try:
        file = opened()
    except (OSError, OverflowError) as error:
        message = f"The HDF5 file {name!r} can't be opened: {error}. Copy it again."
        raise MalformedFileError(message) from error
    try:
        _refuse_references(file, name)
    except DAMAGE as error:
        file.close()
        message = f"The HDF5 file {name!r} is damaged: {error}. Copy it again."
        raise MalformedFileError(message) from error
    except BaseException:
        file.close()
        raise
    return file


def dataset(file: h5py.File, key: str, *, kinds: str = "iuf") -> h5py.Dataset:
    """Return a dataset of plain values that is no larger than a real one can be.

    Parameters
    ----------
    file : h5py.File
    key : str
        Its path in the file.
    kinds : str
        NumPy's letters for the kinds of values that are welcome.

    Raises
    ------
    MalformedFileError
        If there is no such dataset, or it holds something else than such values.
    UnsafeFileError
        If its declared size is absurd.
    """
    name = Path(file.filename).name
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset):
        keys = ", ".join(repr(entry) for entry in list(file)[:12]) or "none"
        what = "is not a dataset" if found is not None else "is missing"
        message = f"{key!r} {what} in {name!r}. Its top-level keys are: {keys}."
        raise MalformedFileError(message)
    if found.dtype.kind not in kinds or found.dtype.hasobject or found.shape is None:
        message = (
            f"{key!r} of {name!r} holds {found.dtype} values, but plain numbers are needed."
            if kinds == "iuf"
            else f"{key!r} of {name!r} holds values of an unusable type, {found.dtype}."
        )
        raise MalformedFileError(message)
    _refuse_absurd(found, key, name)
    _refuse_unknown_filters(found, key, name)
    return found


def follow(file: h5py.File, key: str) -> h5py.Group | h5py.Dataset | h5py.Datatype | None:
    """Return what lies under a key; None where nothing does, or a soft link leads nowhere.

    Raises
    ------
    MalformedFileError
        If the file is damaged there, or links go round in a circle.
    """
    try:
        return file.get(key)
    except (OSError, RuntimeError, ValueError) as error:
        message = (
            f"{key!r} of {Path(file.filename).name!r} can't be opened: {error}. "
            "Copy the file again, or write it without that link."
        )
        raise MalformedFileError(message) from error


def load(found: h5py.Dataset, part: object = ()) -> NDArray[np.generic]:
    """Read a dataset, or what an index takes of it, unless it declares far more than it stores.

    Raises
    ------
    UnsafeFileError
        If it does.
    """
    stored = found.id.get_storage_size()
    declared = math.prod(found.shape) * found.dtype.itemsize
    if declared > _MOST_LOADED_BYTES or (
        declared > _TRUSTED_BYTES and declared > stored * _MOST_UNPACKING
    ):
        message = (
            f"{found.name!r} of {Path(found.file.filename).name!r} declares {declared:,} bytes but "
            f"stores {stored:,}; refused. Write the file again with the values it really holds."
        )
        raise UnsafeFileError(message)
    values: NDArray[np.generic] = found[part]
    return values


def text(file: h5py.File, key: str) -> str:
    """Return a dataset's one text, scalar or an array of one; ``""`` where there is none."""
    found = follow(file, key)
    if not isinstance(found, h5py.Dataset) or found.size != 1:
        return ""
    kind = h5py.check_string_dtype(found.dtype)
    if kind is None or (kind.length or 0) > _LONGEST_TEXT:
        return ""
    value = np.ravel(found[()])[0]
    written = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return written.rstrip("\0").strip()


def text_attribute(file: h5py.File, name: str) -> str:
    """Return a text attribute of the root group, ``""`` where there is none."""
    value = attribute_value(file, name)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def attribute_value(found: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return an attribute's value; None without it, or where it is neither number nor text.

    Reading sequences of variable length, of which HDF5 believes whatever a damaged file says,
    may end the process.
    """
    if name not in found.attrs:
        return None
    try:
        dtype = found.attrs.get_id(name).dtype
    except TypeError:  # NumPy knows none such
        return None
    if dtype.hasobject and h5py.check_string_dtype(dtype) is None:
        return None
    return found.attrs[name]


def _refuse_absurd(found: h5py.Dataset, key: str, name: str) -> None:
    size = math.prod(found.shape)
    chunk = math.prod(found.chunks) * found.dtype.itemsize if found.chunks else 0
    if size > _MOST_ELEMENTS or chunk > _MOST_CHUNK_BYTES:
        message = (
            f"{key!r} of {name!r} declares {size:,} values of shape {found.shape} in chunks of "
            f"{chunk:,} bytes; no real scan is that large, so it is refused."
        )
        raise UnsafeFileError(message)


def _refuse_unknown_filters(found: h5py.Dataset, key: str, name: str) -> None:
    properties = found.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        code, _, _, called = properties.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            message = (
                f"{key!r} of {name!r} is packed by the HDF5 filter {code} "
                f"({called.decode('latin-1') or 'no name'}), which is not installed here. "
                "Repack the file: h5repack -f GZIP=4 in.h5 out.h5."
            )
            raise MalformedFileError(message)


def _refuse_references(file: h5py.File, name: str) -> None:
    seen: set[tuple[int, int]] = set()
    waiting: list[h5py.Group] = [file]
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
            else:
                _refuse_outside_storage(entry, where, name)


def _hard_linked(
    group: h5py.Group, key: str, where: str, name: str
) -> h5py.Group | h5py.Dataset | h5py.Datatype | None:
    """Return what a hard link holds; None for a soft one, whose target this walk visits anyway."""
    try:
        link = group.get(key, getlink=True)
    except TypeError:
        _refuse(name, where, "is a link of a kind that only its author's program can follow")
    if isinstance(link, h5py.ExternalLink):
        _refuse(name, where, f"is an external link to {link.filename!r}")
    return group.get(key) if isinstance(link, h5py.HardLink) else None


def _refuse_outside_storage(entry: h5py.Dataset | h5py.Datatype, where: str, name: str) -> None:
    if not isinstance(entry, h5py.Dataset):
        return
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
