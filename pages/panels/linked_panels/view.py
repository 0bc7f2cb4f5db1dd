"""What the linked panels show, as frozen dataclasses that know their own consistency."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from latentcore.analysis.selection import Shape
from latentcore.errors import RequestError, ShapeError
from pages.panels.linked_panels.choices import Choice, Menu
from pages.panels.linked_panels.parts import Parts

Slot = Literal["A", "B"]
Roi = tuple[float, float, float, float]

SLOTS: tuple[Slot, Slot] = ("A", "B")
NAN_COLOR = "#b9a7c9"


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
class Panel:
    """One panel.

    Parameters
    ----------
    id : str
        Names the panel in shapes. Give a panel whose axes mean something else another id, or
        name the former in `PanelsView.frames`.
    kind : {"scatter", "map", "histogram", "violin"}
    x, y : str or None
        Names of arrays; those of a histogram and of violins are the same, the quantity. A map
        leaves them out: its axes are ``"x"`` and ``"y"``.
    x_label, y_label : str
        Axis labels, units included.
    color : str
        Name of an entry of `PanelsView.colorings`. Violins are of its labels where it is
        `Categorical`, else of the selections.
    equal_aspect : bool
        One unit of x is as long as one unit of y. Maps always are.
    note : str
        A short remark beside the title.
    graticule : bool
        x and y are degrees east and north: meridians and parallels are drawn.
    frame : str
        The panel that strokes in it name, if not the panel itself: several may have its axes.
    place : int or None
        Which of `Menu.shown` it is.
    under : (str, str), optional
        Names of `PointTable.others`: x and y of what lies in gray under a scatter's points.
    """

    id: str
    kind: Literal["scatter", "map", "histogram", "violin"]
    title: str
    x: str | None
    y: str | None
    x_label: str
    y_label: str
    color: str
    equal_aspect: bool = False
    note: str = ""
    graticule: bool = False
    frame: str = ""
    place: int | None = None
    under: tuple[str, str] | None = None

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the arrays along x and y."""
        if self.kind == "map":
            return self.x or "x", self.y or "y"
        if self.x is None or self.y is None:
            msg = f"Scatter panel {self.id!r} needs both x and y."
            raise RequestError(msg)
        return self.x, self.y

    def as_json(self) -> dict[str, Any]:
        """Return the panel as the browser reads it."""
        x, y = self.axes
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "x": x,
            "y": y,
            "xLabel": self.x_label,
            "yLabel": self.y_label,
            "color": self.color,
            "equal": self.equal_aspect or self.kind == "map",
            "note": self.note,
            "graticule": self.graticule,
            "frame": self.frame or self.id,
            "place": self.place,
            "under": None if self.under is None else list(self.under),
        }


