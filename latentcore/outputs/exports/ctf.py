"""``.ctf``: Channel Text File of Oxford Instruments, with a label map as ``GrainIndex``.

Facts: tab-separated; phases count from 1 and 0 is not indexed; a phase's line is
``a;b;c TAB α;β;γ TAB name TAB Laue group TAB space group TAB TAB TAB comment``; angles in °,
lengths in µm; errors are 0 success, 1 low band contrast, 2 low band slope, 3 no solution, 4 high
MAD, 5 not analyzed, 6 unexpected. ``GrainIndex`` counts from 1, and 0 is no grain; it is the only
further column that EbsdLib, the reader of DREAM3D, knows beside random colors, and it refuses
others. Readers find the header's lines by words in them, and EbsdLib refuses steps of 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.containers import quantities
from latentcore.containers.crystals import LAUE_GROUPS
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.outputs.exports._phases import (
    grid_notes,
    header_phases,
    lattice_of,
    laue_of,
    phase_notes,
    refuse_hexagonal,
)
from latentcore.outputs.exports._text import header_text, length_digits, write_table
from latentcore.outputs.exports.scan import ExportScan, NodeBlock, Phase
from latentcore.version import __version__

_NO_SOLUTION, _NOT_ANALYZED = 3, 5
_COLUMNS = (
    "Phase", "X", "Y", "Bands", "Error", "Euler1", "Euler2", "Euler3", "MAD", "BC", "BS",
    "GrainIndex",
)  # fmt: skip
# Nothing of it is known here, but readers want the line and its order.
_ACQUISITION = "\t".join((
    "Euler angles refer to Sample Coordinate system (CS0)!", "Mag", "0", "Coverage", "100",
    "Device", "0", "KV", "0", "TiltAngle", "0", "TiltAxis", "0",
))  # fmt: skip
# The digits of a float32 in radians.
_ANGLE = "%.6f"


class Ctf:
    """Writer of ``.ctf``."""

    title = "Channel Text File (.ctf)"
    opens_in = "AZtecCrystal, MTEX, DREAM3D"
    one_map = True

    def write(self, folder: RunFolder, stem: str, scan: ExportScan) -> list[str]:
        """Write ``<stem>.ctf``.

        Raises
        ------
        RequestError
            If the scan is hexagonal.
        """
        refuse_hexagonal(scan, "A .ctf")
        places = f"%.{length_digits(min(scan.grid.step))}f"
        formats = ("%d", places, places, "%d", "%d", *3 * (_ANGLE,), "%.6f", "%d", "%d", "%d")
        write_table(
            folder.path(f"{stem}.ctf"),
            [*_header(scan), "\t".join(_COLUMNS)],
            formats,
            _rows(scan),
            delimiter="\t",
            newline="\r\n",
        )
        return [*grid_notes(scan), *phase_notes(scan, "a*"), *_left_out(scan)]


EXPORT_FORMATS.register("ctf")(Ctf())


def _header(scan: ExportScan) -> list[str]:
    rows, columns = scan.grid.shape
    phases = header_phases(scan)
    indexed = "" if scan.orientations is not None else "; no orientations: nothing is indexed"
    return [
        "Channel Text File",
        f"Prj\t{header_text(scan.labels[0].name)}",
        f"Author\tLatent Explorer {__version__}{indexed}",
        "JobMode\tGrid",
        f"XCells\t{columns}",
        f"YCells\t{rows}",
        f"XStep\t{scan.grid.step[0]:.10g}",
        f"YStep\t{scan.grid.step[1]:.10g}",
        "AcqE1\t0",
        "AcqE2\t0",
        "AcqE3\t0",
        _ACQUISITION,
        f"Phases\t{len(phases)}",
        *map(_phase_line, phases),
    ]


def _phase_line(phase: Phase) -> str:
    lattice = [f"{one:.10g}" for one in lattice_of(phase)]
    unknown = ["Laue group unknown"] * (not phase.laue)
    unknown += ["unit cell unknown"] * (not phase.cell.lattice)
    return "\t".join(
        (
            ";".join(lattice[:3]),
            ";".join(lattice[3:]),
            header_text(phase.name),
            str(LAUE_GROUPS.index(laue_of(phase)) + 1),
            str(phase.cell.space_group),
            "",
            "",
            "; ".join(unknown),
        )
    )


def _rows(scan: ExportScan) -> Iterator[NDArray[np.float64]]:
    for block in scan.blocks():
        yield np.column_stack(
            [
                block.phase(),
                block.x,
                block.y,
                block.quality("bands"),
                _errors(block),
                block.degrees(0.0),
                block.quality("mad"),
                np.rint(block.quality("bc")),
                np.rint(block.quality("bs")),
                block.at(scan.labels[0].indices, 0),
            ]
        )


def _errors(block: NodeBlock) -> NDArray[np.float64]:
    """Return the source's errors; where it has none, no solution for what has no phase."""
    known = block.quality("error", np.nan)
    guessed = np.where(block.phase() > 0, 0, _NO_SOLUTION)
    guessed[block.rows < 0] = _NOT_ANALYZED
    return np.where(np.isfinite(known), known, guessed)


def _left_out(scan: ExportScan) -> list[str]:
    if scan.maps is None:
        return []
    others = [name for name in quantities(scan.maps) if name != "bandcontrast"]
    return [f"A .ctf has no column for {', '.join(others)}."] if others else []
