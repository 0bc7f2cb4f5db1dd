"""The maps of a scan, one large or several side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.orientation_colors import (
    KEY_CORNERS,
    key_picture,
    orientation_colors,
    with_symmetry,
)
from latentcore.containers import CrystalSymmetry, ScanGrid, ScanMaps, quantities
from latentcore.figures.colors import COLORMAPS, usual_color_map
from pages.charts.frame import draw
from pages.charts.maps import (
    categories_chart,
    colors_chart,
    fitting_height,
    is_thinned,
    map_chart,
)
from pages.frame.errors import markdown_safe
from pages.frame.theme import tones
from pages.people.fragments import fragment
from pages.scan.joining import JoinedMaps
from pages.scan.state import ScanState

ORIENTATION = "orientation (IPF-Z)"
_QUALITY = ("bandcontrast", "iq", "radonquality", "pattern quality", "image_quality")
_MOST_AT_ONCE = 9
_COLUMNS = 3
# Of the page beside the sidebar on a usual screen.
_PAGE_WIDTH = 1060
_KEY_WIDTH = 120
_SYMMETRY_WIDTH = 320
_EULER = ("phi1", "Phi", "phi2")


def backdrop(joined: JoinedMaps) -> NDArray[np.floating] | None:
    """Return the band contrast, or else what a vendor has in its place, if there is any."""
    names = sorted(quantities(joined), key=lambda name: not name.startswith("bandcontrast"))
    found = [name for name in names if name.lower().startswith(_QUALITY)]
    return joined.get(found[0]) if found else None


def why_none(scan: ScanState, grid: ScanGrid | None) -> str:
    """Say why there is no map to show, and what to do."""
    if scan.samples and grid is None:
        return "The samples come without coordinates, so there is nothing to draw a map on."
    if scan.maps:
        return "None of the maps belongs to this scan; see above."
    return (
        "No map is open. Open a table with x, y and value columns above (band contrast, elements, "
        "phases as CSV or parquet), or choose one in the sidebar."
    )


@fragment
def map_panel(joined: JoinedMaps, grid: ScanGrid) -> None:
    """Let choose among maps, at least one, and draw them."""
    joined = _with_orientation(joined, grid)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    offered = offered_maps(joined)
    chosen = left.multiselect(
        "Show",
        offered,
        default=offered[: min(_COLUMNS, len(offered))],
        max_selections=_MOST_AT_ONCE,
        key=f"maps_shown_{'|'.join(offered)}",
        placeholder="Choose maps",
    )
    colors = right.selectbox(
        "Colors",
        ["by kind", *COLORMAPS],
        key="maps_colors",
        help="By kind: band contrast gray, scores with a sign diverging about zero, else cividis. "
        "Color bars run from the 2 % to the 98 % quantile.",
    )
    if not chosen:
        st.caption("Choose one map or several.")
        return
    width = min(_COLUMNS, max(2, len(chosen)))  # a single map is large enough on half the page
    for start in range(0, len(chosen), width):
        for column, name in zip(st.columns(width), chosen[start : start + width], strict=False):
            with column:
                _one(joined, grid, name, colors, fitting_height(grid, _PAGE_WIDTH // width))
    if ORIENTATION in chosen:
        _orientation_key(joined.laue)
    if is_thinned(grid):
        st.caption(f"The scan has {len(grid):,} points; the maps show every k-th row and column.")


def offered_maps(joined: JoinedMaps) -> tuple[str, ...]:
    """Return what may be drawn: all maps and, third of them, the colors of orientations."""
    if joined.orientation is None:
        return joined.names
    first = _COLUMNS - 1
    return (*joined.names[:first], ORIENTATION, *joined.names[first:])


def _with_orientation(joined: JoinedMaps, grid: ScanGrid) -> JoinedMaps:
    """Ask for the symmetry where there are orientations, but no file gives it."""
    if joined.orientation is not None or not {*_EULER, "phase"} <= set(joined.names):
        return joined
    laue = st.selectbox(
        "Symmetry of the phases",
        [None, *KEY_CORNERS],
        format_func=lambda name: name or "not given by the file",
        key="maps_symmetry",
        width=_SYMMETRY_WIDTH,
        help="The file holds orientations. With the symmetry of its phases they are shown in "
        "IPF-Z colors.",
    )
    if laue is None:
        return joined
    maps = ScanMaps(joined.values, joined.names, joined.units, grid)
    colors = orientation_colors(with_symmetry(maps, CrystalSymmetry(laue)))
    return replace(joined, orientation=colors, laue=(laue,))


def _orientation_key(laue: tuple[str, ...]) -> None:
    for name, column in zip(laue, st.columns(_COLUMNS), strict=False):
        red, green, blue = KEY_CORNERS[name]
        with column:
            st.image(key_picture(name), width=_KEY_WIDTH)
            st.caption(
                f"{markdown_safe(name)}: red \\[{red}\\], green \\[{green}\\], blue \\[{blue}\\] "
                "along the sample's z. Points without an orientation are empty."
            )


def _one(joined: JoinedMaps, grid: ScanGrid, name: str, colors: str, height: int) -> None:
    if name == ORIENTATION and joined.orientation is not None:
        figure = colors_chart(joined.orientation, grid, tones(), name=name, height=height)
        draw(figure, key=f"map_{name}", alt=f"Map of {name} over the scan")
        return
    values = joined.get(name)
    if name in joined.categories:
        figure = categories_chart(
            values, grid, tones(), name=name, names=joined.categories[name], height=height
        )
    else:
        picked = usual_color_map(name, values) if colors == "by kind" else colors
        figure = map_chart(
            values, grid, tones(), name=name, unit=joined.unit(name), colors=picked, height=height
        )
    draw(figure, key=f"map_{name}", alt=f"Map of {name} over the scan")
