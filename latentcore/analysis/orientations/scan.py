"""The orientations of a scan: from maps of Euler angles and phases, whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.orientations.disorientation import disorientation
from latentcore.analysis.orientations.rotations import Quaternions, from_euler, proper_rotations
from latentcore.containers import CrystalSymmetry, ScanMaps
from latentcore.containers.crystals import LAUE_GROUPS, laue_of_point_group
from latentcore.errors import RequestError

NOT_INDEXED = -1
_ANGLES = (r"phi_?1|eul(er)?_?1", r"phi|eul(er)?_?2", r"phi_?2|eul(er)?_?3")
_WITH_UNIT = r"({})([\s_]*[\[(]?(deg|degrees|rad|radians|°)[\])]?)?"
_PHASE = re.compile(r"phases?([\s_]?(id|index|number|name))?", re.IGNORECASE)
_UNINDEXED = re.compile(r"(not?|un|non)[\s_-]*(indexed|analy[sz]ed)|(zero|no)[\s_-]*solution|none")
_DEGREES, _RADIANS = ("°", "deg", "degrees"), ("rad", "radians")
# The largest angle that a vendor writes in radians: EDAX' for a point that is not indexed.
_LARGEST_RADIANS = 4 * np.pi * 1.001
_TURN = 2 * np.pi * 1.001
_ONLY_PHASE = "the only phase"
_ASSUMED = "m-3m"


@dataclass(frozen=True, eq=False)
class Orientations:
    """The orientation and the phase of each of n points.

    Attributes
    ----------
    rotations : ndarray of float64, shape (n, 4)
        See `latentcore.analysis.orientations`; NaN where a point is not indexed.
    phase : ndarray of int32, shape (n,)
        `NOT_INDEXED` where a point is not.
    symmetries : Mapping of int to CrystalSymmetry
        Of each phase that occurs.
    names : Mapping of int to str
        What each phase is called.
    columns : tuple of str
        The maps that they were read from.
    convention : str
        The maps' `latentcore.containers.ScanMaps.euler_convention`.
    notes : tuple of str
        What was taken from the numbers themselves, as no name told it.
    """

    rotations: Quaternions
    phase: NDArray[np.int32]
    symmetries: Mapping[int, CrystalSymmetry]
    names: Mapping[int, str]
    columns: tuple[str, ...] = ()
    convention: str = ""
    notes: tuple[str, ...] = ()

    @property
    def indexed(self) -> NDArray[np.bool_]:
        """Which points have an orientation."""
        found: NDArray[np.bool_] = self.phase != NOT_INDEXED
        return found

    def disorientation(
        self, first: NDArray[np.integer], second: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Return the disorientation of pairs of points in degrees.

        Parameters
        ----------
        first, second : ndarray of int, shape (m,)
            Their rows.

        Returns
        -------
        ndarray of float64, shape (m,)
            NaN where one is not indexed, or they are of different phases: crystals of two kinds
            have no angle between them.
        """
        angles = np.full(len(first), np.nan)
        for number, symmetry in self.symmetries.items():
            pairs = np.flatnonzero((self.phase[first] == number) & (self.phase[second] == number))
            angles[pairs] = disorientation(
                self.rotations[first[pairs]],
                self.rotations[second[pairs]],
                proper_rotations(symmetry),
            )
        return angles


