"""Loss curves and bars of latent dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pages.charts.frame import frame, framed, line_at
from pages.frame.theme import Tones

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LOSSES = {
    # In two lines, so that three are side by side on a narrow page.
    "reconstruction": "reconstruction<br>(sq. error per pixel)",
    "kl": "KL<br>(nats per dim.)",
    "total": "total",
}
# Beyond this ratio the first epochs would press all others onto the axis.
_WIDE = 8.0
_MOST_TICKS = 6
_TITLES_ROOM = 66


def loss_chart(
    table: pd.DataFrame,
    tones: Tones,
    *,
    best_epoch: int | None = None,
    epochs: int | None = None,
    height: int = 270,
) -> go.Figure:
    """Draw each loss over the epochs, of the points trained on and of those held out.

    Parameters
    ----------
    table : DataFrame
        Columns ``epoch``, ``split`` (train, held-out), ``reconstruction``, ``kl``, ``total``.
    best_epoch : int, optional
        Gets a line.
    epochs : int, optional
        That there will be: how far the axis goes.
    height : int
        In pixels.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(1, len(_LOSSES), subplot_titles=list(_LOSSES.values()))
    looks = (("train", "training", tones.soft), ("held-out", "held out", tones.accent))
    for column, name in enumerate(_LOSSES, start=1):
        for split, title, color in looks:
            part = table[table["split"] == split]
            figure.add_scatter(
                x=part["epoch"],
                y=part[name],
                row=1,
                col=column,
                name=title,
                legendgroup=split,
                showlegend=column == 1,
                mode="lines+markers",
                line={"color": color, "width": 2},
                marker={"size": 5 if len(part) < 30 else 2},
                hovertemplate=f"epoch %{{x}}<br>{title} %{{y:.4g}}<extra></extra>",
            )
        if best_epoch is not None:
            figure.add_vline(
                x=best_epoch, row=1, col=column, line={"color": tones.line, "dash": "dot"}
            )
        if _spans_widely(table[name]):
            figure.update_yaxes(type="log", row=1, col=column)
    figure.update_annotations(font={"size": 12.5})
    last = max(1, int(table["epoch"].max()) if epochs is None else epochs)
    margin = 0.04 * last
    # Whole epochs only: 1, 2, 5, 10, 20, … of them.
    steps = (digit * 10**power for power in range(9) for digit in (1, 2, 5))
    step = next(step for step in steps if last <= _MOST_TICKS * step)
    axes = {"zeroline": False, "automargin": True}
    figure.update_xaxes(
        title_text="epoch", range=[-margin, last + margin], tick0=0, dtick=step, **axes
    )
    figure.update_yaxes(**axes)
    legend = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.45}
    return figure.update_layout(
        {**frame(height, top=_TITLES_ROOM), "showlegend": True, "legend": legend}
    )


def dimensions_chart(
    values: Sequence[float],
    tones: Tones,
    *,
    title: str,
    dims: Sequence[int] | None = None,
    line: float | None = None,
    height: int = 220,
) -> go.Figure:
    """Draw one bar per latent dimension; those not above a line stand back.

    Parameters
    ----------
    title : str
        What is drawn, with its unit.
    dims : sequence of int, optional
        The dimensions' numbers, if they don't count from 0.
    line : float, optional
        Up to here a dimension carries nothing.
    height : int
        In pixels.
    """
    import plotly.graph_objects as go

    heights = np.asarray(values, np.float64)
    carries = np.ones(len(heights), np.bool_) if line is None else heights > line
    numbers = range(len(heights)) if dims is None else dims
    bars = go.Bar(
        x=[str(number) for number in numbers],
        y=heights,
        marker={"color": np.where(carries, tones.line, tones.soft), "line": {"width": 0}},
        hovertemplate=f"latent %{{x}}<br>{title} %{{y:.3g}}<extra></extra>",
    )
    limit = [] if line is None else [line_at(y=line, color=tones.accent, width=1, dash="dot")]
    # As categories: a chosen dimension keeps its number, and no gap opens for those not chosen.
    along = {"title": "latent dimension", "type": "category", "nticks": 16}
    up = {"title": title, "rangemode": "tozero"}
    return framed([bars], height, x=along, y=up, bargap=0.2, shapes=limit)


def _spans_widely(values: pd.Series[float]) -> bool:
    low, high = float(values.min()), float(values.max())
    return low > 0 and high / low > _WIDE
