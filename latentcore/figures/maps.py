"""A map of one quantity over the scan, for print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from latentcore.analysis.latent_maps import robust_limits
from latentcore.containers import Roi, ScanGrid
from latentcore.figures._canvas import (
    aspect_of,
    color_bar,
    draw_map,
    missing_patch,
    new_figure,
    paint,
    printed_style,
)
from latentcore.figures.colors import check_limits, continuous_rgb, is_diverging

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 4.4
_TALLEST, _LOWEST = 8.0, 1.2
_MARGINS = (1.45, 0.95)


def map_figure(
    grid: ScanGrid,
    values: ArrayLike,
    *,
    label: str,
    title: str = "",
    cmap: str = "viridis",
    limits: tuple[float, float] | None = None,
    roi: Roi | None = None,
    missing: str = "tan",
    missing_label: str = "no value",
) -> Figure:
    """Draw one value per point over the scan grid.

    Parameters
    ----------
    values : array_like, shape (n,)
        NaN has a color of its own, named in a legend.
    label : str
        Of the color bar, with unit.
    cmap : str
        A name in `latentcore.figures.colors.COLORMAPS`.
    limits : tuple of float, optional
        By default the 2 % and 98 % quantiles, symmetric for a diverging color map; the color
        bar's pointed ends show that values lie beyond.
    roi : Roi, optional
        Outlined.
    missing : str
        Color of points without a value, in `latentcore.figures.colors.MISSING_COLORS`.
    missing_label : str
        What these are called in the legend.

    Raises
    ------
    ShapeError
        If there are not as many values as points.
    RequestError, UnknownNameError
        If the limits or the color map make no sense.
    """
    values = np.asarray(values, np.float64).ravel()
    if limits is None:
        limits = robust_limits(values, symmetric=is_diverging(cmap))
    low, high = check_limits(limits)
    absent = np.isnan(values)
    rgb = continuous_rgb(values, (low, high), cmap)
    picture = paint(grid, rgb, absent=absent, missing=missing)
    with printed_style():
        height = float(np.clip(_WIDTH * aspect_of(grid), _LOWEST, _TALLEST))
        figure = new_figure(_WIDTH + _MARGINS[0], height + _MARGINS[1])
        axes = figure.add_subplot()
        draw_map(axes, picture, roi=roi)
        axes.set_title(title)
        color_bar(axes, values, (low, high), cmap, label)
        if absent.any():
            _name_missing(axes, missing, missing_label)
    return figure


def _name_missing(axes: Axes, missing: str, label: str) -> None:
    axes.legend(
        handles=[missing_patch(missing, label)], loc="lower right",
        bbox_to_anchor=(0.97, 1.0), borderaxespad=0.2, handlelength=1.2, handleheight=1.0,
    )  # fmt: skip
