"""From a comparison and a question to what the linked panels draw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.latent_maps import robust_limits
from latentcore.analysis.panel_ids import MAP_PANELS, ROW_PANEL
from latentcore.figures.colors import (
    NAN_COLORS,
    Theme,
    cluster_palette,
    is_diverging,
    usual_color_map,
)
from latentcore.figures.grounds import lut_on
from pages.charts.frame import unit_text
from pages.panels.linked_panels import (
    Categorical,
    Coloring,
    Continuous,
    Panel,
    PanelsView,
    PointArrays,
)
from pages.tasks.compare.compared import Compared
from pages.view.embeddings import EmbeddingView
from pages.view.question import Question
from pages.view.scene import Scene

SHARED = "@shared"
# Embeddings side by side; a map or two come with them.
MOST_SPACES = 4
_COLORS = "viridis"


def build_view(
    scene: Scene,
    question: Question,
    found: Compared,
    spaces: Mapping[str, EmbeddingView],
    *,
    pair: str,
    color: str,
    theme: Theme,
    messages: tuple[str, ...],
) -> PanelsView:
    """Build the view.

    Parameters
    ----------
    spaces : Mapping of str to EmbeddingView
        Those to be shown, by the names of their latents.
    pair : str
        Whose shared neighbors are shown.
    color : str
        `SHARED`, or the name of a map.
    messages : tuple of str
        Notices above the panels.
    """
    arrays = PointArrays()
    n = len(scene.latents)
    colorings: dict[str, Coloring] = {SHARED: _shared(arrays, found, pair, theme)}
    if color != SHARED:
        colorings[color] = _coloring(arrays, scene, color, theme)
    panels = [_space(arrays, view, color) for view in spaces.values()]
    frames: dict[str, tuple[str, str]] = {
        ROW_PANEL: (
            arrays.add("number", np.arange(n, dtype=np.int32), "rows"), arrays.add_zeros(n)
        ),
    }  # fmt: skip
    grid, geometry = scene.latents.grid, None
    if grid is not None:
        geometry = arrays.add_grid(grid, scene.about)
        frames.update(dict.fromkeys(MAP_PANELS, ("x", "y")))
        x, y = (unit_text(axis, grid.unit) for axis in "xy")
        titles = {SHARED: "Shared neighbors"} | ({} if color == SHARED else {color: color})
        panels += [
            Panel(f"of-{name}", "map", title, None, None, x, y, name, frame=MAP_PANELS[0])
            for name, title in titles.items()
        ]
    hover = [("shared neighbors", SHARED, "")]
    if color != SHARED and color not in scene.maps.categories:
        hover.append((color, f"map:{color}", scene.maps.unit(color)))
    return PanelsView(
        points=arrays.table(n),
        grid=geometry,
        panels=tuple(panels),
        colorings=colorings,
        roi=question.roi,
        selections=question.selections,
        active=question.active,
        pinned=question.pinned,
        hover=tuple(hover),
        messages=messages,
        frames=frames,
    )


def _space(arrays: PointArrays, view: EmbeddingView, color: str) -> Panel:
    x, y = (
        arrays.add(f"{view.panel}:{axis}", view.coordinates[:, axis], view.key) for axis in (0, 1)
    )
    return Panel(
        view.panel, "scatter", view.title, x, y, *view.labels, color, note=view.note
    )  # fmt: skip


def _shared(arrays: PointArrays, found: Compared, pair: str, theme: Theme) -> Continuous:
    array = arrays.add(SHARED, found.share[pair], f"{found.key}|{pair}")
    lut = lut_on(_COLORS, theme)
    return Continuous(array, lut, (0.0, 1.0), "shared neighbors", "", NAN_COLORS[theme])


def _coloring(arrays: PointArrays, scene: Scene, name: str, theme: Theme) -> Coloring:
    values: NDArray[np.float32] = scene.maps.get(name)
    if name in scene.maps.categories:
        array, codes = arrays.add_codes(f"map:{name}", values, scene.key)
        names = scene.maps.categories[name]
        return Categorical(array, cluster_palette(codes), names, NAN_COLORS[theme], name)
    cmap = usual_color_map(name, values)
    limits = robust_limits(values, symmetric=is_diverging(cmap))
    array = arrays.add(f"map:{name}", values, scene.key)
    unit = scene.maps.unit(name)
    return Continuous(array, lut_on(cmap, theme), limits, name, unit, NAN_COLORS[theme])
