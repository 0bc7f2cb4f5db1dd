"""Turn brushed shapes into the set of points they select.

The browser draws the brush and shows its effect while dragging; this module is its twin on the
server and the authority for every number that leaves the program. Both apply the same tests to
the same float64 values, so that they agree point by point:

- a box is half-open, ``x0 <= x < x1`` and ``y0 <= y < y1``;
- a lasso follows the even-odd rule with the crossing test of W. R. Franklin, *PNPOLY - Point
  Inclusion in Polygon Test* (1994-2006): an edge (xi, yi)-(xj, yj) toggles a point (px, py) where
  ``(yi > py) != (yj > py)`` and ``px < (xj - xi) * (py - yi) / (yj - yi) + xi``, applied to the
  points within the closed bounding box of the vertices (beyond it only rounding could toggle).

A point with a NaN coordinate, or outside of `within`, is never selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.errors import RequestError, ShapeError

Mode = Literal["replace", "add", "subtract", "intersect"]
ShapeKind = Literal["box", "lasso"]

_MODES = ("replace", "add", "subtract", "intersect")
_BLOCK = 65_536
# A lasso over more points is cut into so many cells along each side.
_FEW = 500_000
_CELLS = 256
_PASSED = 2


@dataclass(frozen=True)
class Shape:
    """One brush stroke in the data coordinates of the panel it was drawn in.

    Parameters
    ----------
    panel : str
        Identifier of the panel, which says what x and y are.
    kind : {"box", "lasso"}
        A box has two opposite corners, in any order; a lasso has three or more vertices.
    points : tuple of (float, float)
        Corners or vertices.
    mode : {"replace", "add", "subtract", "intersect"}
        How the stroke changes what was selected before it.
    """

    panel: str
    kind: ShapeKind
    points: tuple[tuple[float, float], ...]
    mode: Mode = "replace"

    def __post_init__(self) -> None:
        points = tuple((float(x), float(y)) for x, y in self.points)
        object.__setattr__(self, "points", points)
        if self.kind not in ("box", "lasso"):
            msg = f"A shape is a 'box' or a 'lasso', got {self.kind!r}."
            raise RequestError(msg)
        if self.mode not in _MODES:
            msg = f"A shape's mode is one of {_MODES}, got {self.mode!r}."
            raise RequestError(msg)
        if self.kind == "box" and len(points) != 2:
            msg = f"A box has two corners, got {len(points)} points."
            raise RequestError(msg)
        if self.kind == "lasso" and len(points) < 3:
            msg = f"A lasso has at least three vertices, got {len(points)}."
            raise RequestError(msg)
        if not np.isfinite(points).all():
            msg = f"A shape has finite coordinates, got {points}."
            raise RequestError(msg)

    def as_plain(self) -> dict[str, Any]:
        """Return the shape JSON-like: ``panel``, ``kind``, ``points`` and ``mode``."""
        points = [list(point) for point in self.points]
        return {"panel": self.panel, "kind": self.kind, "points": points, "mode": self.mode}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Shape:
        """Read what `as_plain` wrote; without a mode it replaces.

        Raises
        ------
        RequestError, AttributeError, KeyError, TypeError, ValueError
            If it is no shape.
        """
        points = tuple((x, y) for x, y in plain["points"])
        return cls(str(plain["panel"]), plain["kind"], points, plain.get("mode", "replace"))


def select(
    shapes: Sequence[Shape],
    panels: Mapping[str, tuple[ArrayLike, ArrayLike]],
    n: int,
    within: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Apply the shapes one after the other to nothing selected.

    Parameters
    ----------
    shapes : sequence of Shape
        In the order they were drawn.
    panels : mapping of str to (array_like, array_like)
        x and y, each (n,), of every panel that a shape names.
    n : int
        Number of points.
    within : ndarray of bool (n,), optional
        Points that may be selected at all, for example those inside the ROI.

    Returns
    -------
    ndarray of bool (n,)

    Raises
    ------
    RequestError
        If a shape names a panel that is not given.
    ShapeError
        If an array has another length.
    """
    mask = np.zeros(n, dtype=bool)
    for shape in shapes:
        if shape.panel not in panels:
            msg = f"A shape was drawn in panel {shape.panel!r}; known panels: {sorted(panels)}."
            raise RequestError(msg)
        x, y = (np.asarray(values) for values in panels[shape.panel])
        if x.shape != (n,) or y.shape != (n,):
            msg = (
                f"Panel {shape.panel!r} has coordinates of shape {x.shape} and {y.shape}, "
                f"expected ({n},)."
            )
            raise ShapeError(msg)
        inside = points_in_shape(shape, x, y)
        if shape.mode == "replace":
            mask = inside
        elif shape.mode == "add":
            mask |= inside
        elif shape.mode == "subtract":
            mask &= ~inside
        else:
            mask &= inside
    if within is not None:
        allowed = np.asarray(within, dtype=bool)
        if allowed.shape != (n,):
            msg = f"'within' has shape {allowed.shape}, expected ({n},)."
            raise ShapeError(msg)
        mask &= allowed
    return mask


