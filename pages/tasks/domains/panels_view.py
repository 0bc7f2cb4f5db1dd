"""From the domains and a question to what the linked panels draw."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.latent_maps import robust_limits
from latentcore.analysis.panel_ids import MAP_PANELS, ROW_PANEL
from latentcore.analysis.partitions import DIFFERENT, SAME
from latentcore.figures.colors import (
    LATENT_COLORS,
    NAN_COLORS,
    Theme,
    categorical_palette,
    cluster_palette,
    hex_to_rgb,
    is_diverging,
    usual_color_map,
)
from latentcore.figures.grounds import lut_on
from pages.charts.frame import unit_text
from pages.panels.linked_panels import (
    Categorical,
    Coloring,
    Continuous,
    Direct,
    Panel,
    PanelsView,
    Parts,
    Plateau,
    PointArrays,
    packed_colors,
)
from pages.tasks.domains import compare
from pages.tasks.domains.asked import Asked
from pages.tasks.domains.found import Cut, Found
from pages.view.question import Question
from pages.view.scene import Scene

_LATENT = "latent:"
MOST_PANELS = 5
# Where the neighbors lie that `line_arrays` looks at.
_WAYS = ("right", "below", "below at the right")
# Where the domains differ from the label map that they are held against.
DIFFERS = "differs"
_SAME_COLOR, _DIFFERENT_COLOR = "#d9dde1", "#c2410c"
# What maps beside the domains may show besides latents and maps: see `Cut.map`.
TITLES = {
    "neighbor_distance": "distance to neighbors",
    "deviation": "deviation from the mean",
    "border_contrast": "border contrast",
}


def offered(scene: Scene, asked: Asked) -> list[str]:
    """Return what maps beside the domains may show."""
    latents = [f"{_LATENT}{dim}" for dim in scene.latents.dims]
    compared = [DIFFERS] if asked.truth else []
    # Maps that were kept of other domains have the names of these.
    return list(dict.fromkeys([*compared, *TITLES, *scene.maps.names, *latents]))


def usual(question: Question) -> list[str]:
    """Return what they show until somebody chooses."""
    first = question.reference or f"{_LATENT}{question.dim}"
    return [first, "neighbor_distance", "deviation"]


def title_of(name: str) -> str:
    """Return what the quantity of a map is called."""
    if name == DIFFERS:
        return "differs from the label map"
    return TITLES.get(name, name.replace(":", " ") if name.startswith(_LATENT) else name)


def parts_panel(cut: Cut) -> str:
    """Return what selections call the domains of this cut: numbers mean others in another one."""
    return f"domains-{hashlib.blake2b(cut.key.encode(), digest_size=6).hexdigest()}"


def build_view(
    scene: Scene,
    question: Question,
    asked: Asked,
    found: Found,
    cut: Cut,
    plateau: Plateau,
    *,
    shown: Sequence[str],
    theme: Theme,
    messages: tuple[str, ...],
) -> PanelsView:
    """Build the view.

    Parameters
    ----------
    shown : sequence of str
        What the maps beside the domains show: see `offered`.
    messages : tuple of str
        Notices above the panels.
    """
    arrays = PointArrays()
    grid = scene.latents.grid
    assert grid is not None
    geometry = arrays.add_grid(grid, scene.about)
    labels = arrays.add("domain", cut.labels, cut.key)
    colorings: dict[str, Coloring] = {"domains": _domain_colors(arrays, cut, theme)}
    for name in shown:
        colorings[name] = (
            _differences(arrays, scene, asked, cut, theme)
            if name == DIFFERS
            else _coloring(arrays, scene, cut, name, theme)
        )
    x, y = (unit_text(axis, grid.unit) for axis in "xy")
    panels = [Panel(MAP_PANELS[0], "map", "Domains", None, None, x, y, "domains")]
    panels += [
        Panel(f"of-{name}", "map", _capital(title_of(name)), None, None, x, y, name)
        for name in shown
    ]
    none = arrays.add_zeros(len(grid))
    frames = {
        parts_panel(cut): (labels, none),
        ROW_PANEL: (arrays.add("number", np.arange(len(grid), dtype=np.int32), "rows"), none),
        **dict.fromkeys(MAP_PANELS, ("x", "y")),
    }
    saliency = tuple(
        arrays.add(name, values, found.key)
        for name, values in zip(_WAYS, found.lines, strict=False)
    )
    return PanelsView(
        points=arrays.table(len(grid)),
        grid=geometry,
        panels=tuple(panels),
        colorings=colorings,
        roi=question.roi,
        selections=question.selections,
        active=question.active,
        pinned=question.pinned,
        hover=_hover(arrays, scene, cut, shown),
        messages=messages,
        frames=frames,
        parts=Parts(labels, parts_panel(cut), "domain", asked.lines, saliency, plateau),
    )


def _domain_colors(arrays: PointArrays, cut: Cut, theme: Theme) -> Coloring:
    palette = np.array([hex_to_rgb(color) for color in categorical_palette()], np.float64) / 255
    colors = np.full((len(cut.labels), 3), np.nan)
    inside = cut.labels >= 0
    colors[inside] = palette[cut.domains.colors[cut.labels[inside]] % len(palette)]
    array = arrays.add("domain color", packed_colors(colors), cut.key)
    return Direct(array, label="domains", nan_color=NAN_COLORS[theme])


def _differences(
    arrays: PointArrays, scene: Scene, asked: Asked, cut: Cut, theme: Theme
) -> Coloring:
    found = compare.comparison(scene, asked.truth, cut)
    array = arrays.add(DIFFERS, found.differs, f"{cut.key}|{asked.truth}")
    palette = {SAME: _SAME_COLOR, DIFFERENT: _DIFFERENT_COLOR}
    names = {SAME: "the same", DIFFERENT: "different"}
    return Categorical(array, palette, names, NAN_COLORS[theme], asked.truth)


def _coloring(arrays: PointArrays, scene: Scene, cut: Cut, name: str, theme: Theme) -> Coloring:
    if name in scene.maps.categories:
        return _categories(arrays, scene, name, theme)
    values, key, unit = _values(scene, cut, name)
    cmap = LATENT_COLORS if name.startswith(_LATENT) else usual_color_map(name, values)
    limits = robust_limits(values, symmetric=is_diverging(cmap))
    array = arrays.add(name, values, key)
    return Continuous(array, lut_on(cmap, theme), limits, title_of(name), unit, NAN_COLORS[theme])


def _values(scene: Scene, cut: Cut, name: str) -> tuple[NDArray[np.float32], str, str]:
    """Return the values of a quantity, what changes when they do, and its unit."""
    if name in TITLES:
        return cut.map(name), cut.key, cut.domains.unit
    if name in scene.maps.names:
        return scene.maps.get(name), scene.key, scene.maps.unit(name)
    return scene.latents.dimension(int(name.removeprefix(_LATENT))), scene.about, ""


def _categories(arrays: PointArrays, scene: Scene, name: str, theme: Theme) -> Coloring:
    array, codes = arrays.add_codes(name, scene.maps.get(name), scene.key)
    names = scene.maps.categories[name]
    return Categorical(array, cluster_palette(codes), names, NAN_COLORS[theme], name)


def _hover(
    arrays: PointArrays, scene: Scene, cut: Cut, shown: Sequence[str]
) -> tuple[tuple[str, str, str], ...]:
    inside = cut.labels >= 0
    grid = scene.latents.grid
    assert grid is not None
    entries = [("domain", "domain", "")]
    for label, column, unit in (
        ("points in it", "n", ""),
        ("equivalent diameter", "equivalent_diameter", grid.unit),
    ):
        values = np.full(len(cut.labels), np.nan, np.float32)
        values[inside] = cut.table[column].to_numpy(np.float32)[cut.labels[inside]]
        entries.append((label, arrays.add(label, values, cut.key), unit))
    continuous = (name for name in shown if name not in {DIFFERS, *scene.maps.categories})
    entries += [(title_of(name), name, _values(scene, cut, name)[2]) for name in continuous]
    return tuple(entries)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
