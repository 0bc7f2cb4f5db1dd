"""Linked panels: embedding, maps and scatters of the same points, brushed in the browser.

One Streamlit component draws all panels on 2-D canvases. Arrays are fetched by URL from
`pages.panels.routes`; brushing, zooming and hovering need no server; on release of a brush only
its geometry comes back. The page computes the selected points from that with
`latentcore.analysis.selection.select`, which agrees with the browser point by point.

Examples
--------
>>> def adopt() -> None:  # doctest: +SKIP
...     st.session_state["roi"] = read_state("explorer").roi
>>> state = linked_panels(view, key="explorer", on_change=adopt)  # doctest: +SKIP
>>> mask = select(state.selections["A"], {"map": (x, y)}, n)  # doctest: +SKIP

The app must be started as ``st.App("main.py", routes=ROUTES)``.
"""

from __future__ import annotations

from latentcore.analysis.selection import Shape
from pages.panels.linked_panels.choices import Choice, Kind, Menu, read_choices
from pages.panels.linked_panels.colorings import (
    Categorical,
    Coloring,
    Continuous,
    Direct,
    Regions,
    Shaded,
    packed_colors,
)
from pages.panels.linked_panels.component import linked_panels, read_state
from pages.panels.linked_panels.parts import Parts, Plateau
from pages.panels.linked_panels.point_arrays import PointArrays
from pages.panels.linked_panels.points import GridGeometry, PointTable, Sampled
from pages.panels.linked_panels.state import Focus, PanelsState
from pages.panels.linked_panels.view import Panel, PanelsView

__all__ = [
    "Categorical",
    "Choice",
    "Coloring",
    "Continuous",
    "Direct",
    "Focus",
    "GridGeometry",
    "Kind",
    "Menu",
    "Panel",
    "PanelsState",
    "PanelsView",
    "Parts",
    "Plateau",
    "PointArrays",
    "PointTable",
    "Regions",
    "Sampled",
    "Shaded",
    "Shape",
    "linked_panels",
    "packed_colors",
    "read_choices",
    "read_state",
]
