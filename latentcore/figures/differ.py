"""Where latents of two sides differ, for print: over scans, over principal axes, and by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.two_samples import TwoSamples
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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = "blue-white-red"
_LABEL = "ln (density A / density B)"
_MOST_BINS = 80
_ACROSS = 3
_WIDTH = 3.0
_MOST_MAPS = 12
_BAR, _OBSERVED = "#8a8178", "#d55e00"


@dataclass(frozen=True, eq=False)
class Drawn:
    """One source's log ratios."""

    name: str
    in_a: bool
    grid: ScanGrid | None
    ratio: NDArray[np.floating]


def differ_figure(
    sources: Sequence[Drawn], values: NDArray[np.float32], ratio: NDArray[np.floating],
    found: TwoSamples,
) -> Figure:  # fmt: skip
    """Draw log density ratios over scans and principal axes, with one scale for all.

    Parameters
    ----------
    sources : sequence of Drawn
        The first twelve with a grid are drawn.
    values : ndarray, shape (n, d)
        Latents of the tested samples.
    ratio : ndarray, shape (n,)
        Theirs.
    """
    maps = [(one, one.grid) for one in sources if one.grid is not None][:_MOST_MAPS]
    limits = _limits(np.concatenate([one.ratio for one in sources]))
    down = -(-len(maps) // _ACROSS)
    tallest = max((aspect_of(grid) for _, grid in maps), default=0.0)
    map_height = float(np.clip(_WIDTH * tallest, 1.2, 5.0)) + 0.5
    with printed_style():
        figure = new_figure(_WIDTH * _ACROSS + 1.0, map_height * down + 3.0)
        lower: Any = figure
        if maps:
            parts: Any = figure.subfigures(2, 1, height_ratios=(map_height * down, 3.0))
            upper, lower = parts
            _draw_maps(upper, maps, limits, down)
        below = lower.subplots(1, 3)
        _draw_axes(below[0], values, ratio, limits)
        _draw_null(below[1], found.null_auc, found.auc, found.auc_p, "AUC of a classifier")
        _draw_null(below[2], found.null_mmd2, found.mmd2, found.mmd_p, "MMD²")
    return figure


def _limits(ratio: NDArray[np.floating]) -> tuple[float, float]:
    finite = np.abs(ratio[np.isfinite(ratio)])
    most = float(np.quantile(finite, 0.98)) if len(finite) else 1.0
    return -(most or 1.0), most or 1.0


def _draw_maps(
    figure: Any, maps: Sequence[tuple[Drawn, ScanGrid]], limits: tuple[float, float], down: int
) -> None:
    places = figure.subplots(down, min(_ACROSS, len(maps)), squeeze=False).ravel()
    for axes, (one, grid) in zip(places, maps, strict=False):
        draw_map(axes, paint(grid, continuous_rgb(one.ratio, limits, _COLORS)))
        axes.set_title(f"{'A' if one.in_a else 'B'}: {one.name}", parse_math=False)
    for axes in places[len(maps) :]:
        axes.set_axis_off()
    color_bar(places[min(len(maps), _ACROSS) - 1], _values(maps), limits, _COLORS, _LABEL)


def _values(maps: Sequence[tuple[Drawn, ScanGrid]]) -> NDArray[np.float64]:
    return np.concatenate([one.ratio for one, _ in maps]).astype(np.float64)


def _draw_axes(
    axes: Axes, values: NDArray[np.float32], ratio: NDArray[np.floating],
    limits: tuple[float, float],
) -> None:  # fmt: skip
    """Draw the mean log ratio over bins of the first two principal axes."""
    from latentcore.analysis.principal_components import principal_axes

    mean, directions, _ = principal_axes(values)
    places = (values - mean) @ directions[:2].T
    if places.shape[1] == 1:
        places = np.repeat(places, 2, axis=1)
    low, high = np.quantile(places, 0.002, axis=0), np.quantile(places, 0.998, axis=0)
    high = np.maximum(high, low + 1e-9)
    seen: Any = [(low[0], high[0]), (low[1], high[1])]
    first, second = places.T
    bins = int(np.clip(np.sqrt(len(values)) / 2, 12, _MOST_BINS))
    counts, _, _ = np.histogram2d(first, second, bins=bins, range=seen)
    sums, _, _ = np.histogram2d(first, second, bins=bins, range=seen, weights=ratio)
    mean = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    axes.imshow(
        continuous_rgb(mean.T, limits, _COLORS), origin="lower", aspect="auto",
        extent=(low[0], high[0], low[1], high[1]), interpolation="nearest",
    )  # fmt: skip
    axes.set(xlabel="first principal axis", ylabel="second principal axis")
    axes.set_title(f"{len(values):,} samples")


def _draw_null(axes: Axes, null: NDArray[np.float64], observed: float, p: float, name: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    if len(null) == 0:
        axes.axvline(observed, color=_OBSERVED, linewidth=1.5)
        axes.set(xlabel=name, yticks=[], title=f"{name} {observed:.3g}, no p-value")
        return
    low, high = min(float(null.min()), observed), max(float(null.max()), observed)
    axes.hist(null, bins=40, range=(low, high), color=_BAR, label="after exchanges")
    axes.axvline(observed, color=_OBSERVED, linewidth=1.5, label="observed")
    axes.set(xlabel=name, ylabel="exchanges", title=f"{name} {observed:.3g}, p = {p:.3g}")
    axes.legend(loc="upper center")