def orientations_of(maps: ScanMaps, laue: Sequence[str] = ()) -> Orientations:
    """Read the orientations of a scan from its maps.

    Parameters
    ----------
    maps : ScanMaps
        With Bunge's angles (``phi1, Phi, phi2``, ``Euler1`` …, ``eul1`` …), in the unit that is
        said, and ``phase`` where there are several. A point is not indexed where an angle is NaN
        or its phase is negative, called so, or 0 beside greater ones and not in the header.
    laue : sequence of str
        ``PHASE=GROUP``, or ``GROUP`` for all phases; goes before what the maps say. A phase of
        which nothing but its number is known is taken as m-3m, and a note says so.

    Raises
    ------
    RequestError
        If angles are missing or their unit is unclear, no point is indexed, or the Laue group of
        a phase that has a name is unknown.
    """
    angles, noted = euler_angles(maps)
    usable = np.isfinite(angles.sum(axis=0))
    phase, names = phases_of(maps, usable, given_groups(laue))
    indexed = phase != NOT_INDEXED
    if not indexed.any():
        message = (
            f"None of the {len(phase)} points of {_name(maps)} is indexed, so there are no "
            "grains. Give the maps of an indexed scan."
        )
        raise RequestError(message)
    present = [int(number) for number in np.unique(phase[indexed])]
    rotations = from_euler(*angles)
    rotations[~indexed] = np.nan
    symmetries, assumed = _symmetries(maps, present, names, given_groups(laue))
    return Orientations(
        rotations=rotations,
        phase=phase,
        symmetries=symmetries,
        names={number: names[number] for number in present},
        columns=tuple(filter(None, (*euler_names(maps), _phase_name(maps)))),
        convention=maps.euler_convention,
        notes=(*noted, *assumed),
    )


def euler_names(maps: ScanMaps) -> tuple[str, ...]:
    """Return the names of the three maps of Bunge's angles; nothing where one is missing."""
    found = [
        next(
            (name for name in maps.names if re.fullmatch(pattern, name.strip(), re.IGNORECASE)),
            None,
        )
        for pattern in map(_WITH_UNIT.format, _ANGLES)
    ]
    known = tuple(name for name in found if name is not None)
    return known if len(known) == len(found) else ()


def euler_angles(maps: ScanMaps) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return Bunge's angles in rad, shape (3, n), and what was assumed of them.

    Raises
    ------
    RequestError
        If there are none, or their unit is unclear.
    """
    known = euler_names(maps)
    if not known:
        message = (
            f"Orientations need the Euler angles phi1, Phi and phi2, but {_name(maps)} holds "
            f"{', '.join(maps.names)}. Export the scan with its Euler angles."
        )
        raise RequestError(message)
    angles = np.stack([maps.get(name).astype(np.float64) for name in known])
    units = {maps.units[maps.names.index(name)] for name in known}
    largest = float(np.abs(angles[np.isfinite(angles)]).max(initial=0))
    if units <= set(_DEGREES):
        note = f"Angles up to {largest:.3g} were taken as degrees, but look like radians."
        doubtful = 1 < largest < _TURN and not maps.euler_convention  # a vendor's unit is known
        return np.radians(angles), (note,) if doubtful else ()
    if units <= set(_RADIANS) and largest <= _LARGEST_RADIANS:
        return angles, ()
    if units == {""} and largest > _LARGEST_RADIANS:
        note = f"Angles up to {largest:g} were taken as degrees, as the columns name no unit."
        return np.radians(angles), (note,)
    if units == {""}:
        trouble = f"name no unit, and angles up to {largest:g} may be radians or degrees"
    else:
        said = ", ".join(sorted(unit or "none" for unit in units))
        trouble = f"have the unit {said}, which angles up to {largest:g} don't fit"
    message = (
        f"The columns {', '.join(known)} of {_name(maps)} {trouble}. Call them phi1_deg, Phi_deg, "
        "phi2_deg or phi1_rad, Phi_rad, phi2_rad."
    )
    raise RequestError(message)


def _phase_name(maps: ScanMaps) -> str | None:
    return next((name for name in maps.names if _PHASE.fullmatch(name.strip())), None)


def phases_of(
    maps: ScanMaps, usable: NDArray[np.bool_], given: Mapping[str, str]
) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Return the phase of each point, and what the numbers that occur are called.

    Parameters
    ----------
    usable : ndarray of bool, shape (n,)
        Which points have angles.
    given : Mapping of str to str
        The groups that `given_groups` returns: what is named there is a phase.
    """
    column = _phase_name(maps)
    if column is None:
        return np.where(usable, np.int32(0), np.int32(NOT_INDEXED)), {0: _ONLY_PHASE}
    values = maps.get(column)
    usable = usable & np.isfinite(values)
    numbers = [int(number) for number in np.unique(values[usable])]
    if numbers != np.unique(values[usable]).tolist():
        message = f"The map {column} of {_name(maps)} holds numbers that are no phases."
        raise RequestError(message)
    texts = maps.categories.get(column, {})
    names = {number: texts.get(number, str(number)) for number in numbers}
    called = any(text != str(number) for number, text in texts.items()) and not maps.cells
    indexed = [
        number
        for number in numbers
        if {str(number), names[number]} & given.keys()
        or number in maps.symmetries
        or number in maps.cells
        or (
            (number > 0 or called or number == numbers[-1] == 0)
            and not _UNINDEXED.fullmatch(names[number].lower())
        )
    ]
    phase = np.full(len(values), NOT_INDEXED, np.int32)
    kept = usable & np.isin(values, indexed)
    phase[kept] = values[kept].astype(np.int32)
    return phase, names


