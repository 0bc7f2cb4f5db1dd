"""``.cpr`` with ``.crc``: a project of Channel 5, and its points as packed records.

Facts: the ``.cpr`` is an INI, Latin-1, whose sections may repeat keys; ``[Fields]`` lists ids in
the order of a record, after a byte for the phase. Ids 1 to 6 and 12 are float32 (x, y, Euler
angles in rad, MAD, reliability index), 7 to 11 bytes (band contrast, band slope, one that nobody
knows, bands, error), 101 and further float32: the windows of EDS. Records are those of xCells ×
yCells, row by row. Sources: MTEX' and DefDAP's readers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import InputError, MalformedFileError
from latentcore.readers._ebsd.channel5 import Channel5Phase, channel5_maps
from latentcore.readers._ebsd.fields import as_float32, visible
from latentcore.readers._ebsd.places import Header, row_major
from latentcore.readers._ebsd.points import Claim, Points, cell_of
from latentcore.readers._peek import Peek
from latentcore.storage.companions import companions

Sections = dict[str, dict[str, str]]

_LARGEST_PROJECT = 1 << 22
_MOST_FIELDS = 400
_MOST_PHASES = 255
_DIGITS = 4
_FIELDS = {
    1: "x", 2: "y", 3: "phi1", 4: "Phi", 5: "phi2", 6: "MAD", 7: "bandcontrast", 8: "BS",
    9: "field 9", 10: "Bands", 11: "Error", 12: "Reliability Index",
}  # fmt: skip
_BYTES = range(7, 12)
_ANGLES = (3, 4, 5)
_FIRST_WINDOW = 101
# In degrees; those of a point that is not indexed may be 4π.
_LARGEST_ANGLE = 730.0
_RIGHT_SHARE = 0.99
_CELL = ("a", "b", "c", "alpha", "beta", "gamma")


def is_project(peek: Peek) -> bool:
    """Tell whether a file is a ``.cpr`` or a ``.crc``, which holds nothing to know it by."""
    if peek.name.endswith(".crc"):
        return not peek.is_text or beside(peek.path, ".cpr") is not None
    head = peek.head.lower()
    return all(f"[{section}]".encode() in head for section in ("job", "fields", "phases"))


def is_interactive(peek: Peek) -> bool:
    """Tell whether its points were measured one by one, and lie on no grid."""
    project = beside(peek.path, ".cpr") if peek.name.endswith(".crc") else peek.path
    return project is not None and _claim(_sections(project)) is None


def project_files(path: Path) -> tuple[Path, Path]:
    """Return the ``.cpr`` and the ``.crc``, whichever of them is named.

    Raises
    ------
    InputError
        If one of them is missing.
    """
    own, other = (".crc", ".cpr") if path.suffix.lower() == ".crc" else (".cpr", ".crc")
    found = beside(path, other)
    if found is None:
        missing = path.with_suffix(other).name
        message = (
            f"{path.name!r} is one half of a Channel 5 project: {missing!r} is not beside it. Put "
            "both into one folder, or upload them together."
        )
        raise InputError(message)
    return (found, path) if own == ".crc" else (path, found)


def beside(path: Path, suffix: str) -> Path | None:
    """Return the file of the same name with another suffix, in any case of letters."""
    return next((one for one in companions(path) if one.suffix.lower() == suffix), None)


def read_crc(project: Path, records: Path) -> Points:
    """Read the points of a project.

    Raises
    ------
    MalformedFileError
        If the project lacks what records need, or the records are not of its fields.
    """
    said = _sections(project)
    fields = _fields(said, project.name)
    kinds = np.dtype(
        [("phase", "u1"), *((str(one), "u1" if one in _BYTES else "<f4") for one in fields)]
    )
    n, extra = divmod(records.stat().st_size, kinds.itemsize)
    if n == 0:
        message = f"{records.name!r} holds no whole record of {kinds.itemsize} bytes: it was cut."
        raise MalformedFileError(message)
    data = np.memmap(records, kinds, "r", shape=(n,))
    values = [("phase", as_float32(data["phase"]))]
    for number in fields:
        column = data[str(number)]
        angle = number in _ANGLES
        column = np.degrees(column.astype(np.float64)) if angle else column
        values.append((_called(said, number), as_float32(column)))
    phases = _phases(said)
    grid = _claim(said)
    doubtful = extra or (grid is not None and n != grid.points)
    if doubtful or any(12 < one < _FIRST_WINDOW for one in fields):
        _refuse_shifted(values, len(phases), records.name, project.name, kinds.itemsize)
    x, y = _places(dict(reversed(values)), grid, n, project.name)
    units = {_called(said, one): "counts" for one in fields if one >= _FIRST_WINDOW}
    turned = [said.get("acquisitionsurface", {}).get(f"euler{one}", "") for one in (1, 2, 3)]
    kept = [(name, one) for name, one in values if name not in ("x", "y")]
    maps, notes = channel5_maps(kept, phases, turned, units)
    if extra:
        notes.append(f"The last record of {records.name!r} is cut, and left out.")
    return Points(
        project.name, x, y, maps,
        claim=grid,
        notes=notes,
        dropped=int(extra > 0),
        interactive=grid is None,
    )  # fmt: skip


def _sections(project: Path) -> Sections:
    """Return the entries of each section; of repeated keys the first."""
    if project.stat().st_size > _LARGEST_PROJECT:
        message = f"{project.name!r} is too large to be a project of Channel 5."
        raise MalformedFileError(message)
    content = project.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    sections: Sections = {}
    entries: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            entries = sections.setdefault(_key(line[1:-1]), {})
        elif "=" in line and not line.startswith(";"):
            key, _, value = line.partition("=")
            entries.setdefault(_key(key), value.strip())
    return sections


def _key(text: str) -> str:
    return "".join(text.split()).lower()


def _fields(said: Sections, name: str) -> list[int]:
    """Return the ids of a record's fields."""
    entries = said.get("fields", {})
    count = cell_of(entries.get("count", ""))
    known: list[int] = []
    while entries.get(f"field{len(known) + 1}", "").isdecimal() and len(known) < _MOST_FIELDS:
        known.append(int(entries[f"field{len(known) + 1}"][:_DIGITS]))
    if not known or count != len(known) or 0 in known or len({*known}) < len(known):
        message = (
            f"The section [Fields] of {name!r} counts {count:g} fields, but lists {len(known)} "
            "that are usable, so that its records can't be read. Save the project again."
        )
        raise MalformedFileError(message)
    return known


