"""The picture of an RGB reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.figures.colors import hex_to_rgb
from latentcore.figures.screen_text import chart_text, chart_texts
from pages.charts.maps import thinned
from pages.frame.theme import tones

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["rgb_chart"]


def rgb_chart(
    rgb: NDArray[np.floating], grid: ScanGrid, columns: Sequence[str], height: int
) -> go.Figure:
    """Draw three maps as red, green and blue, y downwards.

    Parameters
    ----------
    rgb : ndarray, shape (n, 3)
        0–1; NaN where a map has no value.
    columns : sequence of str
        What is red, green and blue.
    height : int
        In pixels.
    """
    import plotly.graph_objects as go

    columns = chart_texts(columns)
    k, (field,) = thinned(grid, grid.to_map(np.asarray(rgb, np.float32)))
    colors = np.empty(field.shape, np.uint8)
    colors[:] = hex_to_rgb(tones().nothing)
    whole = np.isfinite(field).all(axis=-1)
    colors[whole] = np.rint(255 * field[whole])
    x0, y0 = grid.origin
    figure = go.Figure(
        go.Image(
            z=colors, x0=x0, dx=k * grid.step[0], y0=y0, dy=k * grid.step[1],
            hovertemplate="x %{x}, y %{y}<br>"
            + "<br>".join(f"{name} %{{z[{n}]}}/255" for n, name in enumerate(columns))
            + "<extra></extra>",
        )
    )  # fmt: skip
    named = zip(("red", "green", "blue"), columns, strict=True)
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 34, "b": 8, "pad": 0},
        title={
            "text": ", ".join(f"{name} {color}" for color, name in named),
            "font": {"size": 14},
        },
    )
    unit = f" ({chart_text(grid.unit)})" if grid.unit else ""
    figure.update_xaxes(title_text=f"x{unit}", showgrid=False, zeroline=False, constrain="domain")
    figure.update_yaxes(title_text=f"y{unit}", showgrid=False, zeroline=False, constrain="domain")
    return figure
