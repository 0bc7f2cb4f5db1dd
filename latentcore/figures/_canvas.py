"""What every printed figure shares: sizes, axes of a scan, scale bar, saving of space."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import Roi, ScanGrid
from latentcore.errors import ShapeError
from latentcore.figures.colors import MISSING_COLORS, TRANSPARENT, hex_to_rgb, lut

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.formatter.use_mathtext": True,
    "axes.formatter.limits": (-3, 4),
}
_INK = "#1a1a1a"
_BAR_SHARE = 0.28
_MOST_ACROSS, _MOST_DOWN = 1_500, 2_400
_ROI_COLOR = "#ffffff"


@dataclass(frozen=True, eq=False)
class Picture:
    """A scan painted on its grid, cut to where there are points.

    Attributes
    ----------
    rgb : ndarray of uint8, shape (R, S, 3), or (R, 2S + 1, 3)
        See `ScanGrid.picture`; with a fourth channel where missing points are transparent.
    extent : tuple of float
        (left, right, bottom, top) of the outer cell edges, y downwards.
    """

    rgb: NDArray[np.uint8]
    extent: tuple[float, float, float, float]
    grid: ScanGrid


@contextmanager
def printed_style() -> Iterator[None]:
    """Make artists in the style of printed figures."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches; no window, no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def paint(
    grid: ScanGrid,
    rgb: NDArray[np.uint8],
    *,
    absent: NDArray[np.bool_] | None = None,
    missing: str = "tan",
) -> Picture:
    """Put one color per point on the scan grid.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (n, 3)
    absent : ndarray of bool, shape (n,), optional
        Points that are painted as cells without a point are, whatever their color.
    missing : str
        How: a name in `latentcore.figures.colors.MISSING_COLORS`.

    Raises
    ------
    ShapeError
        If there are not as many colors as points.
    """
    if len(rgb) != len(grid):
        message = f"{len(rgb)} colors can't be painted on a scan grid of {len(grid)} points."
        raise ShapeError(message)
    part = _cut(grid)
    point = part.picture(np.arange(len(grid), dtype=np.float64))
    clear = missing == TRANSPARENT
    picture = np.zeros((*point.shape, 4 if clear else 3), np.uint8)
    if not clear:
        picture[:] = hex_to_rgb(MISSING_COLORS[missing])
    for line, points in zip(picture, point, strict=True):  # line by line: scans may be large
        there = np.isfinite(points)
        if absent is not None:
            there[there] = ~absent[points[there].astype(np.intp)]
        line[there, :3] = rgb[points[there].astype(np.intp)]
        if clear:
            line[there, 3] = 255
    x0, x1, y0, y1 = part.picture_extent
    return Picture(picture, (x0, x1, y1, y0), grid)


def aspect_of(grid: ScanGrid) -> float:
    """Return height / width of the part of the grid that holds points."""
    x0, x1, y0, y1 = _cut(grid).picture_extent
    return (y1 - y0) / (x1 - x0)


def _cut(grid: ScanGrid) -> ScanGrid:
    """Return the part of the grid that holds points."""
    if len(grid) and (int(np.ptp(grid.row)) + 1, int(np.ptp(grid.col)) + 1) == grid.shape:
        return grid
    return grid.cut(np.ones(len(grid), np.bool_))


def draw_map(axes: Axes, picture: Picture, *, roi: Roi | None = None) -> None:
    """Draw a painted scan: y downwards, equal aspect, units, scale bar, outline of the ROI."""
    height, width, channels = picture.rgb.shape
    if channels == 4 and axes.figure is not None:
        # What lies behind a transparent point is the page that the figure is put on.
        axes.figure.get_figure(root=True).patch.set_alpha(0)
        axes.patch.set_alpha(0)
    # No figure has more pixels: of large scans every second point or fewer would be seen anyway.
    step = max(1, min(width // _MOST_ACROSS, height // _MOST_DOWN))
    # Pixels stay pixels: any smoothing would invent colors that stand for no value.
    axes.imshow(
        picture.rgb[::step, ::step], extent=picture.extent, interpolation="nearest", aspect="equal"
    )
    unit = picture.grid.unit or "grid units"
    axes.set_xlabel(f"x ({unit})")
    axes.set_ylabel(f"y ({unit})")
    if roi is not None:
        _outline(axes, picture, roi)
    if picture.grid.unit:
        _scale_bar(axes, picture)


def missing_patch(missing: str, label: str) -> Patch:
    """Return what a legend shows of missing points."""
    from matplotlib.patches import Patch

    return Patch(facecolor=MISSING_COLORS[missing], edgecolor="#8a8178", linewidth=0.4, label=label)


def color_bar(
    axes: Axes,
    values: NDArray[np.float64],
    limits: tuple[float, float],
    cmap: str,
    label: str,
) -> None:
    """Draw the color bar of some values beside a plot; pointed where values lie beyond it."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    low, high = limits
    finite = values[np.isfinite(values)]
    below, above = bool((finite < low).any()), bool((finite > high).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max"}
    if low == high:
        # One value has one color; a bar needs some width to show it.
        low, high = low - 0.5, high + 0.5
    mappable = ScalarMappable(Normalize(low, high), ListedColormap(lut(cmap) / 255.0))
    # Beside the plot and as tall as it, whatever room the layout leaves around an equal aspect.
    beside = axes.inset_axes((1.025, 0.0, 0.035, 1.0))
    bar = axes.figure.colorbar(
        mappable, cax=beside, extend=extend.get((below, above), "both"), extendfrac=0.04
    )
    bar.set_label(label)
    bar.outline.set_linewidth(0.4)


def _outline(axes: Axes, picture: Picture, roi: Roi) -> None:
    from matplotlib import patheffects
    from matplotlib.patches import Rectangle

    # A point stands for the cell around it, so the half-open range begins half a step earlier;
    # points of a hexagonal grid, all rows together, are half a cell apart.
    dx, dy = picture.grid.lattice.step
    (x0, x1), (y0, y1) = roi.x_range, roi.y_range
    box = Rectangle(
        (x0 - dx / 2, y0 - dy / 2), x1 - x0, y1 - y0, fill=False, edgecolor=_ROI_COLOR,
        linewidth=1.0, path_effects=[patheffects.withStroke(linewidth=2.2, foreground=_INK)],
    )  # fmt: skip
    axes.add_patch(box)


def _scale_bar(axes: Axes, picture: Picture) -> None:
    from matplotlib.offsetbox import AnchoredOffsetbox, AuxTransformBox, TextArea, VPacker
    from matplotlib.patches import Rectangle

    left, right, bottom, top = picture.extent
    length = _round_length(_BAR_SHARE * (right - left))
    bar = AuxTransformBox(axes.transData)
    bar.add_artist(
        Rectangle((0, 0), length, 0.012 * (bottom - top), facecolor=_INK, edgecolor="none")
    )
    text = TextArea(f"{length:g} {picture.grid.unit}", textprops={"fontsize": 7, "color": _INK})
    packed = VPacker(children=[bar, text], align="center", pad=0, sep=2)
    box = AnchoredOffsetbox("lower right", child=packed, pad=0.35, borderpad=0.5, frameon=True)
    box.patch.set(facecolor="white", edgecolor="none", alpha=0.85)
    axes.add_artist(box)


def _round_length(most: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not above `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9)))
