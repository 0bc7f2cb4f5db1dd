"""Rankings of latent dimensions, for print: bars, ranks by metric, and each of the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.latent_maps import robust_limits
from latentcore.analysis.rank_table import top_dims, top_ranks
from latentcore.analysis.regression import least_squares
from latentcore.containers import Ranking, ScanGrid
from latentcore.figures._canvas import (
    aspect_of,
    draw_map,
    new_figure,
    paint,
    printed_style,
)
from latentcore.figures.colors import categorical_palette, continuous_rgb, lut

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL = 2.7
_TALLEST = 1.5
_ROW = 0.2


def bars_figure(
    ranking: Ranking, top: int, titles: Mapping[str, str], *, title: str = ""
) -> Figure:
    """Draw the strongest dimensions of each metric as bars.

    Parameters
    ----------
    titles : Mapping of str to str
        What each metric is called.
    """
    metrics = list(ranking.scores)
    columns = min(4, len(metrics))
    rows = -(-len(metrics) // columns)
    shown = min(top, len(ranking.dims))
    with printed_style():
        figure = new_figure(1.85 * columns + 0.3, rows * (_ROW * max(shown, 3) + 0.75) + 0.35)
        panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
        for axes, metric in zip(panels, metrics, strict=False):
            _bars(axes, ranking, metric, shown)
            axes.set_title(titles.get(metric, metric))
        for axes in panels[len(metrics) :]:
            axes.set_axis_off()
        if title:
            figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


def ranks_figure(
    ranking: Ranking, top: int, titles: Mapping[str, str], *, title: str = ""
) -> Figure:
    """Draw the rank that each metric gives to the dimensions that any metric puts on top."""
    dims, ranks = top_ranks(ranking, top)
    with printed_style():
        figure = new_figure(0.62 * len(ranking.scores) + 1.6, _ROW * max(len(dims), 3) + 1.2)
        axes = figure.add_subplot()
        axes.imshow(_rank_colors(ranks, len(ranking.dims)), aspect="auto", interpolation="nearest")
        for row, column in np.ndindex(*ranks.shape):
            rank = ranks[row, column]
            text = "–" if np.isnan(rank) else f"{rank:.0f}"
            pale = np.isfinite(rank) and rank > np.sqrt(len(ranking.dims))
            axes.text(
                column, row, text, ha="center", va="center", fontsize=6,
                color="#1a1a1a" if pale or not np.isfinite(rank) else "#ffffff",
            )  # fmt: skip
        named = [titles.get(metric, metric) for metric in ranking.scores]
        axes.set_xticks(range(len(named)), named, rotation=30, ha="right")
        axes.set_yticks(range(len(dims)), [f"latent {dim}" for dim in dims])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(title or f"Rank among {len(ranking.dims)} dimensions, by metric")
    return figure


def dimension_figure(
    grid: ScanGrid | None,
    latent: ArrayLike,
    reference: ArrayLike,
    *,
    latent_label: str,
    reference_label: str,
    title: str = "",
    cmap: str = "viridis",
    rgb: NDArray[np.floating] | None = None,
    scored: NDArray[np.integer] | slice = slice(None),
) -> Figure:
    """Draw a latent map, the reference's map, and both against each other with their line.

    Parameters
    ----------
    grid : ScanGrid or None
        Without one there are no maps.
    latent, reference : array_like, shape (n,)
    cmap : str
        Of the latent; the reference is gray.
    rgb : ndarray of shape (n, 3), optional
        Of a reference that is a picture, 0–1.
    scored : ndarray of int or slice
        Points of the scatter.
    """
    latent, reference = (np.asarray(one, np.float64).ravel() for one in (latent, reference))
    shape = 1.0 if grid is None else float(np.clip(aspect_of(grid), 0.45, _TALLEST))
    panels, height = 1 if grid is None else 3, _PANEL * shape
    with printed_style():
        figure = new_figure(panels * _PANEL + 0.6, height + 0.85)
        *maps, third = figure.subplots(1, panels, squeeze=False)[0]
        if grid is not None:
            first, second = maps
            draw_map(first, paint(grid, continuous_rgb(latent, robust_limits(latent), cmap)))
            first.set_title(latent_label)
            draw_map(second, paint(grid, _reference_rgb(reference, rgb)))
            second.set_title(reference_label)
        _scatter(third, latent[scored], reference[scored])
        third.set(xlabel=latent_label, ylabel=reference_label)
        third.set_box_aspect(height / _PANEL)
        if title:
            figure.suptitle(title, fontsize=8.5, x=0.01, ha="left")
    return figure


def rgb_figure(grid: ScanGrid, rgb: NDArray[np.floating], columns: Sequence[str]) -> Figure:
    """Draw the picture of an RGB reference.

    Parameters
    ----------
    rgb : ndarray, shape (n, 3)
        0–1; NaN where a channel has no value.
    columns : sequence of str
        What is red, green and blue.
    """
    with printed_style():
        height = 3.6 * float(np.clip(aspect_of(grid), 0.3, 2.0))
        figure = new_figure(4.4, height + 0.9)
        axes = figure.add_subplot()
        draw_map(axes, paint(grid, _reference_rgb(rgb[:, 0], rgb)))
        named = zip(("red", "green", "blue"), columns, strict=True)
        axes.set_title(", ".join(f"{color} {name}" for color, name in named))
    return figure


def _bars(axes: Axes, ranking: Ranking, metric: str, top: int) -> None:
    row_of = {int(dim): row for row, dim in enumerate(ranking.dims)}
    dims = top_dims(ranking, metric, top)
    scores = np.array([ranking.scores[metric][row_of[dim]] for dim in dims])
    blue, _, _, _, red = categorical_palette()[:5]
    axes.barh(range(len(dims)), np.abs(scores), color=np.where(scores < 0, red, blue), height=0.7)
    axes.set_yticks(range(len(dims)), [str(dim) for dim in dims])
    axes.invert_yaxis()
    axes.set_xlim(0)
    if metric in ranking.absolute:
        axes.set_xlabel("|score|; orange: negative", fontsize=6.5)
    axes.spines[["top", "right"]].set_visible(False)


def _rank_colors(ranks: NDArray[np.float64], d: int) -> NDArray[np.float64]:
    """Return dark for the best, on a logarithmic scale: what matters is who is near the top."""
    share = np.log(np.nan_to_num(ranks, nan=d)) / max(np.log(d), 1e-9)
    colors: NDArray[np.float64] = lut("cividis")[np.clip(share * 255, 0, 255).astype(np.intp)] / 255
    colors[np.isnan(ranks)] = 0.93
    return colors


def _reference_rgb(
    reference: NDArray[np.floating], rgb: NDArray[np.floating] | None
) -> NDArray[np.uint8]:
    shades = continuous_rgb(reference, robust_limits(reference), "grey")
    if rgb is not None:
        whole = np.isfinite(rgb).all(axis=1)
        shades[whole] = np.rint(255 * rgb[whole]).astype(np.uint8)
    return shades


def _scatter(axes: Axes, latent: NDArray[np.float64], reference: NDArray[np.float64]) -> None:
    finite = np.isfinite(latent) & np.isfinite(reference)
    blue, orange = categorical_palette()[:2]
    size = float(np.clip(12_000 / max(1, int(finite.sum())), 0.3, 8.0))
    axes.scatter(
        latent[finite], reference[finite], s=size, color=blue, alpha=0.35, linewidths=0,
        rasterized=True,
    )  # fmt: skip
    line = least_squares(latent, reference)
    if np.isfinite(line.slope):
        axes.plot(line.x, line.at(line.x), color=orange, linewidth=1.6)
        axes.set_title(f"R² = {line.r_squared:.3f}, n = {line.n:,}")
    axes.spines[["top", "right"]].set_visible(False)
