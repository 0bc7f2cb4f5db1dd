"""Charts of rankings and of agreement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.regression import Line, least_squares
from latentcore.figures.colors import categorical_palette
from pages.charts.frame import chart_texts, color_scale, framed
from pages.charts.shared import shared

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROW, _AROUND = 24, 110
# Opaque: the ink of a cell's number is chosen by its color, whatever page lies behind it.
_PALE = "#e9eef2"
# A browser draws this many points at once without a pause.
_MOST_POINTS = 20_000


@shared
def scatter_chart(
    latent: ArrayLike,
    reference: ArrayLike,
    *,
    latent_label: str,
    reference_label: str,
    cmap: str,
    limits: tuple[float, float],
    height: int = 380,
) -> tuple[go.Figure, Line, int]:
    """Draw a reference over a latent dimension with the least-squares line.

    Parameters
    ----------
    latent, reference : array_like, shape (n,)
    cmap : str
        Colors points by their latent, as the latent map does.
    limits : tuple of float
        Of the colors.
    height : int
        In pixels.

    Returns
    -------
    figure : plotly Figure
    line : Line
        Of all finite pairs.
    shown : int
        How many points are drawn: at most 20,000, the same each time.
    """
    import plotly.graph_objects as go

    latent_label, reference_label = chart_texts((latent_label, reference_label))
    x, y = (np.asarray(values, np.float64).ravel() for values in (latent, reference))
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    line = least_squares(x, y)
    if len(rows) > _MOST_POINTS:
        rows = np.random.default_rng(0).choice(rows, _MOST_POINTS, replace=False)
    traces = [
        go.Scattergl(
            x=x[rows],
            y=y[rows],
            mode="markers",
            marker={
                "size": float(np.clip(400 / np.sqrt(max(len(rows), 1)), 3, 7)),
                "color": x[rows],
                "colorscale": color_scale(cmap),
                "cmin": limits[0],
                "cmax": limits[1],
                "opacity": 0.75,
            },
            hovertemplate=f"{latent_label} %{{x:.4g}}<br>{reference_label} %{{y:.4g}}"
            "<extra></extra>",
        )
    ]
    if np.isfinite(line.slope):
        # Of the same kind as the points: a line of the other would lie below them.
        fit = go.Scattergl(
            x=np.array(line.x),
            y=line.at(line.x),
            mode="lines",
            line={"color": categorical_palette()[4], "width": 3},
            hoverinfo="skip",
        )
        traces.append(fit)
    along = {"title": latent_label, "exponentformat": "e"}
    return framed(traces, height, x=along, y={"title": reference_label}), line, len(rows)


@shared
def ranks_chart(
    dims: ArrayLike, ranks: NDArray[np.floating], metrics: Sequence[str], n_dims: int
) -> go.Figure:
    """Draw the rank of dimensions by each metric: the darker the nearer the top.

    Parameters
    ----------
    dims : array_like of int, shape (t,)
    ranks : ndarray, shape (t, metrics)
        NaN where there is none.
    metrics : sequence of str
        What they are called.
    n_dims : int
        How many dimensions were ranked.
    """
    import plotly.graph_objects as go

    names = [f"latent {dim}" for dim in np.asarray(dims).tolist()]
    text = np.where(np.isnan(ranks), "–", np.char.mod("%.0f", np.nan_to_num(ranks)))
    trace = go.Heatmap(
        # The ratio of ranks is what counts: 1 and 5 differ more than 101 and 105.
        z=np.log(ranks),
        zmin=0.0,
        zmax=float(np.log(max(n_dims, 2))),
        x=list(metrics),
        y=names,
        text=text,
        texttemplate="%{text}",
        colorscale=color_scale("cividis"),
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="%{y}<br>%{x}: rank %{text}<extra></extra>",
    )
    return _table_layout(trace, len(names))


@shared
def likeness_chart(likeness: NDArray[np.floating], metrics: Sequence[str]) -> go.Figure:
    """Draw how alike the rankings of each two metrics are, −1 … 1."""
    import plotly.graph_objects as go

    blue, orange = categorical_palette()[0], categorical_palette()[4]
    trace = go.Heatmap(
        z=likeness,
        zmin=-1,
        zmax=1,
        x=list(metrics),
        y=list(metrics),
        texttemplate="%{z:.2f}",
        colorscale=[[0, orange], [0.5, _PALE], [1, blue]],
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
    )
    return _table_layout(trace, len(metrics))


@shared
def table_chart(
    table: NDArray[np.integer],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_label: str,
    column_label: str,
) -> go.Figure:
    """Draw a contingency table, each cell shaded by its share of its row."""
    import plotly.graph_objects as go

    row_label, column_label = chart_texts((row_label, column_label))
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    trace = go.Heatmap(
        z=100 * share,
        zmin=0,
        zmax=100,
        x=chart_texts(columns),
        y=chart_texts(rows),
        text=np.char.mod("%d", table),
        texttemplate="%{text}",
        colorscale=[[0, _PALE], [1, categorical_palette()[0]]],
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate=f"{row_label} %{{y}}, {column_label} %{{x}}<br>%{{text}} points, "
        "%{z:.1f} % of the row<extra></extra>",
    )
    return _table_layout(trace, len(rows), x=column_label, y=row_label)


def _table_layout(trace: Any, rows: int, *, x: str = "", y: str = "") -> go.Figure:
    plain = {"type": "category", "showgrid": False}
    across = {"title": x, "side": "bottom", **plain}
    down = {"title": y, "autorange": "reversed", **plain}
    return framed([trace], _AROUND + _ROW * max(rows, 3), x=across, y=down)
