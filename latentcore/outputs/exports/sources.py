"""Orientations, phases and quality of points, from whatever maps hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.orientations.scan import (
    NOT_INDEXED,
    euler_angles,
    given_groups,
    phases_of,
)
from latentcore.containers import ScanGrid, ScanMaps, UnitCell, match_rows
from latentcore.containers.crystals import BETWEEN_A
from latentcore.errors import RequestError
from latentcore.outputs.exports.scan import Orientations, Phase

_QUALITY: Mapping[str, tuple[str, ...]] = {
    "bands": ("bands", "nindexedbands"),
    "error": ("error",),
    "mad": ("meanangulardeviation", "mad"),
    "bc": ("bandcontrast", "bc"),
    "bs": ("bandslope", "bs"),
    "iq": ("iq", "imagequality"),
    "ci": ("ci", "confidenceindex"),
    "sem": ("semsignal", "sem"),
    "fit": ("fit",),
}
_ANGLES = ("mad", "fit")
_OXFORD = "oxford-maps"
# What .h5oina's errors, 0 to 7 (not analyzed, success, no solution, low band contrast, low band
# slope, high MAD, unexpected, replaced), are in a .ctf.
_CTF_ERRORS = np.array([5, 0, 3, 1, 2, 4, 6, 0])
# More phases than any header has room for are no phases.
_MOST_PHASES = 99


def exported_orientations(maps: ScanMaps, grid: ScanGrid, laue: Sequence[str] = ()) -> Orientations:
    """Return phases and orientations at the points of a grid.

    Parameters
    ----------
    maps : ScanMaps
        As `latentcore.analysis.orientations.scan.orientations_of` takes them; the Laue group of a
        phase may be unknown.
    laue : sequence of str
        ``PHASE=GROUP``, or ``GROUP`` for all phases; goes before what the maps say.

    Raises
    ------
    RequestError
        If they hold no orientations, or their angles' unit is unknown.
    JoinError
        If no point has a partner.
    """
    given = given_groups(laue)
    angles, notes = euler_angles(maps)
    own, names = phases_of(maps, np.isfinite(angles.sum(axis=0)), given)
    _, unmatched = maps.at(grid)
    rows = match_rows(grid, maps.grid)
    own = np.where(rows >= 0, own[rows], np.int32(NOT_INDEXED))
    numbers = _numbered(own)
    phase = np.zeros(len(grid), np.int32)
    for place, number in enumerate(numbers, 1):
        phase[own == number] = place
    degrees = np.where((phase > 0)[:, None], np.degrees(angles.T[rows]), np.nan)
    phases = tuple(_phase(maps, number, names.get(number, ""), given) for number in numbers)
    return Orientations(degrees, phase, phases, {
        "from": Path(maps.ref.location).name if maps.ref is not None else "",
        "reader": maps.ref.reader if maps.ref is not None else "",
        "frame": "the source's own: angles are not rotated between frames",
        "convention": maps.euler_convention or "Bunge, z x' z''",
        "phases": [
            {"number": place, "number_in_source": number, "name": one.name, "laue": one.laue,
             "hexagonal_x": one.hexagonal_x, "lattice": one.cell.lattice,
             "space_group": one.cell.space_group}
            for place, (one, number) in enumerate(zip(phases, numbers, strict=True), 1)
        ],
        "n_indexed": int((phase > 0).sum()),
        "unmatched": unmatched,
        "notes": notes,
    })  # fmt: skip


def quality_of(tables: Sequence[ScanMaps], grid: ScanGrid) -> dict[str, NDArray[np.float64]]:
    """Return what maps say of each point of a grid, under the names of `ExportScan.quality`.

    Parameters
    ----------
    tables : sequence of ScanMaps
        The first that has something is asked.
    """
    found: dict[str, NDArray[np.float64]] = {}
    for maps in tables:
        by_name = {_bare(name): name for name in maps.names}
        for called, spellings in _QUALITY.items():
            name = next((by_name[one] for one in spellings if one in by_name), None)
            if name is None or called in found:
                continue
            values = maps.at(grid)[0][maps.names.index(name)].astype(np.float64)
            if called in _ANGLES and maps.units[maps.names.index(name)] == "rad":
                values = np.degrees(values)
            if called == "error" and maps.ref is not None and maps.ref.reader == _OXFORD:
                values = _ctf_errors(values)
            found[called] = values
    return found


def _bare(name: str) -> str:
    return re.sub(r"[\s_]+", "", name).lower()


def _numbered(own: NDArray[np.int32]) -> list[int]:
    """Return the source's numbers of the phases of a header, in its order.

    Where they count from 1, those that don't occur keep the others' numbers as they are.
    """
    present = [int(number) for number in np.unique(own[own != NOT_INDEXED])]
    if len(present) > _MOST_PHASES:
        message = f"The maps hold {len(present)} phases, but no file has more than {_MOST_PHASES}."
        raise RequestError(message)
    counted = bool(present) and present[0] >= 1 and present[-1] <= _MOST_PHASES
    return list(range(1, present[-1] + 1)) if counted else present


def _phase(maps: ScanMaps, number: int, text: str, given: Mapping[str, str]) -> Phase:
    own = maps.symmetries.get(number)
    laue = given.get(str(number), given.get(text, given.get("", own.laue if own else "")))
    return Phase(
        name=text if text not in ("", str(number)) else f"phase {number}",
        laue="-3m" if laue == BETWEEN_A else laue,
        hexagonal_x=own.hexagonal_x if own is not None else "",
        cell=maps.cells.get(number, UnitCell()),
    )


def _ctf_errors(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(values) & (values >= 0) & (values < len(_CTF_ERRORS))
    places = np.where(known, values, 0).astype(int)
    return np.where(known, _CTF_ERRORS[places], np.nan)
