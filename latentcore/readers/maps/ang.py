"""``.ang``: the text file of EDAX OIM, which EMsoft, ASTAR and orix write as well.

Facts: a header of lines that begin with ``#``, or none; then rows of numbers between blanks: φ1, Φ,
φ2 (rad), x, y (µm; ASTAR's nm), IQ, and as far as the program goes CI, phase, SEM signal, fit (°).
Further columns (EDS, PRIAS) are named by VERSION 7 in ``COLUMN_HEADERS``, by orix in ``Column
names``. A single phase has the number 0 everywhere; several count from 1, and 0 is not indexed.
What is not indexed has CI −1 (with PRIAS also −2), angles of 4π, or a negative phase. ``Symmetry``
is EDAX' number of the Laue group. In a hexagonal grid rows of NCOLS_ODD and NCOLS_EVEN alternate.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import CrystalSymmetry, ScanMaps, SourceRef, UnitCell
from latentcore.containers.crystals import laue_of_point_group
from latentcore.errors import MalformedFileError
from latentcore.readers import MAPS_READERS, register_reader
from latentcore.readers._columns import normalized
from latentcore.readers._ebsd.columns import MapColumns
from latentcore.readers._ebsd.conventions import ASTAR, EDAX, EMSOFT
from latentcore.readers._ebsd.fields import EDAX_SYMMETRIES, Phase, plausible_lattice, visible
from latentcore.readers._ebsd.points import (
    Claim,
    Points,
    add_labels,
    cell_of,
    with_fingerprint,
)
from latentcore.readers._ebsd.text_file import RowFormat, TextFile, TextRows, read_rows
from latentcore.readers._peek import Peek
from latentcore.storage import local_path

_STANDARD = ("phi1", "Phi", "phi2", "x", "y", "IQ", "CI", "phase", "SEM", "Fit")
# What OIM and orix call the standard columns.
_CALLED = {
    "phi": "Phi", "iq": "IQ", "image_quality": "IQ", "ci": "CI", "confidence_index": "CI",
    "phase_index": "phase", "phase_id": "phase", "sem": "SEM", "detector_signal": "SEM",
    "fit": "Fit", "pattern_fit": "Fit", "phi1": "phi1", "phi2": "phi2", "x": "x", "y": "y",
    "phase": "phase",
}  # fmt: skip
_ANGLES = ("phi1", "Phi", "phi2")
_FIRST = ("IQ", "phase", "CI", "Fit", "SEM", *_ANGLES)
_UNITS = {"microns": "µm", "micrometers": "µm", "um": "µm", "nanometers": "nm", "degrees": "°",
          "radians": "rad"}  # fmt: skip
_FEWEST_COLUMNS, _MOST_COLUMNS = 6, 400
_LOOKED_AT = 20
_MARKS = re.compile(rb"TEM_PIXperUM|MaterialName|GRID:|XSTEP:|HEADER: Start|COLUMN_COUNT")
_ENTRY = re.compile(r"([\w*-]+)(?:[ \t]*:[ \t]*|[ \t]+|$)(.*)")
_WRITERS = {"ACOM": ASTAR, "EMsoft": EMSOFT}
_UNINDEXED, _NEAR = 720.0, 0.01  # 4π in °
_LARGEST_RADIANS = np.degrees(4 * np.pi * 1.001)
_PHASE_KEYS = ("materialname", "formula", "symmetry", "latticeconstants")


@dataclass
class _Header:
    """Entries by their keys in lower case, the first of each; a dict of them for each phase."""

    entries: dict[str, str] = field(default_factory=dict)
    phases: list[dict[str, str]] = field(default_factory=list)
    convention: str = EDAX


@register_reader(MAPS_READERS, "ang")
class Ang:
    """Reader of ``.ang``."""

    description = (
        "EDAX text map (.ang): IQ, CI, phases, Euler angles of a scan, square or hexagonal."
    )
    wants = "lines of '#' with EDAX' entries, or rows of 8 and more numbers between blanks"

    def recognizes(self, peek: Peek) -> bool:
        """Tell by the header, else by the first rows."""
        if not peek.is_text:
            return False
        named = peek.name.removesuffix(".gz").endswith(".ang")
        if peek.head.removeprefix(b"\xef\xbb\xbf").startswith(b"#"):
            return named or _MARKS.search(peek.head) is not None
        return _has_rows(peek.head, named=named)

    def open(self, ref: SourceRef) -> ScanMaps:
        """Read the maps."""
        path = local_path(ref.location)
        points, fingerprint = with_fingerprint(lambda: _read(path), path)
        return points.scan_maps(ref, fingerprint)


def _has_rows(head: bytes, *, named: bool) -> bool:
    """Tell whether a text without a header begins with rows of an ``.ang``."""
    lines = head.decode("latin-1").splitlines()[:2]
    for line in lines:
        row = [cell_of(word) for word in line.split()]
        if len(row) < (_FEWEST_COLUMNS if named else 8) or not np.isfinite(row).all():
            return False
        turns = all(-7 <= angle <= 13 for angle in row[:3])
        if not named and ("\t" in line or "," in line or not turns or row[7] != int(row[7])):
            return False
    return bool(lines)


def _read(path: Path) -> Points:
    with TextFile(path) as file:
        header = _read_header(file)
        ahead = [len(line.split()) for line in file.ahead(_LOOKED_AT) if line.strip()]
        count = Counter(ahead).most_common(1)[0][0] if ahead else 0
        if not _FEWEST_COLUMNS <= count <= _MOST_COLUMNS:
            message = (
                f"{path.name!r} should hold rows of 6 to {_MOST_COLUMNS} numbers between blanks, "
                f"but begins with rows of {count}. It was cut, or is no .ang."
            )
            raise MalformedFileError(message)
        names, units, notes = _columns(header, count)
        claim = _claim(header)
        rows = read_rows(
            file,
            RowFormat(
                columns=count,
                places=(names.index("x"), names.index("y")),
                in_radians=tuple(names.index(angle) for angle in _ANGLES),
                separator=" ",
                expected=claim.points if claim else 0.0,
            ),
        )
    maps = _maps(header, names, units, rows, notes)
    unit = units.get("x") or ("nm" if header.convention == ASTAR else "µm")
    if unit == "nm":
        notes.append("x and y are in nm, as ASTAR writes them.")
    return Points(
        path.name, rows.x, rows.y, maps,
        unit=unit,
        claim=claim,
        notes=[*rows.notes, *notes],
        dropped=rows.dropped,
    )  # fmt: skip


def _read_header(file: TextFile) -> _Header:
    header = _Header()
    while (ahead := file.ahead(1)) and (ahead[0].startswith("#") or not ahead[0].strip()):
        text = (file.line() or "").strip().lstrip("#").strip()
        header.convention = next(
            (one for mark, one in _WRITERS.items() if mark in text), header.convention
        )
        found = _ENTRY.match(text)
        if found is None:
            continue
        key, value = found[1].lower(), found[2].strip()
        if key == "phase" and value.isdecimal():
            header.phases.append({"number": value[:4]})
        elif key in _PHASE_KEYS:
            if not header.phases or key in header.phases[-1]:
                header.phases.append({})
            header.phases[-1][key] = value
        else:
            header.entries.setdefault(key, value)
            if key == "column" and value.startswith("names:"):
                header.entries.setdefault("column_names", value.removeprefix("names:"))
    return header


def _columns(header: _Header, count: int) -> tuple[list[str], dict[str, str], list[str]]:
    """Return what each column is called here, the units that the header gives, and notes."""
    standard = [*_STANDARD, *(f"column {number}" for number in range(11, count + 1))][:count]
    listed = header.entries.get("column_headers") or header.entries.get("column_names") or ""
    titles = [visible(title) for title in listed.split(",")] if listed else []
    if header.convention == ASTAR and count == 9:
        standard[8] = "column 9"
    if not titles:
        return standard, {}, []
    if len(titles) != count:
        note = f"The header names {len(titles)} columns, but the rows hold {count} numbers."
        return [*standard[: len(_STANDARD)], *_spare(titles, standard)], {}, [note]
    names: list[str] = []
    for title in titles:
        name = _CALLED.get(normalized(title), title)
        names.append(name if name not in names else title)
    if not {"x", "y", *_ANGLES} <= set(names):
        return [*standard[: len(_STANDARD)], *titles[len(_STANDARD) :]], {}, []
    said = [visible(unit).lower() for unit in header.entries.get("column_units", "").split(",")]
    units = {name: _UNITS.get(unit, unit) for name, unit in zip(names, said, strict=False) if unit}
    return names, units, []


def _spare(titles: Sequence[str], standard: Sequence[str]) -> list[str]:
    """Return the names of the columns beyond the standard ones, titled as far as titles go."""
    beyond = standard[len(_STANDARD) :]
    known = titles[len(_STANDARD) :][: len(beyond)]
    return [*known, *beyond[len(known) :]]


def _maps(
    header: _Header,
    names: Sequence[str],
    units: dict[str, str],
    rows: TextRows,
    notes: list[str],
) -> MapColumns:
    values = dict(zip(names, rows.values, strict=True))
    angles = np.stack([values[angle] for angle in _ANGLES])
    largest = float(np.abs(angles[np.isfinite(angles)]).max(initial=0))
    if units.get("phi1") == "°" or largest > _LARGEST_RADIANS:
        angles = np.radians(angles)
        if units.get("phi1") != "°":
            shown = f"{np.radians(largest):.4g}"
            notes.append(f"Angles up to {shown} can't be radians, and were taken as degrees.")
    phases = _phases(header, values.get("phase"))
    angles[:, _unindexed(values, angles, phases)] = np.nan
    values |= dict(zip(_ANGLES, angles, strict=True))
    maps = MapColumns()
    known = {**units, **dict.fromkeys(_ANGLES, "°"), "Fit": "°"}
    for name in (
        *filter(values.__contains__, _FIRST),
        *(one for one in names if one not in _FIRST),
    ):
        if name not in ("x", "y"):
            maps.add(name, values[name], known.get(name, ""))
    maps.euler_convention = header.convention
    if "phase" in values:
        maps.describe_phases(phases)
    add_labels(maps)
    return maps


def _unindexed(
    values: dict[str, NDArray[np.float32]], angles: NDArray[np.float32], phases: dict[int, Phase]
) -> NDArray[np.bool_]:
    """Tell which points have no orientation."""
    found = np.asarray((np.abs(np.abs(angles) - _UNINDEXED) < _NEAR).any(axis=0), np.bool_)
    if "CI" in values:
        found |= values["CI"] <= -1
    if "phase" in values:
        found |= values["phase"] < 0
        if phases and 0 not in phases:
            found |= values["phase"] == 0
    return found


def _phases(header: _Header, numbers: NDArray[np.float32] | None) -> dict[int, Phase]:
    """Return each phase by its number; the only one has 0 too, unless both numbers occur."""
    phases: dict[int, Phase] = {}
    for place, said in enumerate(header.phases, 1):
        number = int(said.get("number", place))
        texts = (said.get("materialname", ""), said.get("formula", ""))
        name = next(filter(None, map(visible, texts)), f"phase {number}")
        symbol = said.get("symmetry", "").strip()
        laue = EDAX_SYMMETRIES.get(int(symbol[:4])) if symbol.isdecimal() else None
        laue = laue or laue_of_point_group(symbol)
        lattice = tuple(map(cell_of, said.get("latticeconstants", "").split()))
        phases[number] = Phase(
            name,
            None if laue is None else CrystalSymmetry(laue),
            UnitCell(plausible_lattice(lattice)),
        )
    if len(phases) == 1 and numbers is not None:
        number, only = next(iter(phases.items()))
        if not (numbers == number).any():
            phases[0] = only
    return phases


def _claim(header: _Header) -> Claim | None:
    said = header.entries
    if not {"nrows", "ncols_odd"} <= said.keys():
        return None
    odd, rows, dx, dy = (
        cell_of(said.get(key, "0")) for key in ("ncols_odd", "nrows", "xstep", "ystep")
    )
    even = cell_of(said.get("ncols_even", said["ncols_odd"]))
    return Claim(odd, rows, (dx, dy), even, "hex" in said.get("grid", "").lower())
