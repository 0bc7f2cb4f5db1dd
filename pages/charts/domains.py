"""Distributions over domains: how many, and how much of the area, have which size and shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.figures.colors import categorical_palette
from pages.charts.frame import chart_text, framed, unit_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MOST_BINS = 40
_LEGEND_ROOM = 28


def distribution_chart(
    values: NDArray[np.floating],
    areas: NDArray[np.floating],
    *,
    label: str,
    unit: str = "",
    log: bool = False,
    height: int = 300,
) -> go.Figure:
    """Draw the distribution of a quantity of domains, weighted by number and by area.

    Parameters
    ----------
    values, areas : ndarray, shape (k,)
        Of each domain; those without a finite value are left out.
    label, unit : str
        What the quantity is called.
    log : bool
        Bins and axis are logarithmic.
    height : int
        In pixels.
    """
    import plotly.graph_objects as go

    use = np.isfinite(values) & (values > 0 if log else True)
    values, areas = np.asarray(values[use], np.float64), np.asarray(areas[use], np.float64)
    edges = bin_edges(values, log=log)
    traces = []
    name = chart_text(unit_text(label, unit))
    for color, (title, weights) in zip(
        categorical_palette(),
        {"by number": np.ones(len(values)), "by area": areas}.items(),
        strict=False,
    ):
        shares = 100 * np.histogram(values, edges, weights=weights)[0] / max(weights.sum(), 1e-300)
        share = go.Scatter(
            x=edges,
            y=np.append(shares, shares[-1:]),
            name=title,
            mode="lines",
            line={"shape": "hv", "width": 2, "color": color},
            fill="tozeroy",
            hovertemplate=f"from {name} %{{x:.4g}}: %{{y:.3g}} % {title}<extra></extra>",
        )
        traces.append(share)
    along = {"title": name, "type": "log" if log else "linear"}
    up = {"title": "share (%)", "rangemode": "tozero"}
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return framed(traces, height, x=along, y=up, top=_LEGEND_ROOM, showlegend=True, legend=legend)


def bin_edges(values: NDArray[np.floating], *, log: bool = False) -> NDArray[np.float64]:
    """Return the edges of histogram bins: as many bins as the square root of the count, 5 to 40.

    >>> bin_edges(np.array([1.0, 100.0]), log=True).round(2).tolist()
    [1.0, 2.51, 6.31, 15.85, 39.81, 100.0]
    """
    if len(values) == 0:
        return np.array([1.0, 2.0])
    low, high = float(values.min()), float(values.max())
    if not high > low:
        low, high = low * 0.9, high * 1.1 if high > 0 else 1.0
    bins = int(np.clip(np.sqrt(len(values)), 5, _MOST_BINS))
    return np.geomspace(low, high, bins + 1) if log else np.linspace(low, high, bins + 1)
