"""The two sides of ``differ``, and what of them is exchanged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.exchange_units import (
    FEWEST_UNITS,
    Squares,
    Units,
    correlated_distance,
    dealt_units,
    squares_of_scan,
    usual_side,
)
from latentcore.artifacts import RunFolder
from latentcore.containers import LatentSet, ScanGrid
from latentcore.errors import RequestError
from latentcore.inputs.encoders import made, refuse_other_encoders
from latentcore.inputs.latents import in_view, read_field, told_apart
from latentcore.workflows.differ.request import DifferRequest

_MOST_NAMED = 12


@dataclass(frozen=True, eq=False)
class Source:
    """One scan, or other set of samples, of a side.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        In its file.
    """

    name: str
    location: str
    in_a: bool
    latents: LatentSet
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Exchanged:
    """What is exchanged, for all samples of all sources one after the other.

    Attributes
    ----------
    kind : str
        ``"squares"``, ``"scans"`` or ``"samples"``.
    units : Units
    tested : ndarray of bool, shape (n,)
        Which samples may be tested: those with a latent, away from a square's border.
    side, gap : float or None
        Of the squares, in steps.
    why_no_p : str
        Why an exchange of these units says nothing about chance; empty where it does.
    """

    kind: str
    units: Units
    tested: NDArray[np.bool_]
    side: float | None = None
    gap: float | None = None
    why_no_p: str = ""


def read_sources(request: DifferRequest, folder: RunFolder) -> tuple[tuple[Source, ...], list[str]]:
    """Read both sides, and say what is taken on trust about their encoder.

    Raises
    ------
    RequestError
        If a file is named twice, different encoders made them, or partitions are not there.
    """
    if request.between:
        return _partitions(request, request.between, folder), []
    locations = [*request.latents, *request.against]
    twice = [one for one in dict.fromkeys(locations) if locations.count(one) > 1]
    if twice:
        message = f"{twice[0]!r} was named twice. Name each file once, on one side."
        raise RequestError(message)
    names = told_apart(locations)
    sources = [
        _source(request, location, name, number < len(request.latents), folder)
        for number, (location, name) in enumerate(zip(locations, names, strict=True))
    ]
    return tuple(sources), refuse_other_encoders([made(one.latents) for one in sources], names)


def _source(
    request: DifferRequest, location: str, name: str, in_a: bool, folder: RunFolder
) -> Source:
    field = read_field(
        location, folder, coords=request.coords, reader=request.reader, roi=request.roi
    )
    rows = np.flatnonzero(in_view(field, request.roi, None))
    return Source(name, location, in_a, field.take(rows), rows)


def _partitions(
    request: DifferRequest, between: tuple[str, ...], folder: RunFolder
) -> tuple[Source, ...]:
    whole = _source(request, request.latents[0], "", True, folder)
    partition = whole.latents.partition
    present = [] if partition is None else sorted(partition.names)
    sides = [
        [asked] if asked in present else [one.strip() for one in asked.split(",")]
        for asked in between
    ]
    missing = [name for side in sides for name in side if name not in present]
    if partition is None or missing:
        has = ", ".join(present[:_MOST_NAMED]) + ", …" * (len(present) > _MOST_NAMED)
        message = (
            f"The latents have no partition {(missing or between)[0]!r}; they have "
            f"{has or 'none'}. Name some of these."
        )
        raise RequestError(message)
    both = set(sides[0]) & set(sides[1])
    if both or any(len(set(side)) < len(side) for side in sides):
        message = "Each partition can be on one side only, and once. Name others."
        raise RequestError(message)
    sources = []
    for in_a, side in zip((True, False), sides, strict=True):
        for name in side:
            own = np.flatnonzero(partition.mask([name]))
            latents = whole.latents.take(own)
            sources.append(Source(name, whole.location, in_a, latents, whole.rows[own]))
    return tuple(sources)


def exchanged(request: DifferRequest, sources: tuple[Source, ...]) -> Exchanged:
    """Return what is exchanged.

    Raises
    ------
    RequestError
        If there are no squares or too few of anything on a side.
    """
    kind = request.exchange if request.exchange != "auto" else _usual(sources)
    if kind == "squares":
        return _squares(request, sources)
    encoded = np.concatenate([one.latents.encoded for one in sources])
    counts = [len(one.latents) for one in sources]
    in_a = np.array([one.in_a for one in sources])
    of = np.repeat(np.arange(len(sources)), counts)
    if kind == "samples":
        of, in_a = np.arange(len(of)), in_a[of]
    return Exchanged(kind, dealt_units(of, in_a, request.folds, request.seed), encoded)


def _usual(sources: tuple[Source, ...]) -> str:
    n_a = sum(one.in_a for one in sources)
    if min(n_a, len(sources) - n_a) >= FEWEST_UNITS:
        return "scans"
    return "samples" if any(one.latents.grid is None for one in sources) else "squares"


def _squares(request: DifferRequest, sources: tuple[Source, ...]) -> Exchanged:
    grids = [_grid(one) for one in sources]
    gap = request.gap
    if gap is None:
        distances = [
            correlated_distance(one.latents.values, grid)
            for one, grid in zip(sources, grids, strict=True)
        ]
        gap = max(distances)
    side = request.block or usual_side(grids, gap)
    squares = [squares_of_scan(grid, side, gap) for grid in grids]
    why_no_p = ""
    if request.gap is None and request.block is None and _too_few(squares, sources):
        why_no_p = (
            f"Latents of these scans are alike over {gap:.0f} steps, so the scans hold too few "
            "independent squares to say what chance gives: there is no p-value. Larger scans can "
            "tell, or several on each side; --block and --gap overrule this."
        )
        side = usual_side(grids, 0)
        gap = side / 4
        squares = [squares_of_scan(grid, side, gap) for grid in grids]
    counts = [one.shape[0] * one.shape[1] for one in squares]
    first = np.cumsum([0, *counts[:-1]])
    of = np.concatenate([one.of + start for one, start in zip(squares, first, strict=True)])
    in_a = np.repeat([one.in_a for one in sources], counts)
    tested = np.concatenate(
        [own.inner & one.latents.encoded for own, one in zip(squares, sources, strict=True)]
    )
    filled = np.bincount(of[tested], minlength=len(in_a)) > 0
    # Nothing is learned from a square without a sample to test: any unit's model suits it.
    number = np.where(filled, np.cumsum(filled) - 1, 0)
    units = dealt_units(number[of], in_a[filled], request.folds, request.seed)
    return Exchanged("squares", units, tested, float(side), float(gap), why_no_p)


def _too_few(squares: list[Squares], sources: tuple[Source, ...]) -> bool:
    on_a, on_b = (
        sum(
            own.shape[0] * own.shape[1]
            for own, one in zip(squares, sources, strict=True)
            if one.in_a == side
        )
        for side in (True, False)
    )
    return min(on_a, on_b) < FEWEST_UNITS


def _grid(source: Source) -> ScanGrid:
    grid = source.latents.grid
    if grid is None:
        message = (
            f"{source.name} has no coordinates, so squares of it can't be exchanged. Give "
            "⟨coords⟩, or ⟨exchange⟩ samples where the samples are independent."
        )
        raise RequestError(message)
    return grid
