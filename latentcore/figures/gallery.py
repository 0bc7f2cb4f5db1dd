"""A gallery over an embedding, for print: one sample for each cell, at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.embedding_places import Gallery
from latentcore.figures._canvas import new_figure, printed_style
from latentcore.figures.colors import lut

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 6.5
_BAR = 0.9


def gallery_figure(
    sheet: NDArray[np.uint8],
    gallery: Gallery,
    labels: tuple[str, str],
    *,
    cmap: str,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw a sheet of samples with the embedding's own axes.

    Parameters
    ----------
    sheet : ndarray of uint8, shape (height, width, 4)
        From `latentcore.analysis.pattern_sheets.placed_sheet`.
    gallery : Gallery
        For the edges of its cells.
    labels : tuple of str
        Of both axes.
    limits : tuple of float, optional
        Draws a color bar; without them each sample has limits of its own.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    with printed_style():
        figure = new_figure(_SIDE + _BAR * (limits is not None), _SIDE)
        axes = figure.subplots()
        extent = (*gallery.x_edges[[0, -1]], *gallery.y_edges[[0, -1]])
        axes.imshow(sheet, extent=extent, interpolation="nearest", aspect="auto")
        axes.set(xlabel=labels[0], ylabel=labels[1])
        if limits is not None:
            colors = ListedColormap(lut(cmap) / 255)
            figure.colorbar(
                ScalarMappable(Normalize(*limits), colors), ax=axes, extend="both", shrink=0.6
            )
    return figure
