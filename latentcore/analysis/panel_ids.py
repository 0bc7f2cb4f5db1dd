"""What the id of a panel means: strokes drawn in it are of these axes, on every screen and day."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.selection import Mode, Shape
from latentcore.containers import (
    LatentSet,
    Region,
    RegionSet,
)
from latentcore.containers.scan_points import Placement
from latentcore.errors import RequestError

# The panels whose axes are the scan's own x and y.
MAP_PANELS = ("map", "cluster-map")
# A panel that is never shown: its x is a sample's row, its y is 0, so that boxes in it select rows.
ROW_PANEL = "row"

# A panel that is never shown: x is 1 in the region of this id and 0 elsewhere, y is 0.
_REGION = re.compile(r"region-(\S+)")
# A panel that is never shown: x and y are a sample's label. Its id is a digest of all labels.
_LABELS = "labels-"
# Where a map of categories has no value.
_NO_LABEL = np.iinfo(np.int32).min
# What a scatter is drawn along: a latent dimension, or a map by its name.
Axis = int | str

_SCATTER = re.compile(r"scatter-d(\d+)-(.+)", re.DOTALL)
_ANY_SCATTER = "scatter:"


def scatter_panel(x: Axis, y: Axis) -> str:
    """Return the id of the panel of two quantities, each a latent dimension or a map."""
    if isinstance(x, int) and isinstance(y, str):
        return f"scatter-d{x}-{y}"
    return _ANY_SCATTER + json.dumps([x, y])


def scatter_axes(panel: str) -> tuple[Axis, Axis] | None:
    """Return what the scatter of that id is drawn along; None where the id is of no scatter."""
    pair = _SCATTER.fullmatch(panel)
    if pair is not None:
        return int(pair[1]), pair[2]
    try:
        x, y = json.loads(panel.removeprefix(_ANY_SCATTER))
    except (ValueError, TypeError):
        return None
    known = all(isinstance(axis, int | str) for axis in (x, y))
    return (x, y) if panel.startswith(_ANY_SCATTER) and known else None


def axis_values(
    axis: Axis, latents: LatentSet, maps: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return a latent dimension, or a map by its name, shape (n,).

    Raises
    ------
    RequestError
        If there is none.
    """
    return map_values(maps, axis) if isinstance(axis, str) else latents.dimension(axis)


def region_stroke(region: Region) -> Shape:
    """Return the stroke that selects a region's points, whatever they are today."""
    return Shape(f"region-{region.id}", "box", ((0.5, -1.0), (1.5, 1.0)))


def region_panels(
    selections: Mapping[str, Sequence[Shape]], regions: RegionSet, placed: Placement
) -> dict[str, NDArray[np.float32]]:
    """Return the axes of those panels of `region_stroke` that a selection names.

    Parameters
    ----------
    placed : Placement
        n points.

    Returns
    -------
    dict of str to ndarray of float32, shape (n, 2)
        Like embeddings; without regions that are not there any more.
    """
    drawn = {shape.panel for shapes in selections.values() for shape in shapes}
    ids = {panel: found[1] for panel in sorted(drawn) if (found := _REGION.fullmatch(panel))}
    known = {region.id: region for region in regions.regions} if ids else {}
    there = {panel: placed.mask(known[one].points) for panel, one in ids.items() if one in known}
    return {
        panel: np.column_stack([mask, np.zeros(len(mask))]).astype(np.float32)
        for panel, mask in there.items()
    }


