"""Oxford Instruments ``.ebsp``: patterns in any order, each with the position of the beam.

Facts, from the source of PyEBSDIndex (US Naval Research Laboratory) and kikuchipy's notes, both
with information from Oxford: a signed 64-bit minus version (absent in version 0), one more byte
from version 4 on, the offset of each point's pattern (0 where none is stored), and at each offset
compressed, height, width and bytes as 32-bit integers, with two more after the first from version
5 on, the pixels, and x and y as doubles, each with a byte before it from version 2 on that tells
whether it is there; version 0 has none. From version 5 on height and width follow the offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import MalformedFileError
from latentcore.readers._coords import grid_of
from latentcore.readers._patterns.records import PatternFile, check_points, check_size

_NEWEST = 16
_BLOCK = 1 << 14
_PIXELS: dict[int, np.dtype[np.generic]] = {
    1: np.dtype("u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
}
_UNIT = "µm"


@dataclass(frozen=True)
class _Head:
    """What the version of a file says of its layout."""

    version: int

    @property
    def table(self) -> int:
        """Byte at which the offsets begin."""
        return 0 if self.version == 0 else 8 + (self.version >= 4)

    @property
    def words(self) -> int:
        """How many 32-bit integers precede the pixels; the last three are H, W and bytes."""
        return 6 if self.version >= 5 else 4

    @property
    def position_bytes(self) -> int:
        """How many bytes x and y take after the pixels, where they are there."""
        return {0: 0, 1: 16}.get(self.version, 18)


def read_ebsp(path: Path) -> PatternFile:
    """Read the offsets, headers and positions of a file of patterns.

    Raises
    ------
    MalformedFileError
        If the file is compressed, cut or damaged.
    """
    held = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(8)
    if len(first) < 8:
        message = f"{path.name!r} has {held:,} bytes, less than a header. Copy the file again."
        raise MalformedFileError(message)
    number = int.from_bytes(first, "little", signed=True)
    head = _Head(max(0, -number))
    if head.version > _NEWEST:
        message = (
            f"{path.name!r} is of version {head.version:,}, but .ebsp files of the versions 0 to "
            f"{_NEWEST} are known. Copy the file again, or export the patterns to .h5oina."
        )
        raise MalformedFileError(message)
    mapped = np.memmap(path, np.uint8, mode="r").view(np.ndarray)
    return _read(path, mapped, head)


def _read(path: Path, mapped: NDArray[np.uint8], head: _Head) -> PatternFile:
    table = _offsets(path, mapped, head)
    body = 4 * head.words
    inside = (table >= head.table + 8) & (table <= len(mapped) - body)
    first = int(table[inside].min(initial=len(mapped)))
    if first == len(mapped):
        message = (
            f"{path.name!r} stores no pattern: none of the {len(table):,} offsets at its beginning "
            f"leads into its {first:,} bytes. Copy the file again, or export the patterns anew."
        )
        raise MalformedFileError(message)
    height, width, each = _shape(path, mapped, head, first)
    if head.version >= 5:
        table = _without_size(table, height, width)
    point = np.flatnonzero(table)
    starts = table[point]
    _check_inside(path, starts, (first, len(mapped) - body - each), len(mapped))
    _check_headers(path, mapped, head, starts, (height, width, each))
    places = _positions(mapped, head, starts + body + each)
    grid, notes = (None, ()) if places is None else _grid(path, *places)
    stored = f"{len(point):,} of {len(table):,} points have a stored pattern."
    return PatternFile(
        path=path,
        starts=starts + body,
        size=(height, width),
        dtype=_PIXELS[each // (height * width)],
        point=point,
        points=len(table),
        grid=grid,
        notes=(stored,) if len(point) < len(table) else (),
        grid_notes=notes,
    )


def _offsets(path: Path, mapped: NDArray[np.uint8], head: _Head) -> NDArray[np.int64]:
    """Return the table of offsets: it ends where the first of the patterns begins."""
    parts = [np.empty(0, np.int64)]
    place, end = head.table, len(mapped)
    lowest = end
    while place + 8 <= lowest:
        check_points(path, (place - head.table) // 8)
        count = min(_BLOCK, (lowest - place) // 8)
        part = mapped[place : place + 8 * count].view("<i8").astype(np.int64)
        # An entry counts only before the lowest offset that the ones before it name.
        valid = (part >= head.table + 8) & (part < end)
        low = np.minimum(np.minimum.accumulate(np.where(valid, part, end)), lowest)
        ends = place + 8 * np.arange(2, count + 1) > low[:-1]
        used = int(np.argmax(ends)) + 1 if ends.any() else count
        parts.append(part[:used])
        place, lowest = place + 8 * used, int(low[used - 1])
    return np.concatenate(parts)


def _shape(path: Path, mapped: NDArray[np.uint8], head: _Head, start: int) -> tuple[int, int, int]:
    """Return height, width and bytes of the pattern that begins at a byte."""
    words = mapped[start : start + 4 * head.words].view("<u4")
    if words[0]:
        raise MalformedFileError(_compressed(path, int(words[0])))
    height, width, each = (int(word) for word in words[-3:])
    check_size(path, (height, width))
    if each not in (height * width * size for size in _PIXELS):
        message = (
            f"{path.name!r} declares {each:,} bytes for a pattern of {width:,} × {height:,} "
            "pixels, which is neither 8, 16 nor 32 bits each. Copy the file again."
        )
        raise MalformedFileError(message)
    return height, width, each


def _compressed(path: Path, flag: int) -> str:
    if flag == 1:
        return (
            f"The patterns of {path.name!r} are compressed, in a way that only AZtec knows. Export "
            "them uncompressed, or as .h5oina."
        )
    return (
        f"{path.name!r} has a damaged header at its first pattern: {flag:,} where 0 or 1 (is it "
        "compressed?) belongs. Copy the file again."
    )


def _without_size(table: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """Return the offsets before height and width, which follow them from version 5 on."""
    found = np.flatnonzero(table == height + (width << 32))
    return table[: found[0]] if len(found) else table


def _check_inside(
    path: Path, starts: NDArray[np.int64], bounds: tuple[int, int], held: int
) -> None:
    wrong = starts[(starts < bounds[0]) | (starts > bounds[1])]
    if len(wrong):
        message = (
            f"{path.name!r} has {held:,} bytes, but {len(wrong):,} of its {len(starts):,} patterns "
            f"should lie elsewhere, the first at byte {wrong[0]:,}: the file was cut, or is "
            "damaged. Copy it again."
        )
        raise MalformedFileError(message)


def _check_headers(
    path: Path,
    mapped: NDArray[np.uint8],
    head: _Head,
    starts: NDArray[np.int64],
    shape: tuple[int, int, int],
) -> None:
    """Make sure that all patterns are like the first: none compressed, all of one size."""
    for begin in range(0, len(starts), _BLOCK):
        block = starts[begin : begin + _BLOCK]
        words = _gather(mapped, block, 4 * head.words).view("<u4")
        wrong = (words[:, 0] != 0) | (words[:, -3:] != np.array(shape, np.uint32)).any(axis=1)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            flag, (height, width) = int(words[at, 0]), words[at, -3:-1].tolist()
            if flag == 1:
                raise MalformedFileError(_compressed(path, 1))
            message = (
                f"The header of pattern {begin + at:,} in {path.name!r} declares {width:,} × "
                f"{height:,} pixels, but the first has {shape[1]:,} × {shape[0]:,}: the file is "
                "damaged. Copy it again."
            )
            raise MalformedFileError(message)


def _gather(mapped: NDArray[np.uint8], starts: NDArray[np.int64], count: int) -> NDArray[np.uint8]:
    """Return so many bytes from each start, shape (n, count)."""
    found: NDArray[np.uint8] = mapped[starts[:, None] + np.arange(count)]
    return found


def _positions(
    mapped: NDArray[np.uint8], head: _Head, starts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return x and y of each pattern; None where not all have them."""
    if not head.position_bytes or int(starts.max()) + head.position_bytes > len(mapped):
        return None
    flagged = head.position_bytes - 16
    places = np.empty((2, len(starts)))
    for begin in range(0, len(starts), _BLOCK):
        block = starts[begin : begin + _BLOCK]
        found = _gather(mapped, block, head.position_bytes)
        if flagged and not (found[:, [0, 9]] == 1).all():
            return None
        for axis, start in enumerate((flagged // 2, flagged + 8)):
            values = np.ascontiguousarray(found[:, start : start + 8]).view("<f8")
            places[axis, begin : begin + len(block)] = values[:, 0]
    return places[0], places[1]


def _grid(
    path: Path, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[ScanGrid | None, tuple[str, ...]]:
    """Place patterns by the beam; where y runs upwards it is turned, as rows are counted down."""
    turned = float(np.dot(np.arange(len(y)) - (len(y) - 1) / 2, y)) < 0
    try:
        grid = grid_of(x, -y if turned else y, path.name, unit=_UNIT)
    except MalformedFileError as error:
        return None, (f"{error} The patterns have no places therefore.",)
    note = "y runs upwards in this file, and is given with its sign turned."
    return grid, ((note,) if turned else ())
