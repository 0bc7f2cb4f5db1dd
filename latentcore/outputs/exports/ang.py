"""``.ang``: the text file of EDAX OIM, with label maps and other maps after the tenth column.

Facts: a header of lines that begin with ``#``, then φ1, Φ, φ2 (rad), x, y (µm), IQ, CI, phase, SEM
signal, fit (°). Rows of a ``HexGrid`` are shifted in turn, and hold ``NCOLS_ODD`` points, the first
one, and ``NCOLS_EVEN``. Further columns are named in ``COLUMN_HEADERS``, and in ``Column names``
for orix. A single phase has the number 0 everywhere; several count from 1, and 0 is not indexed.
What is not indexed has CI −1, angles of 4π and a fit of 180. ``Symmetry`` is EDAX' number of the
Laue group. Readers take any line that begins with ``Phase`` for a phase's first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import RunFolder
from latentcore.outputs.exports import EXPORT_FORMATS
from latentcore.outputs.exports._phases import (
    grid_notes,
    header_phases,
    lattice_of,
    laue_of,
    phase_notes,
)
from latentcore.outputs.exports._text import (
    column_titles,
    header_text,
    length_digits,
    plain,
    write_table,
)
from latentcore.outputs.exports.scan import NO_LABEL, ExportScan, NodeBlock, Phase
from latentcore.version import __version__

# Sources: EbsdLib's table of TSL's numbers; monoclinic with b as the unique axis.
_SYMMETRIES = {
    "-1": 1, "2/m": 20, "mmm": 22, "4/m": 4, "4/mmm": 42, "-3": 3, "-3m": 32, "6/m": 6,
    "6/mmm": 62, "m-3": 23, "m-3m": 43,
}  # fmt: skip
_COLUMNS = ("phi1", "PHI", "phi2", "x", "y", "IQ", "CI", "Phase index", "SEM", "Fit")
_OF_ORIX = (
    "phi1", "Phi", "phi2", "x", "y", "image_quality", "confidence_index", "phase_id",
    "detector_signal", "pattern_fit",
)  # fmt: skip
_UNINDEXED_ANGLE, _UNINDEXED_CI, _UNINDEXED_FIT = 720.0, -1.0, 180.0


class Ang:
    """Writer of ``.ang``."""

    title = "EDAX OIM (.ang)"
    opens_in = "OIM Analysis, MTEX, orix, DREAM3D"
    one_map = False

    def write(self, folder: RunFolder, stem: str, scan: ExportScan) -> list[str]:
        """Write ``<stem>.ang``."""
        extra = [*(one.name for one in scan.labels), *(scan.maps.names if scan.maps else ())]
        places = f"%.{length_digits(min(scan.grid.step))}f"
        formats = (
            *3 * ("%9.7f",), places, places, "%.7g", "%.7g", "%d", "%.7g", "%.7g",
            *("%d" for _ in scan.labels), *("%.7g" for _ in extra[len(scan.labels) :]),
        )  # fmt: skip
        write_table(
            folder.path(f"{stem}.ang"),
            [f"# {line}".rstrip() for line in _header(scan, extra)],
            formats,
            _rows(scan),
            delimiter=" ",
            newline="\n",
        )
        return [*grid_notes(scan), *phase_notes(scan, "a"), *_stand_ins(scan)]


EXPORT_FORMATS.register("ang")(Ang())


def _header(scan: ExportScan, extra: Sequence[str]) -> list[str]:
    odd, even = scan.row_lengths  # the first row is an odd one: here they count from 1
    phases = header_phases(scan)
    titles = [*_COLUMNS, *column_titles(extra, (*_COLUMNS, *_OF_ORIX))]
    indexed = "" if scan.orientations is not None else "; no orientations: nothing is indexed"
    return [
        "HEADER: Start",
        "TEM_PIXperUM          1.000000",
        "x-star                0.000000",
        "y-star                0.000000",
        "z-star                0.000000",
        "WorkingDistance       0.000000",
        "",
        *(
            line
            for number, phase in enumerate(phases, 1)
            for line in (f"Phase {number}", *_phase_lines(phase), "")
        ),
        f"GRID: {'HexGrid' if scan.grid.hexagonal else 'SqrGrid'}",
        f"XSTEP: {scan.grid.step[0]:.10g}",
        f"YSTEP: {scan.grid.step[1]:.10g}",
        f"NCOLS_ODD: {odd}",
        f"NCOLS_EVEN: {even}",
        f"NROWS: {scan.grid.shape[0]}",
        "",
        f"OPERATOR: Latent Explorer {__version__}{indexed}",
        "",
        f"SAMPLEID: {header_text(scan.labels[0].name)}",
        "",
        "SCANID:",
        "",
        "VERSION 7",
        f"COLUMN_COUNT: {len(titles)}",
        f"COLUMN_HEADERS: {', '.join(titles)}",
        f"Column names: {', '.join([*_OF_ORIX, *titles[len(_COLUMNS) :]])}",
        "HEADER: End",
    ]


def _phase_lines(phase: Phase) -> tuple[str, ...]:
    return (
        f"MaterialName  \t{plain(phase.name)}",
        "Formula",
        "Info",
        f"Symmetry              {_SYMMETRIES[laue_of(phase)]}",
        f"LatticeConstants      {' '.join(f'{one:.10g}' for one in lattice_of(phase))}",
        "NumberFamilies        0",
        "Categories 0 0 0 0 0",
    )


def _rows(scan: ExportScan) -> Iterator[NDArray[np.float64]]:
    several = len(header_phases(scan)) > 1
    for block in scan.blocks():
        phase = block.phase()
        indexed = phase > 0
        maps = () if scan.maps is None else (block.at(one, np.nan) for one in scan.maps.values)
        yield np.column_stack(
            [
                np.radians(block.degrees(_UNINDEXED_ANGLE)),
                block.x,
                block.y,
                _image_quality(block),
                np.where(indexed, block.quality("ci"), _UNINDEXED_CI),
                phase if several else np.zeros_like(phase),
                block.quality("sem"),
                np.where(indexed, _fit(block), _UNINDEXED_FIT),
                *(block.at(one.values, NO_LABEL) for one in scan.labels),
                *maps,
            ]
        )


def _image_quality(block: NodeBlock) -> NDArray[np.float64]:
    return block.quality("iq" if "iq" in block.scan.quality else "bc")


def _fit(block: NodeBlock) -> NDArray[np.float64]:
    return block.quality("fit" if "fit" in block.scan.quality else "mad")


def _stand_ins(scan: ExportScan) -> list[str]:
    """Tell which columns hold something else than their title says, or nothing."""
    known = scan.quality
    notes = []
    if scan.grid.shifted_rows == "even":
        notes.append(
            "The first row is one of those that are shifted by half a step: programs that place "
            "rows by their number, not by x, take the others for shifted."
        )
    if "iq" not in known and "bc" in known:
        notes.append("IQ holds band contrast: the source has no image quality.")
    if "fit" not in known and "mad" in known:
        notes.append("Fit holds the mean angular deviation: the source has no fit.")
    if scan.orientations is not None and "ci" not in known:
        notes.append("CI is 0 where points are indexed: the source has no confidence index.")
    return notes
