"""HDF5 files that were made to do harm, or are damaged where HDF5 itself gets lost."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

__all__ = ["EVIL"]

# A number that occurs only once in a tiny file, to be found and changed there.
_MARK = 7_919
_ROWS = 10**12


def _claims(path: Path) -> None:
    """Claim 10¹² rows where there is 1 kB."""
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((_MARK, 2, 2), np.uint8)
        file["samples"] = np.zeros((_MARK, 2), np.float32)
        file["coords"] = np.zeros((_MARK, 2), np.int32)
    for row in (1, 2 * 2, 2 * 4):
        _replaced(path, row * _MARK, row * _ROWS)


def _claims_chunked(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for key, row in {"images": (2, 2), "samples": (2,), "coords": (2,), "train": (3,)}.items():
            file.create_dataset(key, (_ROWS, *row), np.float32, chunks=(64, *row))[0] = 1


def _circle(path: Path) -> None:
    with h5py.File(path, "w") as file:
        inner = file.create_group("a/b/c")
        inner["up"], inner["top"] = file["a"], file
        file["x"], file["y"] = h5py.SoftLink("/y"), h5py.SoftLink("/x")


def _deep(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(1_000):
            group = group.create_group("g")
        group["images"] = np.zeros((3, 2, 2), np.uint8)


def _huge_attribute(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = np.zeros(_MARK, np.uint8)
        file["whole"] = np.zeros((3, 2, 2), np.uint8)
    _replaced(path, _MARK, _ROWS)


def _bomb(path: Path) -> None:
    """Hide, in the middle, a chunk of a megabyte that unpacks to more than a gigabyte."""
    size = 1 << 20
    with h5py.File(path, "w") as file:
        found = file.create_dataset(
            "images", (3 * size, 1, 1), "u1", chunks=(size, 1, 1), compression=1
        )
        found[:] = np.full(found.shape, 7, np.uint8)
        packing = zlib.compressobj(9)
        head = packing.compress(bytes(size)) + packing.flush(zlib.Z_FULL_FLUSH)
        again = packing.compress(bytes(size)) + packing.flush(zlib.Z_FULL_FLUSH)
        found.id.write_direct_chunk((size, 0, 0), head + again * 1_100 + packing.flush())


def _bomb_of_one_value(path: Path) -> None:
    with h5py.File(path, "w") as file:
        found = file.create_dataset("images", (9, 1, 1), "u1", chunks=(1, 1, 1), compression=1)
        found[:] = np.full(found.shape, 7, np.uint8)
        found.id.write_direct_chunk((4, 0, 0), zlib.compress(bytes(200 << 20), 9))


def _packed_twice(path: Path) -> None:
    with h5py.File(path, "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((1 << 10, 1, 1))
        properties.set_deflate(9)
        properties.set_deflate(9)
        space = h5py.h5s.create_simple((1 << 10, 1, 1))
        h5py.h5d.create(file.id, b"images", h5py.h5t.STD_U8LE, space, properties)


def _index_in_a_circle(path: Path) -> None:
    """Let the nodes of a chunk index be their own children."""
    with h5py.File(path, "w") as file:
        found = file.create_dataset("images", (5_000, 2, 2), "u1", chunks=(1, 2, 2))
        found[:] = np.ones(found.shape, np.uint8)
    content = bytearray(path.read_bytes())
    nodes = [place for place in _places(content, b"TREE") if content[place + 4] == 1]
    above = [place for place in nodes if content[place + 5] > 0]
    for place in above:
        # Signature, type, level, count, two siblings; then a key of 40 bytes before each child.
        child = place + 24 + 40
        content[child : child + 8] = place.to_bytes(8, "little")
    path.write_bytes(content)


def _places(content: bytes | bytearray, wanted: bytes) -> list[int]:
    found, place = [], content.find(wanted)
    while place >= 0:
        found.append(place)
        place = content.find(wanted, place + 1)
    return found


def _replaced(path: Path, number: int, other: int) -> None:
    content = path.read_bytes()
    assert number.to_bytes(8, "little") in content
    path.write_bytes(content.replace(number.to_bytes(8, "little"), other.to_bytes(8, "little")))


EVIL: dict[str, Callable[[Path], None]] = {
    "claims.h5": _claims,
    "claims_chunked.h5": _claims_chunked,
    "circle.h5": _circle,
    "deep.h5": _deep,
    "huge_attribute.h5": _huge_attribute,
    "bomb.h5": _bomb,
    "bomb_of_one_value.h5": _bomb_of_one_value,
    "packed_twice.h5": _packed_twice,
    "index_in_a_circle.h5": _index_in_a_circle,
}
