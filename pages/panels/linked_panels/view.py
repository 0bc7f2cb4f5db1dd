"""What the linked panels show, as frozen dataclasses that know their own consistency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from latentcore.analysis.selection import Shape
from latentcore.errors import RequestError
from pages.panels.linked_panels.choices import Choice, Menu
from pages.panels.linked_panels.colorings import Coloring, Regions
from pages.panels.linked_panels.parts import Parts
from pages.panels.linked_panels.points import GridGeometry, PointTable, Sampled

Slot = Literal["A", "B"]
Roi = tuple[float, float, float, float]

SLOTS: tuple[Slot, Slot] = ("A", "B")


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
