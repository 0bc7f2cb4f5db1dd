"""EDAX' and Oxford's files of patterns, tiny, as PyEBSDIndex and kikuchipy describe them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

__all__ = ["hexagonal_places", "write_apex", "write_ebsp", "write_up"]


def write_up(
    path: Path, images: NDArray[np.integer], cells: tuple[int, int] = (0, 0), *,
    version: int = 3, hexagonal: bool = False, step: tuple[float, float] = (1.0, 1.0),
    gap: int = 0,
) -> Path:  # fmt: skip
    """Write an ``.up1`` or ``.up2`` of a scan of (columns, rows); version 1 has no grid."""
    height, width = images.shape[1:]
    grid = struct.pack("<BIIBdd", 0, *cells, hexagonal, *step) if version >= 3 else b""
    head = struct.pack("<4I", version, width, height, 16 + len(grid) + gap) + grid + bytes(gap)
    path.write_bytes(head + images.tobytes())
    return path


def hexagonal_places(lengths: Sequence[int]) -> NDArray[np.float64]:
    """Return x and y, (n, 2), of centered rows of these lengths, one step apart."""
    longest = max(lengths)
    return np.array(
        [
            (col + (longest - length) / 2, row * 3**0.5 / 2)
            for row, length in enumerate(lengths)
            for col in range(length)
        ]
    )


def write_ebsp(
    path: Path, images: NDArray[np.integer], places: NDArray[np.generic] | None = None, *,
    version: int = 2, order: NDArray[np.int64] | None = None, stored: Sequence[int] | None = None,
    compressed: bool = False,
) -> Path:  # fmt: skip
    """Write an ``.ebsp``: patterns of `stored` points only, in the file's own `order`."""
    n, (height, width) = len(images), images.shape[1:]
    head = struct.pack("<q", -version) if version else b""
    head += b"\x07" if version >= 4 else b""
    size = struct.pack("<II", height, width) if version >= 5 else b""
    offsets, body = np.zeros(n, "<i8"), b""
    start = len(head) + 8 * n + len(size)
    for point in np.arange(n) if order is None else order:
        if stored is not None and point not in stored:
            continue
        offsets[point] = start + len(body)
        body += struct.pack("<I", compressed) + (b"\x05" * 8 if version >= 5 else b"")
        body += struct.pack("<III", height, width, images[point].nbytes) + images[point].tobytes()
        if version:
            for value in places[point] if places is not None else ():
                body += (b"\x01" if version >= 2 else b"") + struct.pack("<d", value)
            if places is None and version >= 2:
                body += b"\x00\x00"
    path.write_bytes(head + offsets.tobytes() + size + body)
    return path


def write_apex(
    path: Path, values: NDArray[np.generic], cells: tuple[int, int], grid_type: str = "Square"
) -> Path:
    """Write an ``.edaxh5``, as pynxtools-em reads it: one record per point, row by row."""
    fields = [("Orientations", "<f4", (9,)), ("IQ", "<f4"), ("CI", "<f4"), ("Phase", "<i4")]
    records = np.zeros(len(values), np.dtype(fields))
    records["IQ"], records["CI"], records["Phase"] = values, 0.5, -1 * (np.arange(len(values)) == 1)
    with h5py.File(path, "w") as file:
        scan = file.create_group("Project/Steel/Area 1/OIM Map 1")
        scan["EBSD/ANG/DATA/DATA"] = records
        scan["EBSD/ANG/HEADER/Phase/1/Material Name"] = np.array([b"Nickel"])
        scan["Sample/Number Of Columns"], scan["Sample/Number Of Rows"] = ([one] for one in cells)
        scan["Sample/Step X"] = scan["Sample/Step Y"] = [1.0]
        scan["Sample/Grid Type"] = np.array([grid_type.encode()])
    return path