def _called(said: Sections, number: int) -> str:
    if number < _FIRST_WINDOW:
        return _FIELDS.get(number, f"field {number}")
    window = number - _FIRST_WINDOW + 1
    title = visible(said.get("edxwindows", {}).get(f"window{window}", ""))
    return title if title and title not in ("phase", *_FIELDS.values()) else f"EDS window {window}"


def _phases(said: Sections) -> list[Channel5Phase]:
    count = cell_of(said.get("phases", {}).get("count", "0"))
    found = []
    for number in range(1, int(min(count, _MOST_PHASES)) + 1 if count > 0 else 1):
        entries = said.get(f"phase{number}", {})
        found.append(
            Channel5Phase(
                entries.get("structurename", ""),
                [entries.get(one, "") for one in _CELL],
                entries.get("lauegroup", ""),
                entries.get("spacegroup", ""),
            )
        )
    return found


def _claim(said: Sections) -> Claim | None:
    job = said.get("job", {})
    if "xcells" not in job or "ycells" not in job:
        return None
    columns, rows, dx, dy = (
        cell_of(job.get(key, "")) for key in ("xcells", "ycells", "griddistx", "griddisty")
    )
    return Claim(columns, rows, (dx, dy))


def _places(
    values: dict[str, NDArray[np.float32]], grid: Claim | None, n: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of the records, by their own fields or else by the header's grid."""
    if {"x", "y"} <= values.keys():
        return values["x"].astype(np.float64), values["y"].astype(np.float64)
    if grid is None or not np.isfinite([grid.columns, grid.rows, *grid.step]).all():
        message = (
            f"{name!r} says neither how many cells the grid has nor where each point is. Save the "
            "project again."
        )
        raise MalformedFileError(message)
    header = Header(int(grid.columns), int(grid.rows), grid.step).checked(n, name)
    placed = row_major(header, n)
    return placed.x, placed.y


def _refuse_shifted(
    values: list[tuple[str, NDArray[np.float32]]], phases: int, name: str, project: str, size: int
) -> None:
    """Refuse records that don't look like the fields that they should hold."""
    by_name = dict(reversed(values))
    right = by_name["phase"] <= phases
    for angle in (_FIELDS[number] for number in _ANGLES if _FIELDS[number] in by_name):
        right &= np.abs(by_name[angle]) < _LARGEST_ANGLE
    if right.mean() < _RIGHT_SHARE:
        message = (
            f"{name!r} doesn't consist of records of {size} bytes as {project!r} describes them: "
            f"{len(right) - int(right.sum()):,} of {len(right):,} would have an impossible phase "
            "or angle. They may be of different scans; save the project again."
        )
        raise MalformedFileError(message)
