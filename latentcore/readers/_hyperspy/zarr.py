"""Zarr stores, versions 2 and 3, as far as signals need them.

Sources: https://zarr-specs.readthedocs.io, v2/v2.0 and v3/core. The package zarr itself would
unpack a chunk to whatever size before it looks at that, look up codecs that execute code, and
follow links; here metadata are checked first, and a chunk unpacks to the size that they promise
or is refused. Consolidated metadata are ignored: each array tells its own.
"""

from __future__ import annotations

import base64
import itertools
import json
import math
import struct
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import MalformedFileError, UnsafeFileError
from latentcore.readers._hyperspy.stores import Store
from latentcore.readers._hyperspy.trees import Slices, StoredArray, checked_type, plain_value, shown

_MOST_JSON_BYTES = 4 << 20
_MOST_ELEMENTS = 1 << 40
_MOST_CHUNK_BYTES = 1 << 29
_MOST_CACHE_BYTES = 1 << 29
_MOST_CHUNKS_AT_ONCE = 1 << 18
_MOST_DIMENSIONS = 8
# A packer may lengthen what can't be packed, by headers and a little more.
_PACKED_SLACK = 1 << 16
_CODECS = ("blosc", "zstd", "lz4", "zlib", "gzip")
_V3_TYPES = {
    "bool": "b1", "float16": "f2", "float32": "f4", "float64": "f8",
    **{f"{sign}int{bits}": f"{'u' if sign else 'i'}{bits // 8}"
       for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


@dataclass(frozen=True)
class _Layout:
    """An array's metadata, checked."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[np.generic]
    order: str
    codec: str | None
    fill: NDArray[np.generic]
    prefix: str
    separator: str

    def name_of(self, chunk: tuple[int, ...]) -> str:
        numbers = [str(number) for number in chunk] or ["0"]
        return self.separator.join([*filter(None, (self.prefix,)), *numbers])


class ZarrTree:
    """A ``.zspy``; see `latentcore.readers._hyperspy.trees.Tree`."""

    def __init__(self, store: Store) -> None:
        self.path = store.path
        self._store = store
        self._closed = False
        self._known: dict[str, Mapping[str, Any] | None] = {}

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def children(self, key: str) -> tuple[str, ...]:
        """Return the names in a group."""
        return self._store.folders(key)

    def attribute(self, key: str, name: str) -> str | float | None:
        """Return an attribute's one value."""
        newer = self._json(f"{key}/zarr.json".lstrip("/"))
        found = newer.get("attributes") if newer else self._json(f"{key}/.zattrs".lstrip("/"))
        return plain_value(found.get(name)) if isinstance(found, dict) else None

    def shape(self, key: str) -> tuple[int, ...] | None:
        """Return an array's shape."""
        found = self._array_metadata(key)
        return None if found is None else _numbers(found, "shape", key, self.path.name, least=0)

    def array(self, key: str) -> StoredArray:
        """Open an array of plain values."""
        found = self._array_metadata(key)
        if found is None:
            message = f"{self.path.name!r} has no array {shown(key)}. Save the signal again."
            raise MalformedFileError(message)
        read = _version_3 if "data_type" in found else _version_2
        layout = read(found, key, self.path.name)
        checked_type(layout.dtype, key, self.path.name)
        _refuse_absurd(layout, key, self.path.name)
        return _ZarrArray(self._store, key, layout)

    def files(self) -> tuple[Path, ...]:
        """Return the files that it is made of."""
        return self._store.files()

    def close(self) -> None:
        """Close it."""
        self._closed = True
        self._store.close()

    def _array_metadata(self, key: str) -> Mapping[str, Any] | None:
        newer = self._json(f"{key}/zarr.json")
        if newer is not None:
            return newer if newer.get("node_type") == "array" else None
        return self._json(f"{key}/.zarray")

    def _json(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._known:
            content = self._store.read(name, _MOST_JSON_BYTES)
            self._known[name] = None if content is None else _parsed(content, name, self.path.name)
        return self._known[name]


class _ZarrArray:
    def __init__(self, store: Store, key: str, layout: _Layout) -> None:
        self.shape = layout.shape
        self.dtype = layout.dtype.newbyteorder("=")
        self.chunks = layout.chunks
        self._layout = layout
        self._store = store
        self._key = key
        self._chunk_bytes = math.prod(layout.chunks) * layout.dtype.itemsize
        across = math.prod(-(-s // c) for s, c in zip(self.shape[1:], self.chunks[1:], strict=True))
        self._most_kept = max(1, min(2 * across, _MOST_CACHE_BYTES // self._chunk_bytes))
        self._kept: OrderedDict[tuple[int, ...], NDArray[np.generic] | None] = OrderedDict()

    @property
    def stored_bytes(self) -> int:
        """How much the store holds of it, packed."""
        return self._store.held(self._key)[1]

    @property
    def missing_chunks(self) -> int:
        """How many of its chunks the store lacks; they are read as the fill value."""
        chunks = math.prod(-(-s // c) for s, c in zip(self.shape, self.chunks, strict=True))
        return max(0, chunks - self._store.held(self._key)[0])

    def read(self, part: Slices) -> NDArray[np.generic]:
        """Read a part."""
        values = np.empty([one.stop - one.start for one in part], self.dtype)
        if values.size == 0:
            return values
        touched = [
            range(one.start // size, (one.stop - 1) // size + 1)
            for one, size in zip(part, self.chunks, strict=True)
        ]
        if math.prod(map(len, touched)) > _MOST_CHUNKS_AT_ONCE:
            message = (
                f"{shown(self._key)} of {self._store.path.name!r} lies in chunks of shape "
                f"{self.chunks}, far too many to be read. Save the signal with larger chunks."
            )
            raise UnsafeFileError(message)
        for chunk in itertools.product(*touched):
            here, there = [], []
            for number, size, wanted in zip(chunk, self.chunks, part, strict=True):
                first = max(wanted.start, number * size)
                last = min(wanted.stop, (number + 1) * size)
                here.append(slice(first - wanted.start, last - wanted.start))
                there.append(slice(first - number * size, last - number * size))
            stored = self._chunk(chunk)
            values[tuple(here)] = self._layout.fill if stored is None else stored[tuple(there)]
        return values

    def _chunk(self, chunk: tuple[int, ...]) -> NDArray[np.generic] | None:
        """Return a chunk's values, None where none were written."""
        if chunk in self._kept:
            self._kept.move_to_end(chunk)
            return self._kept[chunk]
        name = f"{self._key}/{self._layout.name_of(chunk)}"
        packed = self._store.read(name, self._chunk_bytes + self._chunk_bytes // 8 + _PACKED_SLACK)
        found = None
        if packed is not None:
            try:
                unpacked = _unpacked(packed, self._layout.codec, self._chunk_bytes)
            except (ValueError, RuntimeError, struct.error, zlib.error) as error:
                message = (
                    f"The chunk {shown(name)} of {self._store.path.name!r} can't be unpacked: "
                    f"{str(error)[:200]}. Copy the store again."
                )
                raise MalformedFileError(message) from error
            values = np.frombuffer(unpacked, self._layout.dtype)
            found = values.reshape(self.chunks, order="F" if self._layout.order == "F" else "C")
        self._kept[chunk] = found
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        return found


def _unpacked(packed: bytes, codec: str | None, size: int) -> Any:
    """Unpack a chunk to exactly so many bytes, and never to more."""
    if codec is None:
        found: Any = packed
    elif codec in ("zlib", "gzip"):
        found = zlib.decompressobj(wbits=47).decompress(packed, size + 1)
    else:
        found = _unpacked_into(packed, codec, size)
    if len(found) != size:
        message = f"it holds {len(found):,} bytes in place of {size:,}"
        raise ValueError(message)
    return found


def _unpacked_into(packed: bytes, codec: str, size: int) -> Any:
    # numcodecs' own functions, not its codecs by name, so that nothing else can be meant.
    from numcodecs import blosc, lz4, zstd

    if codec == "blosc":
        # https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst; it trusts its header.
        version, unpacked, _, length = struct.unpack_from("<B3xIII", packed)
        if version != 2 or unpacked != size or length != len(packed):
            message = (
                f"its header tells {unpacked:,} bytes packed in {length:,}, in place of {size:,} "
                f"in {len(packed):,}"
            )
            raise ValueError(message)
    target = np.empty(size, np.uint8)
    decompress = {"blosc": blosc.decompress, "lz4": lz4.decompress, "zstd": zstd.decompress}[codec]
    found = decompress(packed, target)
    return target if len(found) == size else found


def _version_2(found: Mapping[str, Any], key: str, name: str) -> _Layout:
    shape = _numbers(found, "shape", key, name, least=0)
    dtype = _version_2_type(found.get("dtype"), key, name)
    compressor = found.get("compressor")
    codec = compressor.get("id") if isinstance(compressor, dict) else compressor
    filters = [
        one.get("id") if isinstance(one, dict) else one for one in found.get("filters") or ()
    ]
    checked_type(dtype, key, name)
    _refuse_codecs([*filters, *((codec,) if codec not in (None, *_CODECS) else ())], key, name)
    separator = found.get("dimension_separator", ".")
    if separator not in (".", "/"):
        raise _unusable(separator, "dimension_separator", key, name)
    return _Layout(
        shape=shape,
        chunks=_numbers(found, "chunks", key, name, least=1),
        dtype=dtype,
        order="F" if found.get("order") == "F" else "C",
        codec=codec,
        fill=_fill(found.get("fill_value"), dtype, key, name),
        prefix="",
        separator=separator,
    )


def _version_3(found: Mapping[str, Any], key: str, name: str) -> _Layout:
    grid, encoding = _object(found, "chunk_grid"), _object(found, "chunk_key_encoding")
    kind = found.get("data_type")
    if not isinstance(kind, str) or kind not in _V3_TYPES:
        raise _unusable(kind, "data_type", key, name)
    codecs = [one if isinstance(one, dict) else {"name": one} for one in found.get("codecs") or ()]
    names = [one.get("name") for one in codecs]
    _refuse_codecs([one for one in names if one not in ("bytes", *_CODECS)], key, name)
    if names.count("bytes") != 1 or len(names) > 2 or names[0] != "bytes":
        raise _unusable(names, "codecs", key, name)
    endian = _object(codecs[0], "configuration").get("endian", "little")
    dtype = np.dtype(f"{'>' if endian == 'big' else '<'}{_V3_TYPES[str(kind)]}")
    plain = encoding.get("name") == "v2"
    separator = _object(encoding, "configuration").get("separator", "." if plain else "/")
    if separator not in (".", "/"):
        raise _unusable(separator, "separator", key, name)
    return _Layout(
        shape=_numbers(found, "shape", key, name, least=0),
        chunks=_numbers(_object(grid, "configuration"), "chunk_shape", key, name, least=1),
        dtype=dtype,
        order="C",
        codec=names[1] if len(names) == 2 else None,
        fill=_fill(found.get("fill_value"), dtype, key, name),
        prefix="" if plain else "c",
        separator=separator,
    )


def _object(found: Mapping[str, Any], entry: str) -> Mapping[str, Any]:
    value = found.get(entry)
    return value if isinstance(value, dict) else {}


def _version_2_type(written: object, key: str, name: str) -> np.dtype[np.generic]:
    try:
        # A text, or pairs of texts for the fields of a record; NumPy would take much more.
        if isinstance(written, str):
            return np.dtype(written)
        fields = (
            [tuple(one) for one in written if isinstance(one, list)]
            if isinstance(written, list)
            else []
        )
        if fields and all(len(one) == 2 and set(map(type, one)) == {str} for one in fields):
            return np.dtype(fields)
    except (TypeError, ValueError, SyntaxError):
        pass
    raise _unusable(written, "dtype", key, name)


def _fill(value: object, dtype: np.dtype[np.generic], key: str, name: str) -> NDArray[np.generic]:
    """Return what stands where no chunk was written, an array without dimensions."""
    try:
        if value is None:
            return np.zeros((), dtype)
        if dtype.kind == "V" and isinstance(value, str):
            return np.frombuffer(base64.b64decode(value, validate=True), dtype, 1).reshape(())
        if dtype.kind in "fiub" and isinstance(value, bool | int | float | str):
            filled = np.array(float(value) if isinstance(value, str) else value).astype(dtype)
            if dtype.kind == "f" or filled == value:
                return filled
        if dtype.kind == "V" and value == 0:
            return np.zeros((), dtype)
    except (ValueError, OverflowError):
        pass
    raise _unusable(value, "fill_value", key, name)


def _numbers(
    found: Mapping[str, Any], entry: str, key: str, name: str, *, least: int
) -> tuple[int, ...]:
    numbers = found.get(entry)
    if (
        not isinstance(numbers, list)
        or len(numbers) > _MOST_DIMENSIONS
        or not all(type(number) is int and least <= number < 1 << 62 for number in numbers)
    ):
        raise _unusable(numbers, entry, key, name)
    return tuple(numbers)


def _refuse_absurd(layout: _Layout, key: str, name: str) -> None:
    size, chunk = math.prod(layout.shape), math.prod(layout.chunks) * layout.dtype.itemsize
    if len(layout.shape) != len(layout.chunks):
        raise _unusable(list(layout.chunks), "chunks", key, name)
    if size > _MOST_ELEMENTS or chunk > _MOST_CHUNK_BYTES:
        message = (
            f"{shown(key)} of {name!r} declares {size:,} values in chunks of {chunk:,} bytes; no "
            "real scan is that large, so it is refused."
        )
        raise UnsafeFileError(message)


def _refuse_codecs(codecs: list[object], key: str, name: str) -> None:
    if codecs:
        message = (
            f"{shown(key)} of {name!r} is packed by {shown(str(codecs[0]))}; only chunks packed by "
            f"{', '.join(_CODECS)} or not at all, without filters, are read. Save the signal again "
            "with HyperSpy's own settings."
        )
        raise UnsafeFileError(message)


def _unusable(value: object, entry: str, key: str, name: str) -> MalformedFileError:
    message = (
        f"{shown(key)} of {name!r} has {entry} = {shown(str(value))}, which can't be read here. "
        "Save the signal again."
    )
    return MalformedFileError(message)


def _parsed(content: bytes, piece: str, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        message = (
            f"{shown(piece)} of {name!r} is no JSON: {str(error)[:100]}. Copy the store again."
        )
        raise MalformedFileError(message) from error
    if not isinstance(found, dict):
        message = f"{shown(piece)} of {name!r} is no JSON object. Copy the store again."
        raise MalformedFileError(message)
    return found
