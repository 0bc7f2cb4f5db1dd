"""What headers say of phases, and what stands there where it is unknown."""

from __future__ import annotations

from latentcore.errors import RequestError
from latentcore.outputs.exports.scan import ExportScan, Phase

_WITHOUT_SYMMETRY = "-1"
_WITH_SIXTY_DEGREES = ("-3", "-3m", "6/m", "6/mmm")

_NO_ORIENTATIONS = (
    "There are no orientations and no phases: every point is written as not indexed. They are "
    "carried over from the vendor's file, where that is named."
)


def header_phases(scan: ExportScan) -> tuple[Phase, ...]:
    """Return the phases of a header: readers want at least one, though no point has it."""
    if scan.orientations is None or not scan.orientations.phases:
        return (Phase("not indexed"),)
    return scan.orientations.phases


def laue_of(phase: Phase) -> str:
    """Return a phase's Laue group; −1, which claims no symmetry, where it is unknown."""
    return phase.laue or _WITHOUT_SYMMETRY


def lattice_of(phase: Phase) -> tuple[float, ...]:
    """Return a, b, c in Å and α, β, γ in °; 1 Å where they are unknown."""
    angle = 120.0 if phase.laue in _WITH_SIXTY_DEGREES else 90.0
    return phase.cell.lattice or (1.0, 1.0, 1.0, 90.0, 90.0, angle)


def phase_notes(scan: ExportScan, hexagonal_x: str) -> list[str]:
    """Tell what of orientations and phases is missing, or means something else to readers.

    Parameters
    ----------
    hexagonal_x : str
        Which axis of a hexagonal crystal the format's readers take for x.
    """
    if scan.orientations is None:
        return [_NO_ORIENTATIONS]
    phases = scan.orientations.phases
    named = ", ".join(repr(one.name) for one in phases if not one.laue)
    notes = [f"The Laue group of {named} is unknown: -1, no symmetry, stands for it."] * bool(named)
    bare = ", ".join(repr(one.name) for one in phases if not one.cell.lattice)
    notes += [f"The unit cell of {bare} is unknown: lengths of 1 Å stand for it."] * bool(bare)
    turned = ", ".join(
        repr(one.name)
        for one in phases
        if one.laue in _WITH_SIXTY_DEGREES and one.hexagonal_x not in ("", hexagonal_x)
    )
    if turned:
        notes.append(
            f"The Euler angles of {turned} take x along {_other(hexagonal_x)}, but readers of this "
            f"format assume {hexagonal_x}. They are written unchanged: add 30° to φ2 there, or "
            "tell the reader."
        )
    return notes


def _other(hexagonal_x: str) -> str:
    return "a" if hexagonal_x == "a*" else "a*"


def refuse_hexagonal(scan: ExportScan, called: str) -> None:
    """Refuse to write a hexagonal scan into a format of square grids.

    Raises
    ------
    RequestError
        If the scan is hexagonal.
    """
    if scan.grid.hexagonal:
        message = (
            f"{called} knows square grids only, but this scan is hexagonal: every second row is "
            "shifted by half a step, and no value is resampled here. Export it as 'ang', which "
            "knows hexagonal grids, or as 'hdf5' or 'csv'."
        )
        raise RequestError(message)


def grid_notes(scan: ExportScan) -> list[str]:
    """Tell how many nodes hold no point, and whether the unit of length is known."""
    notes = []
    if scan.missing:
        notes.append(
            f"{scan.missing:,} of {scan.cells:,} nodes of the grid hold no point: they are written "
            "as not indexed, without a label."
        )
    if scan.unit != "µm":
        notes.append("The step is not known in µm: lengths are in the coordinates of the table.")
    return notes
