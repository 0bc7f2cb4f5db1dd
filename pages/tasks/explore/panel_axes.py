"""The arrays along which panels draw, what they are called, and their units."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.panel_ids import Axis
from pages.panels.linked_panels import PointArrays
from pages.view.embeddings import EmbeddingView
from pages.view.scene import Scene


def latent_array_name(dim: int) -> str:
    """Return the name of the array of a latent dimension."""
    return f"latent:{dim}"


def map_array(arrays: PointArrays, scene: Scene, name: str) -> str:
    """Add the values of a map; return the name of the array."""
    return arrays.add(f"map:{name}", scene.maps.get(name), scene.key)


def axis_array(arrays: PointArrays, scene: Scene, axis: Axis) -> str:
    """Add the values of a latent dimension or map; return the name of the array."""
    if isinstance(axis, str):
        return map_array(arrays, scene, axis)
    return arrays.add(latent_array_name(axis), lambda: scene.latents.dimension(axis), scene.about)


def axis_label(scene: Scene, axis: Axis) -> str:
    """Return what stands at an axis: what it is, and its unit."""
    if not isinstance(axis, str):
        return axis_title(axis)
    unit = scene.maps.unit(axis)
    return f"{axis} ({unit})" if unit else axis


def axis_title(axis: Axis) -> str:
    """Return what a latent dimension or map is called."""
    return axis if isinstance(axis, str) else f"latent {axis}"


def embedding_axes(arrays: PointArrays, embedding: EmbeddingView) -> tuple[str, str]:
    """Add the coordinates of an embedding; return the names of the arrays."""
    names = f"{embedding.panel}:0", f"{embedding.panel}:1"
    found: dict[int, NDArray[np.float32]] = {}

    def at(rows: NDArray[np.int64], axis: int) -> NDArray[np.float32]:
        if id(rows) not in found:
            found[id(rows)] = embedding.at(rows)
        return found[id(rows)][:, axis]

    for axis, name in enumerate(names):
        if arrays.shown is None:
            arrays.add_own(name, embedding.coordinates[:, axis], embedding.key)
        else:
            arrays.add_at(name, partial(at, axis=axis), embedding.key)
    return names


def reference_axes(arrays: PointArrays, embedding: EmbeddingView) -> tuple[str, str] | None:
    """Add the points among which those in view were placed."""
    if embedding.reference is None:
        return None
    names = (f"{embedding.panel}:under:0", f"{embedding.panel}:under:1")
    for name, values in zip(names, embedding.reference.T, strict=True):
        arrays.add_other(name, values, embedding.key)
    return names