def given_groups(laue: Sequence[str]) -> dict[str, str]:
    """Return the Laue group that each phase was given, by name or number; of all others by "".

    Raises
    ------
    RequestError
        If there is no such group.
    """
    groups: dict[str, str] = {}
    for text in laue:
        phase, _, symbol = text.rpartition("=")
        group = laue_of_point_group(symbol)
        if group is None:
            message = (
                f"⟨laue⟩ {text!r}: there is no Laue group {symbol!r}. The eleven are "
                f"{', '.join(LAUE_GROUPS)}; write PHASE=GROUP."
            )
            raise RequestError(message)
        groups[phase.strip()] = group
    return groups


def _symmetries(
    maps: ScanMaps, present: list[int], names: Mapping[int, str], given: Mapping[str, str]
) -> tuple[dict[int, CrystalSymmetry], tuple[str, ...]]:
    # A phase of the file may be missing in the part that is looked at.
    there = {**maps.categories.get(_phase_name(maps) or "", {}), **names}
    known = {name for number in there for name in (str(number), there[number])}
    listed = ", ".join(
        str(number) if names[number] == str(number) else f"{number} ({names[number]})"
        for number in present
    )
    unknown = sorted(given.keys() - known - {""})
    if unknown:
        message = f"⟨laue⟩ names the phase {unknown[0]!r}, but {_name(maps)} holds {listed}."
        raise RequestError(message)
    found = {}
    for number in present:
        own = maps.symmetries.get(number)
        asked = given.get(str(number), given.get(names[number], given.get("")))
        if asked is not None:
            found[number] = CrystalSymmetry(asked, own.hexagonal_x if own else "a")
        elif own is not None:
            found[number] = own
    # A table of numbers can't say it. Where anything is known, what is missing is an oversight.
    silent = not found and all(names[n] in (str(n), _ONLY_PHASE) for n in present)
    nameless = present if silent else []
    found |= {number: CrystalSymmetry(_ASSUMED, "a") for number in nameless}
    notes = tuple(
        f"{_name(maps)} doesn't say what phase {number} is: its Laue group was taken as "
        f"{_ASSUMED}, that of cubic metals."
        for number in nameless
    )
    missing = [number for number in present if number not in found]
    if missing:
        message = (
            f"{_name(maps)} doesn't say the Laue group of phase {missing[0]} "
            f"({names[missing[0]]}), without which there is no disorientation. Phases that occur: "
            f"{listed}. Give ⟨laue⟩ {missing[0]}=GROUP, one of {', '.join(LAUE_GROUPS)}."
        )
        raise RequestError(message)
    return found, notes


def _name(maps: ScanMaps) -> str:
    return "The scan" if maps.ref is None else repr(maps.ref.location.rpartition("/")[2])
