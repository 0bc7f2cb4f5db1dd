"""What dimensions are held against: the reference over the points of the ROI."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from latentcore.analysis.ranking import metric_names
from latentcore.analysis.references import Reference, reference_of, refuse_useless
from latentcore.containers import LatentSet, ScanGrid, quantities
from latentcore.errors import RequestError
from pages.access import places
from pages.scan.joining import JoinedMaps
from pages.tasks.rank.question import RankQuestion
from pages.view.question import Question
from pages.view.scene import Scene

_USUAL = ("bandcontrast", "band_contrast", "iq", "image_quality", "band contrast")


@dataclass(frozen=True, eq=False)
class Target:
    """Latents and reference at the points of the ROI.

    Attributes
    ----------
    key : str
        Changes when anything does that changes a score.
    grid : ScanGrid
        Cut to the points.
    unmatched : int
        Points without a reference.
    paired : int
        Points with a reference and at least one latent.
    """

    key: str
    latents: LatentSet
    grid: ScanGrid
    reference: Reference
    unit: str
    unmatched: int
    paired: int


def complete(asked: RankQuestion, maps: JoinedMaps) -> RankQuestion:
    """Fill in what the question leaves open, and mend what these maps don't have."""
    numeric = quantities(maps)
    changes: dict[str, Any] = {}
    if not _fits(asked, maps, numeric):
        usual = [name for name in numeric if name.lower() in _USUAL]
        first = next(iter((*usual, *numeric)))
        changes = {"columns": (first,), "synthesis": "", "weights": ()}
    known = metric_names()
    chosen = tuple(name for name in known if name in asked.metrics)
    if chosen != asked.metrics:
        changes["metrics"] = chosen
    sure = tuple(name for name in chosen or known if name in asked.sure)
    if sure != asked.sure:
        changes["sure"] = sure
    if asked.by not in (chosen or known):
        changes["by"] = (chosen or known)[0]
    return dataclasses.replace(asked, **changes) if changes else asked


def _fits(asked: RankQuestion, maps: JoinedMaps, numeric: tuple[str, ...]) -> bool:
    """Tell whether the maps of a question are there, in one file, and as many as it needs."""
    if not asked.columns or not set(asked.columns) <= set(numeric):
        return False
    if len({maps.origin[name][0] for name in asked.columns}) > 1:
        return False
    wanted = {"": 1, "rgb": 3}.get(asked.synthesis)
    return wanted is None or len(asked.columns) == wanted


def files_with_maps(maps: JoinedMaps) -> dict[str, list[str]]:
    """Return the numeric maps of each file, those with the most first."""
    by_place: dict[str, list[str]] = {}
    for name in quantities(maps):
        by_place.setdefault(maps.origin[name][0], []).append(name)
    return dict(sorted(by_place.items(), key=lambda entry: -len(entry[1])))


def map_spec(maps: JoinedMaps, columns: tuple[str, ...]) -> str:
    """Return columns of one file as a ``MAP`` argument; those of several are refused."""
    origins = [maps.origin[name] for name in columns]
    (place, _), *others = origins
    if any(other != place for other, _ in others):
        message = "The maps of a reference must come from one file. Join them in a table first."
        raise RequestError(message)
    return f"{places.location(place)}:{','.join(column for _, column in origins)}"


def open_target(scene: Scene, view: Question, asked: RankQuestion) -> Target:
    """Make the reference over the ROI.

    Raises `InputError` if the ROI holds no point, or the reference can't be made or used.
    """
    asked_for = (asked.synthesis, asked.columns, asked.weights, view.roi)
    key = hashlib.blake2b((scene.key + json.dumps(asked_for)).encode(), digest_size=12).hexdigest()
    return _target(key, scene, view, asked)


# Each may hold a copy of its latents, which is soon made again.
@st.cache_resource(max_entries=4, show_spinner=False)
def _target(key: str, _scene: Scene, _view: Question, _asked: RankQuestion) -> Target:
    rows = _scene.in_roi(_view)
    latents = _scene.latents.take(rows) if not rows.all() else _scene.latents
    channels = np.stack([_scene.maps.get(name)[rows] for name in _asked.columns])
    reference = reference_of(
        channels, _asked.columns, synthesis=_asked.synthesis or None, weights=_asked.weights or None
    )
    refuse_useless(reference, latents.partly_encoded)
    known = np.isfinite(reference.values)
    grid = latents.grid
    assert grid is not None
    return Target(
        key=key,
        latents=latents,
        grid=grid.cut(np.ones(len(grid), np.bool_)),
        reference=reference,
        unit=_scene.maps.unit(_asked.columns[0]) if not reference.synthesis else "",
        unmatched=int((~known).sum()),
        paired=int((known & latents.partly_encoded).sum()),
    )
