"""Samples over the Earth and over bins of an embedding, for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.geography import EarthCells
from latentcore.figures._canvas import color_bar, new_figure, printed_style
from latentcore.figures.colors import continuous_rgb

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOG2 = (-3.0, 3.0)
_ACROSS = 4


def earth_figure(
    cells: EarthCells, values: Mapping[str, NDArray[np.float64]], *, relative: bool
) -> Figure:
    """Draw maps of the Earth in Lambert's cylindrical equal-area projection.

    Parameters
    ----------
    values : mapping of str to ndarray, shape (m,) each
        By title; a number of samples or, with `relative`, how many times the usual share. NaN has
        a color of its own.
    """
    cmap = "blue-white-red" if relative else "viridis"
    shown = {
        title: _log2(one) if relative else one.astype(np.float64) for title, one in values.items()
    }
    limits = _LOG2 if relative else _limits(list(shown.values()))
    across = min(len(shown), 2 if len(shown) <= _ACROSS else 3)
    down = -(-len(shown) // across)
    width = 7.6 if across == 1 else 4.2 * across
    with printed_style():
        figure = new_figure(width, 0.3 + down * (width / across * 0.28 + 0.5))
        places = figure.subplots(down, across, squeeze=False).ravel()
        for axes, (title, one) in zip(places, shown.items(), strict=False):
            _draw_earth(axes, cells, continuous_rgb(one, limits, cmap))
            axes.set_title("All samples" if title == "all" else title)
            label = "log₂ enrichment" if relative else "samples"
            color_bar(axes, one, limits, cmap, label)
        for axes in places[len(shown) :]:
            axes.set_axis_off()
    return figure


def bins_figure(
    edges: Sequence[NDArray[np.float64]], values: Mapping[str, NDArray[np.float64]]
) -> Figure:
    """Draw values over bins of an embedding, one panel each.

    Parameters
    ----------
    edges : sequence of ndarray
        Of the bins along U0 and U1.
    values : mapping of str to ndarray
        By what they are, U0 fastest.
    """
    across = min(len(values), 3)
    down = -(-len(values) // across)
    extent = (edges[0][0], edges[0][-1], edges[1][0], edges[1][-1])
    with printed_style():
        figure = new_figure(4.0 * across, 3.2 * down)
        places = figure.subplots(down, across, squeeze=False).ravel()
        for axes, (label, one) in zip(places, values.items(), strict=False):
            picture = one.reshape(len(edges[1]) - 1, -1)
            limits = _limits([one])
            axes.imshow(
                continuous_rgb(picture, limits), extent=extent, origin="lower", aspect="auto",
                interpolation="nearest",
            )  # fmt: skip
            axes.set(xlabel="U0", ylabel="U1")
            axes.set_title(label, parse_math=False)
            color_bar(axes, one, limits, "viridis", "")
        for axes in places[len(values) :]:
            axes.set_axis_off()
    return figure


def _log2(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log2(ratio), 2 * _LOG2[0])  # a share of 0 is below the color bar


def _limits(values: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    together = np.concatenate(values)
    finite = together[np.isfinite(together)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)


def _draw_earth(axes: Axes, cells: EarthCells, rgb: NDArray[np.uint8]) -> None:
    axes.imshow(
        rgb.reshape(cells.rows, cells.columns, 3), extent=(-np.pi, np.pi, -1, 1), origin="lower",
        interpolation="nearest", aspect="equal",
    )  # fmt: skip
    meridians, parallels = np.arange(-180, 181, 60), np.array([-60, -30, 0, 30, 60])
    axes.set_xticks(np.deg2rad(meridians), [f"{one}°" for one in meridians])
    axes.set_yticks(np.sin(np.deg2rad(parallels)), [f"{one}°" for one in parallels])
