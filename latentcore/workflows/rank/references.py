"""The reference map of a verb: read, chosen, joined with the latents, made of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.references import Reference, join_maps, reference_of, refuse_useless
from latentcore.artifacts import RunFolder
from latentcore.containers import (
    LatentSet,
    Roi,
    SampleColumns,
    ScanMaps,
    numeric,
    refuse_names,
)
from latentcore.errors import RequestError
from latentcore.inputs.maps import BAND_CONTRAST, chosen_maps, read_map
from latentcore.inputs.sample_tables import table_at
from latentcore.requests.map_specs import split_map_spec
from latentcore.requests.notes import Note


@dataclass(frozen=True, eq=False)
class JoinedReference:
    """A reference at the points of latents.

    Attributes
    ----------
    unmatched, unmatched_reference : int
        Points of the latents without a reference, and the other way round (in the ROI).
    notes : tuple of Note
        What the user should know.
    columns : SampleColumns or None
        All columns of the table, where samples lie on no grid.
    """

    reference: Reference
    unit: str
    unmatched: int
    unmatched_reference: int
    notes: tuple[Note, ...]
    columns: SampleColumns | None = None


def read_reference_map(
    spec: str,
    latents: LatentSet,
    folder: RunFolder,
    *,
    roi: Roi | None,
    synthesis: str | None,
    weights: Sequence[float] | None,
) -> JoinedReference:
    """Read a ``MAP`` argument and make one reference of it.

    Several columns, where neither ``synthesis`` nor band contrast says which one is meant, are
    summed. Of latents without a grid it is a column of a table about their samples.
    """
    columns = None
    if latents.grid is None:
        columns, names, units, values = _of_table(spec, latents, folder)
        unmatched, lacking = columns.unmatched, columns.unused
    else:
        maps = _meant(read_map(spec, folder, numbers=True), spec, synthesis)
        names, units = maps.names, maps.units
        values, unmatched, lacking = join_maps(maps, latents.grid, roi)
    assumed = synthesis is None and (len(names) > 1 or weights is not None)
    reference = reference_of(
        values, names, synthesis="sum" if assumed else synthesis, weights=weights
    )
    refuse_useless(reference, latents.partly_encoded)
    notes = _notes(reference, unmatched, lacking, values, len(latents))
    if assumed and weights is None:
        text = f"{', '.join(names)} were summed, each scaled to 0–1 over the ROI."
        notes.append(Note("summed", text))
    unit = units[0] if not reference.synthesis else ""
    return JoinedReference(_tagged(reference), unit, unmatched, lacking, tuple(notes), columns)


def _of_table(
    spec: str, latents: LatentSet, folder: RunFolder
) -> tuple[SampleColumns, tuple[str, ...], tuple[str, ...], NDArray[np.float32]]:
    """Read a table of samples; return it at the latents, and the columns that are meant."""
    columns, names = table_at(spec, latents, folder)
    if not split_map_spec(spec)[1]:
        names = numeric(columns)
    if len(names) != 1 and not split_map_spec(spec)[1]:
        message = (
            f"{spec!r} holds several columns: {', '.join(names[:24])}. Name one as "
            f"{split_map_spec(spec)[0]}:COLUMN."
        )
        raise RequestError(message)
    refuse_names(columns, names)
    values = np.array([columns.get(name) for name in names])
    units = tuple(columns.units[columns.names.index(name)] for name in names)
    return columns, names, units, values


def _meant(maps: ScanMaps, spec: str, synthesis: str | None) -> ScanMaps:
    """Return the columns that are meant: band contrast alone, where none is named."""
    if not split_map_spec(spec)[1] and synthesis is None and BAND_CONTRAST in maps.names:
        return chosen_maps(maps, [BAND_CONTRAST])
    return maps


def _notes(
    reference: Reference,
    unmatched: int,
    lacking: int,
    values: NDArray[np.floating],
    n: int,
) -> list[Note]:
    notes = []
    if unmatched:
        text = f"{unmatched} of {n} points of the latents have no {reference.name}."
        notes.append(Note("unmatched", text))
    if lacking:
        text = f"{lacking} points of {reference.name} have no latents."
        notes.append(Note("unmatched-reference", text))
    empty = int((~np.isfinite(values).all(axis=0)).sum()) - unmatched
    if empty > 0:
        text = f"{empty} matched points have no value in some column and are left out."
        notes.append(Note("left-out", text))
    still = [
        name
        for name, (low, high) in zip(reference.columns, reference.ranges, strict=False)
        if low == high
    ]
    if still:
        text = f"Constant over the ROI, so they add nothing: {', '.join(still)}."
        notes.append(Note("constant", text))
    return notes


def _tagged(reference: Reference) -> Reference:
    """Return the reference with a tag that can stand in a file's name."""
    kept = "".join(
        letter if letter.isalnum() or letter in "-_." else "_" for letter in reference.tag
    )
    return replace(reference, tag=kept.lstrip(".")[:80] or "reference")
