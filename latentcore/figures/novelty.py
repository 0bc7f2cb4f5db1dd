"""How unlike a reference samples are, for print: a map and a histogram of percentiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.figures._canvas import (
    aspect_of,
    color_bar,
    draw_map,
    new_figure,
    paint,
    printed_style,
)
from latentcore.figures.colors import continuous_rgb

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS = "inferno"
_LIMITS = (0.0, 100.0)
_BINS = 20
_BAR, _EXPECTED = "#0072b2", "#d55e00"


def novelty_figure(grid: ScanGrid | None, percentile: NDArray[np.float64]) -> Figure:
    """Draw percentiles over the scan, where there is one, and how they are distributed.

    Parameters
    ----------
    percentile : ndarray, shape (n,)
        0 to 100; NaN has a color of its own.
    """
    judged = percentile[np.isfinite(percentile)]
    height = 2.8 if grid is None else float(np.clip(3.4 * aspect_of(grid), 1.8, 6.0)) + 0.4
    with printed_style():
        figure = new_figure(3.6 if grid is None else 7.6, height)
        places = figure.subplots(1, 1 if grid is None else 2, squeeze=False)[0]
        axes = places[-1]
        axes.hist(judged, bins=_BINS, range=_LIMITS, color=_BAR, edgecolor="white", linewidth=0.4)
        axes.axhline(
            len(judged) / _BINS, color=_EXPECTED, linewidth=1, linestyle="--", label="expected of "
            "the reference's kind",
        )  # fmt: skip
        axes.set(xlabel="percentile of novelty", ylabel="samples",
                 title=f"{len(judged):,} samples")  # fmt: skip
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper left")
        if grid is not None:
            draw_map(places[0], paint(grid, continuous_rgb(percentile, _LIMITS, _COLORS)))
            places[0].set_title("Novelty")
            color_bar(places[0], percentile, _LIMITS, _COLORS, "percentile")
    return figure