def points_in_shape(shape: Shape, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Test every point against one shape, whatever its mode.

    Parameters
    ----------
    x, y : ndarray (n,)
        float32 coordinates are widened, not the shape narrowed.

    Returns
    -------
    ndarray of bool (n,)
    """
    corners = np.asarray(shape.points, dtype=np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    inside = np.empty(x.shape[0], dtype=bool)
    # Bounds that compare in the arrays' own types as the true ones do in float64.
    (x0, x1), (y0, y1) = (
        _bounds(values.dtype, low[axis], high[axis], half_open=shape.kind == "box")
        for axis, values in enumerate((x, y))
    )
    cells = None
    if shape.kind == "lasso" and len(x) > _FEW:
        cells = _Cells(corners, low, high)
    # Blocks stay in the processor's cache.
    for start in range(0, x.shape[0], _BLOCK):
        block = slice(start, start + _BLOCK)
        px, py = x[block], y[block]
        found = inside[block]
        # Comparisons with NaN are False, so that this also leaves out points without a place.
        np.greater_equal(px, x0, out=found)
        if not found.any():
            continue
        found &= (px < x1) if shape.kind == "box" else (px <= x1)
        found &= py >= y0
        found &= (py < y1) if shape.kind == "box" else (py <= y1)
        if shape.kind == "lasso" and found.any():
            near = np.flatnonzero(found)
            wide = px[near].astype(np.float64), py[near].astype(np.float64)
            found[near] = _even_odd(corners, *wide) if cells is None else cells.inside(*wide)
    return inside


def _bounds(dtype: np.dtype[Any], low: float, high: float, *, half_open: bool) -> tuple[Any, Any]:
    """Return bounds in a type of floats between which the same numbers of that type lie.

    Of a half-open range [low, high) these are the least numbers of the type that are not below
    either; of a closed one, `high` becomes the largest that is not above it.
    """
    if dtype != np.float32:
        return np.float64(low), np.float64(high)
    with np.errstate(over="ignore"):  # beyond all of the type: infinite
        least, most = (np.float32(bound) for bound in (low, high))
    infinity = np.float32(np.inf)
    if float(least) < low:
        least = np.nextafter(least, infinity)
    if half_open and float(most) < high:
        most = np.nextafter(most, infinity)
    elif not half_open and float(most) > high:
        most = np.nextafter(most, -infinity)
    return least, most


def row_shapes(panel: str, rows: Iterable[int]) -> tuple[Shape, ...]:
    """Return boxes that select rows in a panel whose x is the row number and whose y is 0.

    Parameters
    ----------
    rows : iterable of int
        In any order; neighboring ones share a box.
    """
    runs: list[list[int]] = []
    for row in sorted({*rows}):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return tuple(
        Shape(
            panel, "box", ((first - 0.5, -1.0), (last + 0.5, 1.0)), "add" if number else "replace"
        )
        for number, (first, last) in enumerate(runs)
    )


class _Cells:
    """Cells over a polygon: only in those that an edge passes need points be tested one by one.

    In the others all points are inside, or all are outside, as the middle of the cell is.
    """

    def __init__(
        self, corners: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> None:
        self.corners = corners
        self.low = low
        self.scale = _CELLS / np.where(high > low, high - low, 1.0)
        middle = (np.arange(_CELLS) + 0.5) / self.scale[:, None] + low[:, None]
        y, x = (axis.ravel() for axis in np.meshgrid(middle[1], middle[0], indexing="ij"))
        self.kind = _even_odd(corners, x, y).astype(np.uint8)
        self.kind[self._passed()] = _PASSED

    def _passed(self) -> NDArray[np.intp]:
        """Return the cells that an edge passes, and for the sake of rounding those beside them."""
        places = (self.corners - self.low) * self.scale
        edges = [
            # Two steps for each cell on the way.
            np.linspace(a, b, 2 * int(np.abs(b - a).max()) + 3)
            for a, b in zip(places, np.roll(places, -1, axis=0), strict=True)
        ]
        column, row = np.floor(np.concatenate(edges)).astype(np.intp).T
        around = [
            np.clip(row + up, 0, _CELLS - 1) * _CELLS + np.clip(column + right, 0, _CELLS - 1)
            for up in (-1, 0, 1)
            for right in (-1, 0, 1)
        ]
        return np.concatenate(around)

    def inside(self, px: NDArray[np.float64], py: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Test points within the bounding box of the polygon."""
        column, row = (
            np.minimum(((values - self.low[axis]) * self.scale[axis]).astype(np.int32), _CELLS - 1)
            for axis, values in enumerate((px, py))
        )
        kind = self.kind[row * _CELLS + column]
        found: NDArray[np.bool_] = kind == 1
        unsure = np.flatnonzero(kind == _PASSED)
        found[unsure] = _even_odd(self.corners, px[unsure], py[unsure])
        return found


def _even_odd(
    polygon: NDArray[np.float64], px: NDArray[np.float64], py: NDArray[np.float64]
) -> NDArray[np.bool_]:
    inside = np.zeros(px.shape[0], dtype=bool)
    previous = polygon[-1]
    for vertex in polygon:
        (xi, yi), (xj, yj) = vertex, previous
        previous = vertex
        if yi == yj:
            continue
        crosses = (yi > py) != (yj > py)
        inside ^= crosses & (px < (xj - xi) * (py - yi) / (yj - yi) + xi)
    return inside
