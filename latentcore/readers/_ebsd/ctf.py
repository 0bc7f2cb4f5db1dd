"""``.ctf``: Channel Text File of Oxford Instruments, as AZtec and Channel 5 export it.

Facts: entries ``KEY TAB value``; after ``Phases TAB count`` a line for each,
``a;b;c TAB α;β;γ TAB name TAB Laue group TAB space group``; then titles of columns, then rows.
Angles in °; decimal commas occur in header and rows, and both are Latin-1 or UTF-8. ``JobMode
Grid`` has XCells, YCells, XStep and YStep; ``Interactive`` has points one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from latentcore.errors import MalformedFileError
from latentcore.readers._ebsd.channel5 import Channel5Phase, channel5_maps
from latentcore.readers._ebsd.fields import visible
from latentcore.readers._ebsd.points import Claim, Points, cell_of
from latentcore.readers._ebsd.text_file import RowFormat, TextFile, read_rows
from latentcore.readers._peek import Peek

_FIRST_LINE = b"Channel Text File"
_MOST_COLUMNS = 400
_RENAMED = {
    "bc": "bandcontrast", "phase": "phase", "euler1": "phi1", "euler2": "Phi", "euler3": "phi2",
    "bs": "BS", "bands": "Bands", "mad": "MAD", "error": "Error",
}  # fmt: skip


@dataclass
class _Header:
    entries: dict[str, str] = field(default_factory=dict)
    phases: list[Channel5Phase] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)


def is_ctf(peek: Peek) -> bool:
    """Tell whether a file is a Channel Text File."""
    return peek.head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_FIRST_LINE)


def is_interactive(peek: Peek) -> bool:
    """Tell whether its points were measured one by one, and lie on no grid."""
    return re.search(rb"^JobMode[ \t]+Interactive", peek.head, re.MULTILINE) is not None


def read_ctf(path: Path) -> Points:
    """Read a Channel Text File.

    Raises
    ------
    MalformedFileError
        If it lacks its titles of columns, or rows.
    """
    with TextFile(path) as file:
        header = _read_header(file)
        plain = [title.lower() for title in header.titles]
        claim = _claim(header)
        rows = read_rows(
            file,
            RowFormat(
                columns=len(plain),
                places=(plain.index("x"), plain.index("y")),
                expected=claim.points if claim else cell_of(header.entries.get("nomeas", "")),
            ),
        )
    values = [
        (_RENAMED.get(title.lower(), title), rows.values[place])
        for place, title in enumerate(header.titles)
        if place not in (plain.index("x"), plain.index("y"))
    ]
    if not values:
        message = f"{path.name!r} holds no maps: it has no column beside X and Y."
        raise MalformedFileError(message)
    announced = cell_of(header.entries.get("phases", ""))
    if announced != len(header.phases):
        rows.notes.append(
            f"The header announces {announced:g} phases, but describes {len(header.phases)}."
        )
    turned = [header.entries.get(f"acqe{number}", "") for number in (1, 2, 3)]
    maps, notes = channel5_maps(values, header.phases, turned)
    return Points(
        path.name, rows.x, rows.y, maps,
        claim=claim,
        interactive=header.entries.get("jobmode", "").lower() == "interactive",
        notes=[*rows.notes, *notes],
        dropped=rows.dropped,
    )  # fmt: skip


def _read_header(file: TextFile) -> _Header:
    header = _Header()
    while (line := file.line()) is not None:
        cells = [cell.strip() for cell in line.split("\t")]
        plain = [cell.lower() for cell in cells]
        if {"x", "y"} <= set(plain):
            header.titles = _titles(cells, file.name)
            return header
        if cells[0].count(";") == 2 and len(cells) >= 3:
            header.phases.append(_phase(cells))
        elif len(cells) > 1:
            header.entries.setdefault(plain[0], cells[1])
    message = (
        f"{file.name!r} is a Channel Text File without a line of column titles (Phase, X, Y …): "
        "it was cut, or damaged. Export the scan again."
    )
    raise MalformedFileError(message)


def _titles(cells: list[str], name: str) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > _MOST_COLUMNS:
        message = f"{name!r} names {len(cells):,} columns: more than any scan has."
        raise MalformedFileError(message)
    return [visible(cell) or f"column {number}" for number, cell in enumerate(cells, 1)]


def _phase(cells: list[str]) -> Channel5Phase:
    lengths, angles, name, laue, space_group = [*cells, "", "", ""][:5]
    return Channel5Phase(name, [*lengths.split(";"), *angles.split(";")], laue, space_group)


def _claim(header: _Header) -> Claim | None:
    """Return what the header says of the grid; None where the points have none."""
    if "xcells" not in header.entries or "ycells" not in header.entries:
        return None
    columns, rows, dx, dy = (
        cell_of(header.entries.get(key, "0")) for key in ("xcells", "ycells", "xstep", "ystep")
    )
    return Claim(columns, rows, (dx, dy))
