"""The points that the browser has, and the raster that maps of them are drawn on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latentcore.errors import RequestError, ShapeError


@dataclass(frozen=True)
class PointTable:
    """The points, one entry per sample.

    Parameters
    ----------
    n : int
        Number of points.
    arrays : mapping of str to ndarray
        1-D float32 or int32, each of length n. ``"x"`` and ``"y"`` are scan coordinates (the ROI
        needs them); ``"row"`` and ``"col"`` are places of the raster (maps need them).
        ``"kept"``, where it is given, is 0 for points that are out of view, as if outside the ROI.
    array_keys : mapping of str to str
        Fingerprints of arrays; an array with one is never hashed nor copied while it is held.
    others : mapping of str to ndarray
        What is not about these points: 1-D float32 of any length.
    """

    n: int
    arrays: Mapping[str, np.ndarray]
    array_keys: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            if array.shape != (self.n,):
                msg = f"Array {name!r} has shape {array.shape}, expected ({self.n},)."
                raise ShapeError(msg)
            if array.dtype not in (np.dtype(np.float32), np.dtype(np.int32)):
                msg = f"Array {name!r} is {array.dtype}; panels take float32 and int32."
                raise RequestError(msg)


@dataclass(frozen=True)
class GridGeometry:
    """The raster that all maps are drawn on: see `ScanGrid.picture`.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the raster.
    origin : (float, float)
        x and y of the center of its first place.
    step : (float, float)
        dx and dy between its places, positive.
    unit : str
        Unit of x and y; a scale bar is drawn where it is neither empty nor pixels.
    cell_columns : int
        How many columns a cell takes, the first of which is ``"col"`` of its point: 1, or 2 on a
        hexagonal grid.
    node : (float, float), optional
        The step of the scan where each place is a block of its nodes.
    nodes : (float, float), optional
        Then rows and columns of the scan, which may end within the last blocks; half a column
        more of a hexagonal one.
    """

    shape: tuple[int, int]
    origin: tuple[float, float] = (0.0, 0.0)
    step: tuple[float, float] = (1.0, 1.0)
    unit: str = ""
    cell_columns: int = 1
    node: tuple[float, float] | None = None
    nodes: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or min(self.step) <= 0:
            msg = (
                "A grid has at least one cell and positive steps, "
                f"got shape {self.shape} and step {self.step}."
            )
            raise RequestError(msg)

    def as_json(self) -> dict[str, Any]:
        """Return the raster as the browser reads it."""
        return {
            "shape": list(self.shape),
            "origin": [float(v) for v in self.origin],
            "step": [float(v) for v in self.step],
            "unit": self.unit,
            "wide": self.cell_columns,
            "node": None if self.node is None else [float(v) for v in self.node],
            "nodes": None if self.nodes is None else list(self.nodes),
        }


@dataclass(frozen=True)
class Sampled:
    """What is true of all points where the browser has but some of them.

    Parameters
    ----------
    of : int
        How many there are. The array ``"point"`` holds which of them the browser's are.
    counts : mapping of str to int
        How many are in view, under ``"within"``, and selected, under ``"A"`` and ``"B"``.
    even : int
        How many of the browser's points, the first, are an even sample of all. Those after them
        are the detail of what is zoomed into.
    detail : GridGeometry, optional
        The raster that the points of the detail have in a map, over that of the others.
    """

    of: int
    counts: Mapping[str, int]
    even: int
    detail: GridGeometry | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as the browser reads it."""
        detail = None if self.detail is None else self.detail.as_json()
        return {"of": self.of, "counts": dict(self.counts), "even": self.even, "detail": detail}
