"""What a search found, for print: thumbnails, and how far every point is from the query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.errors import ShapeError
from latentcore.figures._canvas import new_figure, printed_style
from latentcore.figures.maps import map_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 1.05
_CAPTION = 0.2
_COLUMNS = 6
_PLACE_SIDE = 4.4
_QUERY, _FOUND = "#d55e00", "#ffffff"


def thumbnails_figure(
    pictures: Sequence[NDArray[np.uint8] | None], captions: Sequence[str], *, first_is_query: bool
) -> Figure:
    """Draw pictures with their captions, row by row.

    Parameters
    ----------
    pictures : sequence of ndarray of uint8, shape (H, W) or (H, W, 3), or None
        None leaves the place empty, with its caption.
    first_is_query : bool
        Whether the first one is framed: it is what was searched for.

    Raises
    ------
    ShapeError
        If there are not as many captions as pictures, or no picture at all.
    """
    if len(pictures) != len(captions) or not pictures:
        message = f"{len(pictures)} pictures can't be drawn with {len(captions)} captions."
        raise ShapeError(message)
    columns = min(_COLUMNS, len(pictures))
    lines = math.ceil(len(pictures) / columns)
    with printed_style():
        figure = new_figure(columns * _SIDE + 0.2, lines * (_SIDE + _CAPTION) + 0.1)
        places = np.ravel(figure.subplots(lines, columns))
        for axes in places:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for number, (axes, picture) in enumerate(zip(places, pictures, strict=False)):
            axes.set_title(captions[number], fontsize=6, loc="center", pad=2)
            if picture is None:
                axes.text(0.5, 0.5, "no sample", fontsize=6, ha="center", transform=axes.transAxes)
                continue
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            if first_is_query and number == 0:
                axes.spines[:].set(visible=True, color=_QUERY, linewidth=1.6)
    return figure


def similarity_map_figure(
    grid: ScanGrid,
    similarity: NDArray[np.floating],
    found: NDArray[np.integer],
    *,
    query: int | None,
    label: str,
) -> Figure:
    """Draw how similar every point is to the query, with the query and what was found marked.

    Parameters
    ----------
    similarity : ndarray, shape (n,)
    found : ndarray of int, shape (k,)
        Rows that are marked.
    query : int or None
        Row of the query; None where it is no point of the scan.
    label : str
        Of the color bar.
    """
    figure = map_figure(grid, similarity, label=label, title="Similarity to the query")
    axes = figure.axes[0]
    # Rings leave the color beneath to be seen; the dark edge shows them on light colors.
    for color, width in (("#1a1a1a", 2.0), (_FOUND, 0.9)):
        axes.plot(
            grid.x[found], grid.y[found], "o", markersize=5, markerfacecolor="none",
            markeredgecolor=color, markeredgewidth=width, linestyle="none",
        )  # fmt: skip
    if query is not None:
        axes.plot(
            grid.x[query], grid.y[query], "*", markersize=11, markerfacecolor=_QUERY,
            markeredgecolor="white", markeredgewidth=0.8, linestyle="none",
        )  # fmt: skip
    return figure


def place_figure(
    around: NDArray[np.floating], place: NDArray[np.floating], *, title: str
) -> Figure:
    """Draw where a sample lies in an embedding, as a star among the gray others.

    Parameters
    ----------
    around : ndarray, shape (n, c)
        c is 2 or 3; the first two axes are drawn.
    place : ndarray, shape (c,)
    """
    with printed_style():
        figure = new_figure(_PLACE_SIDE, _PLACE_SIDE)
        axes = figure.subplots()
        size = float(np.clip(8_000 / max(1, len(around)), 0.3, 6.0))
        axes.scatter(around[:, 0], around[:, 1], s=size, c="#b0b0b0", linewidths=0, rasterized=True)
        axes.plot(place[0], place[1], "*", color=_QUERY, markersize=13, markeredgecolor=_FOUND)
        axes.set(title=f"{title}, the sample as a star", xlabel="U0", ylabel="U1")
        axes.spines[["top", "right"]].set_visible(False)
    return figure
