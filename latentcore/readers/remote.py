"""A look into an HDF5 file on S3 by ranges: what it holds, without a download."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.errors import InputError, MalformedFileError, StorageError, cause
from latentcore.hdf5 import DAMAGE, attribute_value, dataset, open_checked_stream
from latentcore.storage import remote_of
from latentcore.storage.remote_file import RemoteFile

_MEGABYTE = 1 << 20
_MOST_BYTES = 32 * _MEGABYTE
_MOST_FOR_SAMPLES = 8 * _MEGABYTE
_MOST_UNPACKED = 64 * _MEGABYTE
_SAMPLES = 12
_MOST_OBJECTS = 400
_MOST_ATTRIBUTES = 24
_MOST_ATTRIBUTE_BYTES = 1 << 16
_MOST_ATTRIBUTE_VALUES = 16
_LONGEST_TEXT = 200
# Where several datasets could be samples: the names that the pipelines use come first.
_USUAL_NAMES = ("images", "train", "valid", "Processed Patterns", "Pattern", "RawPatterns")
_SAMPLE_SIDES = range(4, 4097)
_MOST_CHANNELS = 4


@dataclass(frozen=True)
class RemoteObject:
    """A group or a dataset.

    Attributes
    ----------
    key : str
        Its path in the file; ``"/"`` is the file itself.
    shape : tuple of int or None
        None for a group.
    dtype : str
        Empty for a group.
    attributes : Mapping of str to str
        As text; long ones are cut, or replaced by their shape.
    """

    key: str
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RemoteLook:
    """What a look has found, and what it cost.

    Attributes
    ----------
    left_out : int
        How many more there are.
    samples : ndarray, shape (k, C, H, W), or None
        The first samples, as they are stored.
    samples_key : str
        Where they come from; empty where there are none.
    note : str
        Why there are no samples to see.
    size : int
        Of the whole object, in bytes.
    bytes_read, requests : int
        What was fetched for the look.
    """

    objects: tuple[RemoteObject, ...]
    left_out: int
    samples: NDArray[np.generic] | None
    samples_key: str
    note: str
    size: int
    bytes_read: int
    requests: int


def look_inside(location: str, most_bytes: int = _MOST_BYTES) -> RemoteLook:
    """Return what an HDF5 file on S3 holds, and its first samples where they are cheap.

    Parameters
    ----------
    location : str
        ``s3://bucket/key``.
    most_bytes : int
        The look gives up rather than fetch (about) more.

    Raises
    ------
    UnknownFormatError
        If it is not HDF5.
    MalformedFileError
        If it is damaged.
    UnsafeFileError
        If anything in it refers to another file.
    StorageError
        If it can't be read, changes meanwhile, or the look would cost too much.
    """
    place = remote_of(location)
    with RemoteFile(place) as remote, _BoundedStream(remote, most_bytes) as stream:
        opened = cast("BinaryIO", stream)
        with stream.own_error_first(), open_checked_stream(opened, place.name) as file:
            objects, left_out = _objects(file)
            samples, key, note = _first_samples(file, stream, objects)
        return RemoteLook(
            objects=objects,
            left_out=left_out,
            samples=samples,
            samples_key=key,
            note=note,
            size=remote.version.size,
            bytes_read=remote.bytes_read,
            requests=remote.requests,
        )


def _objects(file: h5py.File) -> tuple[tuple[RemoteObject, ...], int]:
    found: list[RemoteObject] = [RemoteObject("/", attributes=_attributes(file))]
    left_out = 0

    def take(key: str, entry: h5py.Group | h5py.Dataset | h5py.Datatype) -> None:
        nonlocal left_out
        if len(found) >= _MOST_OBJECTS:
            left_out += 1
        elif isinstance(entry, h5py.Dataset):
            shape = None if entry.shape is None else tuple(map(int, entry.shape))
            found.append(RemoteObject(key, shape or (), str(entry.dtype), _attributes(entry)))
        else:
            found.append(RemoteObject(key, attributes=_attributes(entry)))

    try:
        file.visititems(take)
    except (*DAMAGE, TypeError) as error:
        message = f"The HDF5 file {file.filename!r} is damaged: {cause(error)}. Upload it again."
        raise MalformedFileError(message) from error
    return tuple(found), left_out


def _attributes(entry: Any) -> dict[str, str]:
    names = list(entry.attrs)
    texts = {name: _attribute(entry, name) for name in names[:_MOST_ATTRIBUTES]}
    if len(names) > _MOST_ATTRIBUTES:
        texts["…"] = f"{len(names) - _MOST_ATTRIBUTES} more"
    return texts


def _attribute(entry: Any, name: str) -> str:
    try:
        about = entry.attrs.get_id(name)
        count = math.prod(about.shape)
        if count > _MOST_ATTRIBUTE_VALUES or count * about.dtype.itemsize > _MOST_ATTRIBUTE_BYTES:
            return f"{about.dtype} {about.shape}"
        value = attribute_value(entry, name)
    except (*DAMAGE, TypeError):
        return "not readable here"
    if value is None:
        return f"{about.dtype} {about.shape}"
    shown = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(shown, bytes):
        shown = shown.decode("utf-8", "replace")
    text = str(shown)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _first_samples(
    file: h5py.File, stream: _BoundedStream, objects: tuple[RemoteObject, ...]
) -> tuple[NDArray[np.generic] | None, str, str]:
    """Return the first samples, their key, and a note where there are none to see."""
    likely = [entry for entry in objects if _may_be_samples(entry)]
    if not likely:
        return None, "", "No dataset in it looks like patterns or images."
    chosen = min(likely, key=lambda entry: (_rank(entry.key), -math.prod(entry.shape or ())))
    # Nobody asked for more than the list of keys: patterns are shown only where they cost little.
    stream.most = min(stream.most, stream.fetched + _MOST_FOR_SAMPLES)
    try:
        with stream.own_error_first():
            return _read_samples(dataset(file, chosen.key)), chosen.key, ""
    except InputError as error:
        note = "" if isinstance(error, StorageError) else f" {error}"
    except (*DAMAGE, MemoryError):
        note = " They can't be unpacked."
    return None, "", f"The patterns in {chosen.key!r} are not cheap to look at.{note}"


def _may_be_samples(entry: RemoteObject) -> bool:
    shape = entry.shape or ()
    return (
        len(shape) in (3, 4)
        and math.prod(shape) > 0
        and entry.dtype.startswith(("uint", "int", "float"))
        and all(side in _SAMPLE_SIDES for side in shape[-2:])
    )


def _rank(key: str) -> int:
    name = key.rsplit("/", 1)[-1]
    return _USUAL_NAMES.index(name) if name in _USUAL_NAMES else len(_USUAL_NAMES)


def _read_samples(found: h5py.Dataset) -> NDArray[np.generic]:
    """Read the first samples as (k, C, H, W).

    The axes are (n, H, W), (n, C, H, W) or, of a scan, (R, S, H, W).
    """
    on_grid = found.ndim == 4 and found.shape[1] > _MOST_CHANNELS
    count = min(_SAMPLES, found.shape[1 if on_grid else 0])
    _refuse_large(found, (1, count) if on_grid else (count,))
    values: NDArray[np.generic] = found[0, :count] if on_grid else found[:count]
    return values if found.ndim == 4 and not on_grid else values[:, None]


def _refuse_large(found: h5py.Dataset, rows: tuple[int, ...]) -> None:
    """Refuse what takes more memory, whole chunks counted, than a preview may."""
    wanted = (*rows, *found.shape[len(rows) :])
    chunks = found.chunks or (1,) * found.ndim
    unpacked = math.prod(
        -(-size // chunk) * chunk for size, chunk in zip(wanted, chunks, strict=True)
    )
    if unpacked * found.dtype.itemsize > _MOST_UNPACKED:
        message = f"The first ones alone take {unpacked * found.dtype.itemsize / 1e6:.0f} MB."
        raise MalformedFileError(message)


class _BoundedStream(io.RawIOBase):
    """A remote file that fetches no more than a bound, and fills buffers as HDF5 wants them.

    Why a read failed is kept, because HDF5 makes an error of its own of it.

    Parameters
    ----------
    most : int
        Bytes, give or take a block; may be lowered later.
    """

    def __init__(self, remote: RemoteFile, most: int) -> None:
        super().__init__()
        self.most = most
        self._remote = remote
        self._failure: InputError | None = None

    def __repr__(self) -> str:
        return self._remote.version.location.name  # what h5py calls the file in messages

    @property
    def fetched(self) -> int:
        """Bytes that were fetched so far."""
        return self._remote.bytes_read

    @contextmanager
    def own_error_first(self) -> Iterator[None]:
        """Raise, instead of what HDF5 made of it, why a read failed."""
        try:
            yield
        except Exception as error:
            if self._failure is None or error is self._failure:
                raise
            failure, self._failure = self._failure, None
            raise failure from error

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._remote.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as in any file."""
        return self._remote.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as a whole, unless the file ends before; return the number of bytes."""
        view = memoryview(buffer).cast("B")
        filled = 0
        try:
            while filled < len(view):
                self._refuse_more()
                got = self._remote.readinto(view[filled:])
                if not got:
                    break
                filled += got
        except InputError as error:
            self._failure = error
            raise
        return filled

    def _refuse_more(self) -> None:
        if self._remote.bytes_read >= self.most:
            message = (
                f"A look into {self._remote.version.location} would fetch more than "
                f"{self._remote.bytes_read / _MEGABYTE:.0f} MiB: what describes its content lies "
                "scattered over the file. Open it: then it is downloaded as a whole."
            )
            raise StorageError(message)
