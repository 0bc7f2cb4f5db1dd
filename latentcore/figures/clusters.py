"""Clusters of two features, or of one: the shaded map beside the scatter, for print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import Roi, ScanGrid
from latentcore.figures._canvas import (
    aspect_of,
    draw_map,
    missing_patch,
    new_figure,
    paint,
    printed_style,
)
from latentcore.figures.colors import cluster_palette, shaded_rgb

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.patches import Patch

_WIDTH = 7.5
_MARGINS = (1.2, 0.95)
_WIDEST, _TALLEST = 1.8, 1.6
_SCATTER_TALLEST = 1.3
_SCATTER_ALONE = 0.6
_BINS = 60
_LEGEND_ROW = 0.17
_LEGEND_COLUMNS = 5
_MOST_NAMED = 40
# More dots than this hide each other, and take minutes: then a part of them is drawn.
_MOST_DRAWN, _DRAWN = 2_000_000, 500_000


@dataclass(frozen=True)
class _Counts:
    labels: tuple[int, ...]
    n: tuple[int, ...]
    missing: int


def cluster_figure(
    grid: ScanGrid | None,
    latent: ArrayLike,
    bandcontrast: ArrayLike | None,
    labels: NDArray[np.integer],
    *,
    latent_label: str = "latent",
    bandcontrast_label: str = "band contrast",
    title: str = "",
    shaded_by: str = "latent",
    colors: Sequence[str] | None = None,
    roi: Roi | None = None,
    missing: str = "tan",
) -> Figure:
    """Draw the cluster-shaded latent map beside the scatter of (latent, band contrast).

    Each cluster has one hue, brighter where the latent is larger between its 2 % and 98 %
    quantiles within the cluster. A point has the same color in both panels; noise is gray.

    Parameters
    ----------
    grid : ScanGrid or None
        Without one there is no map.
    latent, bandcontrast : array_like, shape (n,)
        Any two features; without the second, a histogram takes the scatter's place.
    labels : ndarray of int, shape (n,)
        -1 is noise, or a point without finite values.
    latent_label, bandcontrast_label : str
        Of the scatter's axes, with units.
    shaded_by : str
        What the first feature is called in the map's title.
    colors : sequence of str, optional
        ``#rrggbb`` of clusters 0, 1, …
    roi : Roi, optional
        Outlined.
    missing : str
        Color of points that lack one of both, in `latentcore.figures.colors.MISSING_COLORS`.

    Raises
    ------
    ShapeError
        If lengths differ.
    RequestError
        If a color is not written as ``#rrggbb``.
    """
    latent = np.asarray(latent, np.float64).ravel()
    single = bandcontrast is None
    bandcontrast = latent if single else np.asarray(bandcontrast, np.float64).ravel()
    palette = cluster_palette(labels, colors)
    rgb = shaded_rgb(labels, latent, palette)
    counts = _count(labels, latent, bandcontrast)
    with printed_style():
        figure = _figure_for(grid, counts)
        parts = figure.add_gridspec(2, 1, height_ratios=_heights(grid, counts))
        upper, lower = figure.add_subfigure(parts[0]), figure.add_subfigure(parts[1])
        if grid is None:
            right = upper.subplots()
            right.set_box_aspect(_SCATTER_ALONE)
        else:
            left, right = upper.subplots(1, 2, width_ratios=(_map_width(grid), 1))
            absent = ~(np.isfinite(latent) & np.isfinite(bandcontrast))
            draw_map(left, paint(grid, rgb, absent=absent, missing=missing), roi=roi)
            left.set_title(f"Clusters, brightness = {shaded_by} within the cluster")
            right.set_box_aspect(min(aspect_of(grid) * _map_width(grid), _SCATTER_TALLEST))
        if single:
            _histogram(right, latent, labels, palette)
        else:
            drawn = _scatter(right, latent, bandcontrast, labels, rgb)
        right.set(xlabel=latent_label, ylabel="points" if single else bandcontrast_label)
        some = "The same points" if single or drawn is None else f"{drawn:,} of the points"
        right.set_title(f"{some}, the same colors")
        _legend(lower, palette, counts, missing)
        if title:
            upper.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


def _count(
    labels: NDArray[np.integer], latent: NDArray[np.float64], bandcontrast: NDArray[np.float64]
) -> _Counts:
    finite = np.isfinite(latent) & np.isfinite(bandcontrast)
    present, n = np.unique(labels[finite], return_counts=True)
    return _Counts(
        tuple(int(label) for label in present),
        tuple(int(count) for count in n),
        int((~finite).sum()),
    )


def _heights(grid: ScanGrid | None, counts: _Counts) -> tuple[float, float]:
    if grid is None:
        panels = (_WIDTH - _MARGINS[0]) * _SCATTER_ALONE + _MARGINS[1]
    else:
        share = _map_width(grid) / (_map_width(grid) + 1)
        panels = (_WIDTH - _MARGINS[0]) * share * min(aspect_of(grid), _TALLEST) + _MARGINS[1]
    rows = -(-(min(len(counts.labels), _MOST_NAMED) + 2) // _LEGEND_COLUMNS)
    return panels, rows * _LEGEND_ROW + 0.12


def _figure_for(grid: ScanGrid | None, counts: _Counts) -> Figure:
    return new_figure(_WIDTH, sum(_heights(grid, counts)))


def _map_width(grid: ScanGrid) -> float:
    """Return the map's width in widths of the scatter, so that both are equally tall."""
    return float(np.clip(1 / aspect_of(grid), 1.0, _WIDEST))