def codes_of(values: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return the labels of a map of categories; the least int32 where there is no value."""
    codes = np.full(len(values), _NO_LABEL, np.int32)
    present = np.isfinite(values)
    codes[present] = values[present]
    return codes


def label_panel(labels: NDArray[np.int32]) -> str:
    """Return the id of the panel in which a stroke selects points by their label.

    The id is a digest of the labels, so that a stroke kept in a link selects the points that it
    was drawn for, or none where the labels have changed: cluster 3 of today may be another one
    tomorrow.
    """
    content = np.ascontiguousarray(labels, np.int32).tobytes()
    return _LABELS + hashlib.blake2b(content, digest_size=8).hexdigest()


def is_label_panel(panel: str) -> bool:
    """Tell whether strokes in a panel select points by their label."""
    return panel.startswith(_LABELS)


def label_stroke(labels: NDArray[np.int32], label: int, mode: Mode = "replace") -> Shape:
    """Return the stroke that selects the points of one label."""
    low, high = label - 0.5, label + 0.5
    return Shape(label_panel(labels), "box", ((low, low), (high, high)), mode)


def label_panels(
    selections: Mapping[str, Sequence[Shape]], known: Iterable[NDArray[np.int32]]
) -> dict[str, NDArray[np.floating]]:
    """Return the axes of those panels of `label_stroke` that a selection names.

    Parameters
    ----------
    known : iterable of ndarray of int32, shape (n,)
        Labels that strokes may mean; looked at only where some stroke means labels.

    Returns
    -------
    dict of str to ndarray of float64, shape (n, 2)
        Like embeddings; without labels that are not known.
    """
    drawn = {shape.panel for shapes in selections.values() for shape in shapes}
    wanted = {panel for panel in drawn if is_label_panel(panel)}
    if not wanted:
        return {}
    found = {label_panel(labels): labels for labels in known}
    return {
        # float64, because float32 does not tell large labels apart.
        panel: np.broadcast_to(found[panel].astype(np.float64)[:, None], (len(found[panel]), 2))
        for panel in sorted(wanted & found.keys())
    }


def panel_axes(
    selections: Mapping[str, Sequence[Shape]],
    *,
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    embeddings: Mapping[str, NDArray[np.floating]],
) -> dict[str, tuple[NDArray[np.floating], NDArray[np.floating]]]:
    """Return x and y of every panel that a selection names, each shape (n,).

    A panel's id names its axes, so that a stroke drawn yesterday, in a panel that is not on the
    screen today, still means the same points.

    Raises
    ------
    RequestError
        If a panel is unknown: its embedding or map is not loaded.
    """
    panels = {shape.panel for shapes in selections.values() for shape in shapes}
    return {panel: _axes(panel, latents, maps, embeddings) for panel in sorted(panels)}


def _axes(
    panel: str,
    latents: LatentSet,
    maps: Mapping[str, NDArray[np.float32]],
    embeddings: Mapping[str, NDArray[np.floating]],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    if panel in embeddings:
        return embeddings[panel][:, 0], embeddings[panel][:, 1]
    if panel in MAP_PANELS and latents.grid is not None:
        return latents.grid.x.astype(np.float32), latents.grid.y.astype(np.float32)
    if panel == ROW_PANEL:
        # float32 does not tell rows beyond 16,777,216 apart.
        return np.arange(len(latents), dtype=np.float64), np.zeros(len(latents), np.float32)
    scatter = scatter_axes(panel)
    if scatter is not None and all(axis in maps for axis in scatter if isinstance(axis, str)):
        x, y = (axis_values(axis, latents, maps) for axis in scatter)
        return x, y
    if is_label_panel(panel):
        message = (
            "A part of the selection was clicked in a legend whose labels have changed since, or "
            "are not open: select it again, or clear the selection."
        )
        raise RequestError(message)
    message = (
        f"A selection was drawn in the panel {panel!r}, which is not available. There are "
        f"embeddings {', '.join(embeddings) or 'none'} and maps {', '.join(maps) or 'none'}. "
        "Open the same maps and embedding, or clear the selection."
    )
    raise RequestError(message)


def map_values(maps: Mapping[str, NDArray[np.float32]], name: str) -> NDArray[np.float32]:
    """Return a map by its name, or refuse in a sentence that lists those there are."""
    if name not in maps:
        message = f"No map is called {name!r}. There are: {', '.join(maps) or 'none'}."
        raise RequestError(message)
    return maps[name]
