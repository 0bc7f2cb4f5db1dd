"""Agreement of latents with labels, for print: maps side by side, and the contingency table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.latent_maps import robust_limits
from latentcore.analysis.partitions import (
    DIFFERENT,
    NOT_COMPARED,
    ONLY_LABELS,
    ONLY_REFERENCE,
    SHARED,
    PartitionComparison,
    border_lines,
)
from latentcore.containers import ScanGrid
from latentcore.figures._canvas import (
    Picture,
    aspect_of,
    draw_map,
    new_figure,
    paint,
    printed_style,
)
from latentcore.figures.colors import (
    NAN_COLORS,
    categorical_palette,
    categorical_rgb,
    cluster_palette,
    continuous_rgb,
    hex_to_rgb,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL = 2.7
_TALLEST = 1.5
_CELL = 0.62
_MOST_NAMED = 12
_DARKEST = 0.65
SAME_COLOR, DIFFERENT_COLOR = "#c8d3dc", "#d1495b"
BORDER_COLORS = {SHARED: "#6a6a6a", ONLY_LABELS: "#d97706", ONLY_REFERENCE: "#2563eb"}


def labeled_maps_figure(
    grid: ScanGrid,
    latent: ArrayLike | None,
    labels: Sequence[tuple[str, NDArray[np.integer], Mapping[int, str]]],
    *,
    latent_label: str = "latent",
    title: str = "",
    missing: int | None = None,
) -> Figure:
    """Draw a latent map beside label maps over the same points.

    Parameters
    ----------
    latent : array_like, shape (n,), or None
        Drawn first, in the colors of latent maps; left out where it is None.
    labels : sequence of (str, ndarray of int of shape (n,), Mapping)
        Title and labels of each further map, and what labels are called.
    missing : int, optional
        The label of points without one.
    """
    panels = len(labels) + (latent is not None)
    height = _PANEL * min(aspect_of(grid), _TALLEST)
    with printed_style():
        figure = new_figure(_PANEL * panels + 0.3, height + 1.3)
        axes = list(np.ravel(figure.subplots(1, panels)))
        if latent is not None:
            first = axes.pop(0)
            values = np.asarray(latent, np.float64)
            draw_map(first, paint(grid, continuous_rgb(values, robust_limits(values))))
            first.set_title(latent_label)
        for panel, (name, own, texts) in zip(axes, labels, strict=True):
            _labels(panel, grid, name, own, texts, missing)
        if title:
            figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


def differences_figure(
    grid: ScanGrid,
    found: PartitionComparison,
    *,
    label: str,
    reference: str,
    title: str = "",
) -> Figure:
    """Draw where two partitions differ, beside their borders.

    Parameters
    ----------
    label, reference : str
        What the partitions are called.
    """
    from matplotlib.patches import Patch

    differs = found.differs == DIFFERENT
    rgb = np.empty((len(grid), 3), np.uint8)
    rgb[:] = hex_to_rgb(SAME_COLOR)
    rgb[differs] = hex_to_rgb(DIFFERENT_COLOR)
    rgb[found.differs == NOT_COMPARED] = hex_to_rgb(NAN_COLORS["light"])
    colors = np.array(
        [hex_to_rgb(color) for color in ("#ffffff", *BORDER_COLORS.values())], np.uint8
    )
    names = ("in both", f"only in {label}", f"only in {reference}")
    height = _PANEL * 1.3 * min(aspect_of(grid), _TALLEST)
    with printed_style():
        figure = new_figure(_PANEL * 2.6 + 0.3, height + 1.2)
        left, right = figure.subplots(1, 2)
        points = paint(grid, rgb)
        lines = border_lines(found.borders.kinds, hexagonal=grid.hexagonal)
        draw_map(left, points)
        left.set_title("Points")
        draw_map(right, _halfway(points, colors[lines]))
        right.set_title("Borders")
        below: dict[str, Any] = {
            "loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "handlelength": 0.9,
            "fontsize": 6,
        }  # fmt: skip
        left.legend(
            handles=[Patch(facecolor=DIFFERENT_COLOR, label="other label"),
                     Patch(facecolor=SAME_COLOR, label="same label"),
                     Patch(facecolor=NAN_COLORS["light"], label="no label")],
            ncols=3, **below,
        )  # fmt: skip
        right.legend(
            handles=[Patch(facecolor=color, label=name)
                     for color, name in zip(BORDER_COLORS.values(), names, strict=True)],
            ncols=3, **below,
        )  # fmt: skip
        if title:
            figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


def _halfway(points: Picture, rgb: NDArray[np.uint8]) -> Picture:
    """Return a picture of what lies between points: two pixels a step, the first on a point."""
    (dx, dy), (left, _, bottom, top) = points.grid.lattice.step, points.extent
    # The first point is half a cell inside, the first pixel half a pixel less.
    left += points.grid.step[0] / 2 - dx / 4
    edges = (left, left + rgb.shape[1] * dx / 2, bottom - dy / 4, top + dy / 4)
    return Picture(rgb, edges, points.grid)


def contingency_figure(
    table: NDArray[np.integer],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_label: str,
    column_label: str,
    title: str = "",
) -> Figure:
    """Draw how many points have both labels, each cell shaded by its share of its row.

    Parameters
    ----------
    table : ndarray of int, shape (rows, columns)
    """
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    with printed_style():
        size = _CELL * max(len(columns), 3) + 1.9, 0.36 * max(len(rows), 3) + 1.3
        figure = new_figure(*size)
        axes = figure.add_subplot()
        axes.imshow(_pale(share), aspect="auto", interpolation="nearest")
        for row, column in np.ndindex(*table.shape):
            axes.text(column, row, f"{table[row, column]:,}", ha="center", va="center", fontsize=6)
        axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
        axes.set_yticks(range(len(rows)), rows)
        axes.set(xlabel=column_label, ylabel=row_label, title=title)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure


def _labels(
    axes: Axes,
    grid: ScanGrid,
    title: str,
    labels: NDArray[np.integer],
    texts: Mapping[int, str],
    missing: int | None,
) -> None:
    from matplotlib.patches import Patch

    present = np.ones(len(labels), np.bool_) if missing is None else labels != missing
    palette = cluster_palette(labels[present])
    rgb = np.empty((len(labels), 3), np.uint8)
    rgb[:] = hex_to_rgb(NAN_COLORS["light"])
    rgb[present] = categorical_rgb(labels[present], palette)
    draw_map(axes, paint(grid, rgb))
    axes.set_title(title)
    patches = [
        Patch(facecolor=color, label=texts.get(label, str(label)))
        for label, color in list(palette.items())[:_MOST_NAMED]
    ]
    axes.legend(
        handles=patches, loc="upper center", bbox_to_anchor=(0.5, -0.2), handlelength=0.9,
        ncols=2 if max(len(text) for text in texts.values() or [""]) > 4 else 6,
        columnspacing=0.9, fontsize=6, title=f"and {len(palette) - _MOST_NAMED} more"
        if len(palette) > _MOST_NAMED else None,
    )  # fmt: skip


def _pale(share: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return white to blue, never so dark that a number in black can't be read."""
    ink = np.array(hex_to_rgb(categorical_palette()[0])) / 255.0
    colors: NDArray[np.float64] = 1 - (1 - ink) * (_DARKEST * share[..., None])
    return colors