class _Coloring:
    """What all ways to color points share: how they are sent, and the arrays that they read."""

    _ARRAYS: ClassVar[tuple[str, ...]] = ("array",)

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays it reads."""
        return tuple(getattr(self, name) for name in self._ARRAYS)

    def as_json(self) -> dict[str, Any]:
        """Return the coloring as the browser reads it."""
        values = {name: _plain(value) for name, value in vars(self).items()}
        return {"type": type(self).__name__.lower(), "nan": values.pop("nan_color"), **values}


@dataclass(frozen=True)
class Continuous(_Coloring):
    """Color by a value through a table of 256 colors.

    The entry of the table is ``clip(floor((v − lo) / (hi − lo) · 256), 0, 255)``, and 128 where
    ``hi <= lo``, computed in float64. NaN has `nan_color`.

    Parameters
    ----------
    array : str
        Name of the array.
    lut : ndarray of uint8 (256, 3)
    limits : (float, float)
        lo and hi. The color bar gets a pointed end where values lie beyond.
    label, unit : str
        What the color bar says.
    nan_color : str
        ``#rrggbb``.
    """

    array: str
    lut: np.ndarray
    limits: tuple[float, float]
    label: str = ""
    unit: str = ""
    nan_color: str = NAN_COLOR

    def __post_init__(self) -> None:
        if self.lut.shape != (256, 3) or self.lut.dtype != np.uint8:
            msg = f"A color table is uint8 (256, 3), got {self.lut.dtype} {self.lut.shape}."
            raise ShapeError(msg)
        if not np.isfinite(self.limits).all():
            msg = f"Color limits are finite, got {self.limits}."
            raise RequestError(msg)


@dataclass(frozen=True)
class Categorical(_Coloring):
    """Color by an integer label; a label without a color has `nan_color`.

    Parameters
    ----------
    array : str
        Name of an int32 array.
    palette : mapping of int to str
        ``#rrggbb`` per label; noise (−1) is an entry like any other.
    names : mapping of int to str
        What the legend says; the label's number where a name is missing.
    label : str
        Title of the legend.
    panel : str
        The entry of `PanelsView.frames` whose x and y are the labels: there a click in the legend
        selects. Without one it lets the label stand out.
    """

    array: str
    palette: Mapping[int, str]
    names: Mapping[int, str] = field(default_factory=dict)
    nan_color: str = NAN_COLOR
    label: str = ""
    panel: str = ""


@dataclass(frozen=True)
class Shaded(_Coloring):
    """Color by cluster and, within the cluster, by value: each cluster one hue.

    With base color ``(r, g, b)`` in 0..255 and ``t = clip((v − lo) / (hi − lo), 0, 1)`` (0.5
    where ``hi <= lo`` or the cluster has no range), each channel is

    - ``base · (dark + (1 − dark) · 2t)`` for ``t < 0.5``,
    - ``base + (255 − base) · light · (2t − 1)`` otherwise,

    computed in float64 and rounded half up. A NaN value, and a label without a color, has
    `nan_color`.

    Parameters
    ----------
    labels, value : str
        Names of the int32 labels and of the values.
    palette : mapping of int to str
        ``#rrggbb`` per label.
    ranges : mapping of int to (float, float)
        lo and hi of each cluster: the 2 % and 98 % quantiles of the value in it.
    dark, light : float
        Brightness left at t = 0, and whiteness added at t = 1.
    label : str
        Title of the legend.
    unit : str
        Unit of the value.
    panel : str
        As of `Categorical`.
    """

    _ARRAYS = ("labels", "value")

    labels: str
    value: str
    palette: Mapping[int, str]
    ranges: Mapping[int, tuple[float, float]]
    names: Mapping[int, str] = field(default_factory=dict)
    nan_color: str = NAN_COLOR
    dark: float = 0.35
    light: float = 0.6
    label: str = ""
    unit: str = ""
    panel: str = ""


@dataclass(frozen=True)
class Direct(_Coloring):
    """Color each point as the array says, for quantities that are no single number.

    Parameters
    ----------
    array : str
        Name of an int32 array: red · 65536 + green · 256 + blue, each 0..255; negative where a
        point has no color.
    key : tuple of (str, str)
        ``#rrggbb`` and what it means, for the legend.
    label : str
        Title of the legend.
    """

    array: str
    key: tuple[tuple[str, str], ...] = ()
    label: str = ""
    nan_color: str = NAN_COLOR


def packed_colors(colors: np.ndarray) -> np.ndarray:
    """Return colors (n, 3) in 0..1 as `Direct` wants them; NaN is no color."""
    present = np.isfinite(colors).all(axis=1)
    channels = np.rint(255 * np.where(present[:, None], colors, 0)).astype(np.int32)
    packed = channels @ np.array([1 << 16, 1 << 8, 1], np.int32)
    return np.where(present, packed, np.int32(-1))


Coloring = Continuous | Categorical | Shaded | Direct


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


@dataclass(frozen=True)
class Regions:
    """Named regions over all panels: outlines on maps, points in their color in scatters.

    Parameters
    ----------
    array : str
        Name of an int32 array: the region of each point, −1 where there is none.
    palette : mapping of int to str
        ``#rrggbb`` per region.
    names : mapping of int to str
        What the tooltip says.
    """

    array: str
    palette: Mapping[int, str]
    names: Mapping[int, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the regions as the browser reads them."""
        return {name: _plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class PanelsView:
    """Everything the panels show.

    Parameters
    ----------
    grid : GridGeometry or None
        None where the points were not taken on a grid; then maps cannot be shown.
    colorings : mapping of str to Continuous, Categorical, Shaded or Direct
    roi : (x0, x1, y0, y1) or None
        Half-open region in scan coordinates.
    selections : mapping of {"A", "B"} to sequence of Shape
    active : {"A", "B"}
        The slot that brushing changes.
    pinned : int or None
        The point whose details the page shows.
    patterns_url : str or None
        From `pages.panels.array_store.put_patterns`.
    hover : tuple of (label, array name, unit)
        Values of the tooltip.
    messages : tuple of str
        Notices above the panels, for example that an embedding is still being computed.
    frames : mapping of str to (str, str)
        Axes of panels that are not shown but that shapes may still name.
    regions : Regions or None
    parts : Parts or None
    marks : tuple of int
        Points to look at, each marked by a diamond.
    chosen : tuple of Choice
        The panels that the user chose; none where they are the usual ones.
    menu : Menu or None
        What can be chosen, if anything.
    scan : str
        What files of the panels are named after.
    sampled : Sampled or None
        None where the points are all there are.
    """

    points: PointTable
    grid: GridGeometry | None
    panels: tuple[Panel, ...]
    colorings: Mapping[str, Coloring]
    roi: Roi | None = None
    selections: Mapping[str, tuple[Shape, ...] | list[Shape]] = field(default_factory=dict)
    active: Slot = "A"
    pinned: int | None = None
    patterns_url: str | None = None
    hover: tuple[tuple[str, str, str], ...] = ()
    messages: tuple[str, ...] = ()
    frames: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    regions: Regions | None = None
    parts: Parts | None = None
    marks: tuple[int, ...] = ()
    chosen: tuple[Choice, ...] = ()
    menu: Menu | None = None
    scan: str = ""
    sampled: Sampled | None = None

    def __post_init__(self) -> None:
        ids = [panel.id for panel in self.panels]
        if len(set(ids)) != len(ids):
            msg = f"Panel ids must differ, got {ids}."
            raise RequestError(msg)
        for panel in self.panels:
            if panel.color not in self.colorings:
                msg = (
                    f"Panel {panel.id!r} is colored by {panel.color!r}; "
                    f"colorings: {sorted(self.colorings)}."
                )
                raise RequestError(msg)
            if panel.kind == "map" and self.grid is None:
                msg = f"Panel {panel.id!r} is a map, but the points have no grid."
                raise RequestError(msg)
        if self.parts is not None and self.parts.panel not in self.axes:
            msg = f"The parts' panel {self.parts.panel!r} has no axes; known: {sorted(self.axes)}."
            raise RequestError(msg)
        missing = sorted(self._needed_arrays() - set(self.points.arrays))
        under = {name for panel in self.panels for name in panel.under or ()}
        missing += sorted(under - set(self.points.others))
        if missing:
            msg = f"The view needs arrays {missing}; given: {sorted(self.points.arrays)}."
            raise RequestError(msg)

    @property
    def axes(self) -> dict[str, tuple[str, str]]:
        """Array names of x and y of every panel that a shape may name."""
        return {**self.frames, **{panel.frame or panel.id: panel.axes for panel in self.panels}}

    def _needed_arrays(self) -> set[str]:
        needed = {name for axes in self.axes.values() for name in axes}
        needed.update(name for panel in self.panels for name in self.colorings[panel.color].arrays)
        needed.update(name for _, name, _ in self.hover)
        if any(panel.kind == "map" for panel in self.panels):
            needed.update(("row", "col"))
        if self.roi is not None:
            needed.update(("x", "y"))
        if self.regions is not None:
            needed.add(self.regions.array)
        if self.sampled is not None:
            needed.add("point")
        if self.parts is not None:
            needed.update(self.parts.arrays)
        return needed


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: bytes of an array as base64, keys as text, no NumPy."""
    if isinstance(value, np.ndarray):
        return base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    if isinstance(value, Mapping):
        return {str(int(label)): _plain(entry) for label, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value
