"""The process that looks into unknown HDF5 files: ``python -m latentcore.hdf5.examination``.

Each line is a file's path as JSON. The answer is a JSON object, empty where readers may open the
file, else with ``error``, a class of `latentcore.errors`, and ``message``. A damaged file may keep
HDF5 busy for ever or crash it: then this process ends, and whoever asked says so.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import h5py

from latentcore.errors import LatentError, MalformedFileError, UnsafeFileError, cause
from latentcore.hdf5.files import DAMAGE, damage_told, marks_of, opened
from latentcore.hdf5.objects import Entry, objects_in
from latentcore.hdf5.values import attribute_value, load
from latentcore.workers import serve

__all__ = ["GROWTH_BYTES", "PROCESSOR_S", "examine", "main"]

PROCESSOR_S = 8
GROWTH_BYTES = 1 << 30

# 20,000 objects take some seconds to walk through, and as long again to be read.
_MOST_TOUCHED = 5_000
_MOST_ATTRIBUTES = 200
# Of a dataset that is smaller all is read, of a larger one its first and last value.
_SMALL_BYTES = 1 << 20
_MOST_READ_BYTES = 32 << 20
_MOST_CHUNK_BYTES = 64 << 20
_MOST_TEXTS = 1_000
# Two microseconds each.
_MOST_CHUNKS = 200_000
# Packing what can't be packed makes it longer by a thousandth.
_CHUNK_SLACK, _CHUNK_SHARE = 1 << 16, 1.25
_MOST_UNPACKING = 1_032
_MOST_INFLATED_BYTES = 64 << 20


def examine(path: Path) -> None:
    """Look into a file as readers do: at all objects, attributes and indexes, and small values.

    Raises
    ------
    UnknownFormatError, MalformedFileError
        If it isn't HDF5, or damaged where every reader would have to stop.
    UnsafeFileError
        If it refers to other files, or reading it would take memory out of all proportion.
    """
    name = path.name
    with path.open("rb") as stream:
        marks = marks_of(stream, name)
        with damage_told(name, "can't be opened"):
            file = opened(path, marks)
        examination = _Examination(name, stream)
        with contextlib.closing(file), damage_told(name, "is damaged"):
            for number, entry in enumerate(objects_in(file, name)):
                if number < _MOST_TOUCHED and not isinstance(entry, h5py.Datatype):
                    examination.touch(entry)


class _Examination:
    """Touches one object after the other; damage that is caught is left to the readers."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self._name = name
        self._stream = stream
        self._bytes_left = _MOST_READ_BYTES
        self._chunks_left = _MOST_CHUNKS
        self._inflated_left = _MOST_INFLATED_BYTES

    def touch(self, entry: h5py.Group | h5py.Dataset) -> None:
        """Read what a reader may read of an object before it knows what it is."""
        names: list[str] = []
        with self._left_to_readers(entry):
            names += itertools.islice(entry.attrs, _MOST_ATTRIBUTES)
        for name in names:
            with self._left_to_readers(entry):
                attribute_value(entry, name)
        if isinstance(entry, h5py.Dataset):
            with self._left_to_readers(entry):
                self._refuse_bombs(entry)
                self._read(entry)

    @contextlib.contextmanager
    def _left_to_readers(self, entry: Entry) -> Iterator[None]:
        try:
            yield
        except (*DAMAGE, TypeError, MemoryError) as error:
            # Readers run without a limit: what fails here for lack of memory would get it there.
            if isinstance(error, MemoryError) or "alloc" in str(error):
                raise self._too_much(entry) from error

    def _refuse_bombs(self, entry: h5py.Dataset) -> None:
        """Refuse chunks that unpack to more than they hold, as far as that can be seen fast."""
        if entry.chunks is None:
            return
        properties = entry.id.get_create_plist()
        filters = [properties.get_filter(place)[0] for place in range(properties.get_nfilters())]
        if len(set(filters)) < len(filters):  # each packs by a thousand what the other has packed
            raise self._too_much(entry)
        count = entry.id.get_num_chunks()
        if count > self._chunks_left or not filters:
            return
        self._chunks_left -= count
        honest = math.prod(entry.chunks) * entry.dtype.itemsize
        most = honest * _CHUNK_SHARE + _CHUNK_SLACK
        large = []

        def look(chunk: h5py.h5d.StoreInfo) -> None:
            if chunk.size > most:
                raise self._too_much(entry)
            if chunk.size * _MOST_UNPACKING > GROWTH_BYTES:
                large.append(chunk)

        entry.id.chunk_iter(look)
        if filters[-1:] == [h5py.h5z.FILTER_DEFLATE] or filters[-2:-1] == [h5py.h5z.FILTER_DEFLATE]:
            for chunk in large:
                self._inflate(entry, chunk, int(most))

    def _inflate(self, entry: h5py.Dataset, chunk: h5py.h5d.StoreInfo, most: int) -> None:
        self._inflated_left -= chunk.size
        if self._inflated_left < 0 or chunk.filter_mask:
            return
        self._stream.seek(chunk.byte_offset)
        unpacking, size = zlib.decompressobj(), 0
        packed = self._stream.read(chunk.size)
        with contextlib.suppress(zlib.error):
            while packed and size <= most:
                size += len(unpacking.decompress(packed, _SMALL_BYTES))
                packed = unpacking.unconsumed_tail
        if size > most:
            raise self._too_much(entry)

    def _read(self, entry: h5py.Dataset) -> None:
        if entry.shape is None or not entry.size:
            return
        if entry.dtype.hasobject:
            # Sequences and references are not read by anybody.
            if h5py.check_string_dtype(entry.dtype) is not None and entry.size <= _MOST_TEXTS:
                entry[()]
        elif entry.nbytes <= min(_SMALL_BYTES, self._bytes_left):
            self._bytes_left -= entry.nbytes
            load(entry)
        elif not entry.chunks or math.prod(entry.chunks) * entry.dtype.itemsize < _MOST_CHUNK_BYTES:
            for place in (0, -1):
                entry[(place,) * entry.ndim]

    def _too_much(self, entry: Entry) -> UnsafeFileError:
        message = (
            f"{self._name!r} is refused: {entry.name!r} unpacks to more memory than its values "
            "need; the file is damaged, or made to do harm. Copy it again, or repack it: "
            "h5repack in.h5 out.h5."
        )
        return UnsafeFileError(message)


def main() -> None:
    """Examine files until standard input ends."""
    serve(_answer, prepare=_limit_memory)


def _answer(line: str) -> str:
    path = Path(json.loads(line))
    _limit_time()
    try:
        examine(path)
    except LatentError as error:
        return json.dumps({"error": type(error).__name__, "message": str(error)})
    except Exception as error:  # noqa: BLE001 - whatever it is, not all of the file was seen
        message = f"{path.name!r} can't be looked into: {cause(error)}. Copy the file again."
        return json.dumps({"error": MalformedFileError.__name__, "message": message})
    return "{}"


def _limit_memory() -> None:
    """Let this process grow by no more than `GROWTH_BYTES`, where the system can do that."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + GROWTH_BYTES)


def _limit_time() -> None:
    """Give this process `PROCESSOR_S` more, where the system can do that."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + PROCESSOR_S)


def _limit(what: int, wanted: int) -> None:
    import resource

    _, most = resource.getrlimit(what)
    resource.setrlimit(
        what, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most)
    )


if __name__ == "__main__":
    main()
