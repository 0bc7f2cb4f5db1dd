"""Domains of a scan and what varies within them, for print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.domains.objects import Domains
from latentcore.analysis.latent_maps import robust_limits
from latentcore.figures._canvas import (
    aspect_of,
    color_bar,
    draw_map,
    new_figure,
    paint,
    printed_style,
)
from latentcore.figures.colors import NAN_COLORS, categorical_palette, continuous_rgb, hex_to_rgb

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 4.4
_TALLEST, _LOWEST = 8.0, 1.2
_MARGINS = (2.3, 0.95)
# Light enough for black borders and numbers upon them.
_LIGHTEN = 0.45
# More sides of cells are no lines any more, and take long to draw.
_MOST_SIDES = 200_000
_INK = "#1a1a1a"
# Numbers fit into domains of this share of the map.
_NUMBERED = 0.004


def domain_figure(domains: Domains, *, title: str = "", called: str = "domain") -> Figure:
    """Draw the domains in colors that neighbors don't share, and how alike their points are.

    On the left are the domains with their borders and, where they fit, their numbers; on the
    right is the mean distance to the neighbors in the same domain. `called` is what a domain is.
    """
    with printed_style():
        height = float(np.clip(_WIDTH * aspect_of(domains.grid), _LOWEST, _TALLEST))
        figure = new_figure(2 * _WIDTH + _MARGINS[0], height + _MARGINS[1])
        left, right = figure.subplots(1, 2)
        sides = _sides(domains)
        draw_map(left, paint(domains.grid, domain_rgb(domains)))
        left.set_title(f"{domains.count:,} {called}{'s' * (domains.count != 1)}")
        values = domains.neighbor_distance.astype(np.float64)
        limits = robust_limits(values) if np.isfinite(values).any() else (0.0, 1.0)
        draw_map(right, paint(domains.grid, continuous_rgb(values, limits, "viridis")))
        right.set_title(f"Distance to neighbors in the {called}")
        unit = f" ({domains.unit})" if domains.unit else ""
        color_bar(right, values, limits, "viridis", f"mean distance{unit}")
        for axes, color, width in ((left, _INK, 0.6), (right, "white", 0.4)):
            _draw(axes, sides, color, width)
        _number(left, domains)
        if title:
            figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


def domain_rgb(domains: Domains) -> NDArray[np.uint8]:
    """Return a color for each point, uint8 (n, 3); where it is in no domain, as if missing."""
    palette = np.array([hex_to_rgb(color) for color in categorical_palette()], float)
    light = (palette + _LIGHTEN * (255 - palette)).astype(np.uint8)
    colors = np.vstack([light[domains.colors], hex_to_rgb(NAN_COLORS["light"])])
    rgb: NDArray[np.uint8] = colors[domains.labels].astype(np.uint8)
    return rgb


def _sides(domains: Domains) -> NDArray[np.float64]:
    """Return the sides of cells between domains as lines, shape (s, 2, 2); none if too many."""
    edges, grid = domains.edges, domains.grid
    apart = ~domains.same
    if not 0 < apart.sum() <= _MOST_SIDES:
        return np.empty((0, 2, 2))
    i, j = edges.i[apart], edges.j[apart]
    middle = np.column_stack([grid.x[i] + grid.x[j], grid.y[i] + grid.y[j]]) / 2
    # Where the cells meet in the picture: below each other, half of them on a hexagonal grid.
    beside = (grid.row[i] == grid.row[j])[:, None]
    half = np.where(beside, [[0.0, grid.step[1] / 2]], [[grid.lattice.step[0] / 2, 0.0]])
    return np.stack([middle - half, middle + half], axis=1)


def _draw(axes: Axes, sides: NDArray[np.float64], color: str, width: float) -> None:
    from matplotlib.collections import LineCollection

    lines = LineCollection(
        list(sides), colors=color, linewidths=width, capstyle="projecting", rasterized=True
    )
    axes.add_collection(lines, autolim=False)


def _number(axes: Axes, domains: Domains) -> None:
    """Write the numbers of domains at the point of each that is nearest to its centroid."""
    inside = np.flatnonzero(domains.labels >= 0)
    labels = domains.labels[inside]
    n = np.bincount(labels, minlength=domains.count)
    x, y = domains.grid.x[inside], domains.grid.y[inside]
    off = (
        np.abs(x - (np.bincount(labels, x) / n)[labels]) / domains.grid.step[0]
        + np.abs(y - (np.bincount(labels, y) / n)[labels]) / domains.grid.step[1]
    )
    order = np.lexsort((off, labels))
    first = order[np.searchsorted(labels[order], np.arange(domains.count))]
    for domain in np.flatnonzero(n >= _NUMBERED * len(inside)):
        axes.text(
            x[first[domain]], y[first[domain]], str(domain), fontsize=6, color=_INK,
            ha="center", va="center",
        )  # fmt: skip
