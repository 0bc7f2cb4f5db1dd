"""What the files of Channel 5 have in common: ``.ctf`` as text, ``.cpr`` with ``.crc`` in binary.

Facts: phases count from 1 and 0 is not indexed; Laue groups by Oxford's number 1–11, space groups
by theirs, 0 for none; x of a hexagonal crystal perpendicular to b and c; angles from CS0, against
which the surface CS1 may be turned (``AcqE1`` to ``AcqE3``). A scan is a grid, or points that were
measured one by one (``Interactive``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import CrystalSymmetry, UnitCell
from latentcore.containers.crystals import LAUE_GROUPS, laue_of_space_group
from latentcore.readers._ebsd.columns import MapColumns
from latentcore.readers._ebsd.conventions import CHANNEL5
from latentcore.readers._ebsd.fields import Phase, plausible_lattice, visible
from latentcore.readers._ebsd.points import add_labels, cell_of

_ERRORS = ("success", "low band contrast", "low band slope", "no solution", "high MAD",
           "not analyzed", "unexpected error")  # fmt: skip
_FIRST = ("bandcontrast", "phase", "BS", "Bands", "MAD", "Error", "phi1", "Phi", "phi2")
_UNITS = {"phi1": "°", "Phi": "°", "phi2": "°", "MAD": "°"}
_ANGLES = ("phi1", "Phi", "phi2")
_LAST_SPACE_GROUP = 230
_MOST_CATEGORIES = 100


@dataclass(frozen=True)
class Channel5Phase:
    """A phase as a header has it, all as text."""

    name: str
    lattice: Sequence[str]
    laue: str
    space_group: str


def channel5_maps(
    values: Sequence[tuple[str, NDArray[np.float32]]],
    phases: Sequence[Channel5Phase],
    turned: Sequence[str],
    units: dict[str, str] | None = None,
) -> tuple[MapColumns, list[str]]:
    """Return the maps of a scan, in the order of the other readers, and notes on its phases.

    Parameters
    ----------
    values : sequence of (str, ndarray), shape (n,)
        The names that maps have here; angles in °.
    phases : sequence of Channel5Phase
        From 1.
    turned : sequence of str
        The header's Euler angles of the surface.
    units : dict of str to str
        Of maps whose unit is not known here.
    """
    known = {**_UNITS, **(units or {})}
    maps = MapColumns()
    phase = next((one for name, one in values if name == "phase"), None)
    for name, one in sorted(values, key=_rank):
        if name in _ANGLES and phase is not None:
            one = np.where(phase > 0, one, np.float32(np.nan))
        maps.add(name, one, known.get(name, ""))
    if set(_ANGLES) <= maps.values.keys():
        maps.euler_convention = CHANNEL5 + _surface(turned)
    notes: list[str] = []
    if phase is not None:
        described = {number: _phase(one, number, notes) for number, one in enumerate(phases, 1)}
        maps.describe_phases(described)
    if "Error" in maps.values:
        present = np.unique(maps.values["Error"][np.isfinite(maps.values["Error"])])
        maps.categories["Error"] = {
            int(code): _ERRORS[int(code)] if 0 <= code < len(_ERRORS) else f"error {code:g}"
            for code in present[:_MOST_CATEGORIES]
            if code == np.rint(code)
        }
    add_labels(maps)
    return maps, notes


def _rank(named: tuple[str, NDArray[np.float32]]) -> int:
    return _FIRST.index(named[0]) if named[0] in _FIRST else len(_FIRST)


def _phase(said: Channel5Phase, number: int, notes: list[str]) -> Phase:
    """Return a phase; its space group goes before its Laue group, which says less."""
    name = visible(said.name) or f"phase {number}"
    space_group = cell_of(said.space_group)
    group = int(space_group) if space_group in range(1, _LAST_SPACE_GROUP + 1) else 0
    place = cell_of(said.laue)
    numbered = LAUE_GROUPS[int(place) - 1] if place in range(1, len(LAUE_GROUPS) + 1) else None
    laue = laue_of_space_group(group) or numbered
    if laue is not None and numbered is not None and numbered != laue.replace("-31m", "-3m"):
        notes.append(
            f"The header gives phase {number} ({name!r}) the Laue group {numbered}, but a space "
            f"group ({group}) of {laue}, which is taken."
        )
    lattice = plausible_lattice(tuple(map(cell_of, said.lattice)))
    symmetry = None if laue is None else CrystalSymmetry(laue, "a*")
    return Phase(name, symmetry, UnitCell(lattice, group))


def _surface(turned: Sequence[str]) -> str:
    """Tell how the surface is turned against the sample's frame, where it is."""
    angles = [cell_of(one) for one in turned]
    if len(angles) != 3 or not np.isfinite(angles).all() or not any(angles):
        return ""
    shown = ", ".join(f"{angle:g}" for angle in angles)
    return f" The acquisition surface CS1 is turned by ({shown})° against it."