def _scatter(
    axes: Axes,
    latent: NDArray[np.float64],
    bandcontrast: NDArray[np.float64],
    labels: NDArray[np.integer],
    rgb: NDArray[np.uint8],
) -> int | None:
    """Draw the points; return how many, where these are not all."""
    shown = np.flatnonzero(np.isfinite(latent) & np.isfinite(bandcontrast))
    # In file order the cluster that comes last would hide the others; noise lies below.
    shown = np.random.default_rng(0).permutation(shown)
    drawn = _DRAWN if len(shown) > _MOST_DRAWN else None
    shown = shown[:drawn]
    shown = shown[np.argsort(labels[shown] >= 0, kind="stable")]
    size = float(np.clip(12_000 / max(1, len(shown)), 0.35, 9.0))
    axes.scatter(
        latent[shown], bandcontrast[shown], c=rgb[shown] / 255.0, s=size, linewidths=0,
        rasterized=True,
    )  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    return drawn


def _histogram(
    axes: Axes,
    values: NDArray[np.float64],
    labels: NDArray[np.integer],
    palette: dict[int, str],
) -> None:
    finite = np.isfinite(values)
    present = np.unique(labels[finite]).tolist()
    axes.hist(
        [values[finite & (labels == label)] for label in present],
        bins=_BINS, stacked=True, color=[palette[label] for label in present], linewidth=0,
    )  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)


def _legend(area: SubFigure, palette: dict[int, str], counts: _Counts, missing: str) -> None:
    from matplotlib.patches import Patch

    named = list(zip(counts.labels, counts.n, strict=True))[:_MOST_NAMED]
    patches: list[Patch] = [
        Patch(facecolor=palette[label], label=f"{_name(label)} (n = {n:,})") for label, n in named
    ]
    if len(counts.labels) > len(named):
        rest = len(counts.labels) - len(named)
        patches.append(Patch(facecolor="white", label=f"and {rest} more"))
    if counts.missing:
        patches.append(missing_patch(missing, f"no value (n = {counts.missing:,})"))
    area.legend(
        handles=patches, loc="upper left", ncols=_LEGEND_COLUMNS, handlelength=1.2,
        columnspacing=1.4, borderaxespad=0.4,
    )  # fmt: skip


def _name(label: int) -> str:
    return "noise" if label < 0 else f"cluster {label}"
