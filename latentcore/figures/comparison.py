"""Several encoders side by side, for print: shared neighbors over the scan, aligned latents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.figures._canvas import (
    aspect_of,
    draw_map,
    new_figure,
    paint,
    printed_style,
)
from latentcore.figures.colors import continuous_rgb, lut

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 2.6
_COLORS = "viridis"
_BINS = 120


def shared_figure(grid: ScanGrid, shares: Mapping[str, NDArray[np.floating]]) -> Figure:
    """Draw the share of neighbors in common at each point, a map per pair, from 0 to 1."""
    columns = min(3, len(shares))
    rows = -(-len(shares) // columns)
    height = float(np.clip(_WIDTH * aspect_of(grid), 0.9, 5.0))
    with printed_style():
        figure = new_figure(_WIDTH * columns + 0.8, rows * (height + 0.5) + 0.1)
        panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
        for axes, (name, share) in zip(panels, shares.items(), strict=False):
            draw_map(axes, paint(grid, continuous_rgb(share, (0.0, 1.0), _COLORS)))
            axes.set_title(f"{name}\n{np.nanmean(share):.3f} on average", fontsize=8)
        for axes in panels[len(shares) :]:
            axes.set_axis_off()
        _bar(figure, panels)
    return figure


def aligned_figure(aligned: Mapping[str, NDArray[np.floating]]) -> Figure:
    """Draw latents in the first set's two principal axes, all with the same limits.

    Parameters
    ----------
    aligned : Mapping of str to ndarray, shape (n, 2)
        Counts per cell are drawn, on a logarithmic scale.
    """
    columns = min(3, len(aligned))
    rows = -(-len(aligned) // columns)
    first = next(iter(aligned.values()))
    low, high = np.quantile(first, 0.001, axis=0), np.quantile(first, 0.999, axis=0)
    room = 0.15 * (high - low) + 1e-12
    low, high = low - room, high + room
    seen: Any = [(low[0], high[0]), (low[1], high[1])]
    with printed_style():
        figure = new_figure(_WIDTH * columns + 0.3, rows * (_WIDTH + 0.3) + 0.1)
        panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
        for axes, (name, places) in zip(panels, aligned.items(), strict=False):
            counts, _, _ = np.histogram2d(places[:, 0], places[:, 1], bins=_BINS, range=seen)
            axes.imshow(
                np.log1p(counts.T), origin="lower", extent=(low[0], high[0], low[1], high[1]),
                cmap="cividis", aspect="auto", interpolation="nearest",
            )  # fmt: skip
            axes.set(xlabel="first axis", ylabel="second axis", title=name)
        for axes in panels[len(aligned) :]:
            axes.set_axis_off()
        figure.suptitle(
            f"In the principal axes of the first, aligned by rotation and scale; "
            f"{len(first):,} samples",
            fontsize=8,
        )
    return figure


def _bar(figure: Figure, panels: Any) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    mappable = ScalarMappable(Normalize(0, 1), ListedColormap(lut(_COLORS) / 255.0))
    bar = figure.colorbar(mappable, ax=panels, shrink=0.8, pad=0.02)
    bar.set_label("share of nearest neighbors in common")
    bar.outline.set_linewidth(0.4)
