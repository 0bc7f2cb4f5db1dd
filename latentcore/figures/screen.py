"""Small interactive charts of a clustering, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.statistics import ClusterShare
from latentcore.figures.colors import categorical_palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["criterion_chart", "shares_chart"]

# Between black and white, so that either page shows it; 4.5:1 against white and near-black alike.
_TEXT = "#767f87"
_GRID = "rgba(128,128,128,0.25)"
_ROW = 26
_MARGIN = {"l": 8, "r": 8, "t": 28, "b": 8, "pad": 2}
_AXIS: dict[str, Any] = {"gridcolor": _GRID, "zeroline": False, "automargin": True}


def criterion_chart(
    by_k: Mapping[int, float], criterion: str, chosen: int, *, height: int = 220
) -> go.Figure:
    """Draw an information criterion over the number of clusters; lower is better.

    Parameters
    ----------
    criterion : str
        ``"bic"`` or ``"aic"``.
    chosen : int
        The k that was taken, marked.
    height : int
        In pixels.
    """
    import plotly.graph_objects as go

    k = np.array(sorted(by_k))
    values = np.array([by_k[each] for each in k.tolist()])
    blue, orange = categorical_palette()[5], categorical_palette()[1]
    figure = go.Figure(
        go.Scatter(
            x=k,
            y=values,
            mode="lines+markers",
            line={"color": blue, "width": 2},
            marker={
                "size": np.where(k == chosen, 12, 6),
                "color": np.where(k == chosen, orange, blue),
            },
            hovertemplate=f"k %{{x}}<br>{criterion.upper()} %{{y:.6g}}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="clusters k", dtick=1)
    figure.update_yaxes(title_text=criterion.upper())
    return _plain(figure, f"{criterion.upper()}: k = {chosen} is lowest", height)


def shares_chart(
    shares: Sequence[ClusterShare], palette: Mapping[int, str], *, title: str = ""
) -> go.Figure:
    """Draw each cluster's part of a selection, in the cluster's color.

    Parameters
    ----------
    palette : Mapping of int to str
        See `latentcore.figures.colors.cluster_palette`.
    """
    import plotly.graph_objects as go

    counts = np.array([share.n for share in shares])
    figure = go.Figure(
        go.Bar(
            x=np.array([100 * share.of_selection for share in shares]),
            y=np.array([_name(share.label) for share in shares]),
            orientation="h",
            marker_color=np.array([palette[share.label] for share in shares]),
            customdata=np.column_stack([counts, [100 * share.of_cluster for share in shares]]),
            hovertemplate="%{y}: %{x:.1f} % of the selection<br>n = %{customdata[0]:,.0f}, "
            "%{customdata[1]:.1f} % of the cluster<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="share of the selection (%)", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", type="category")
    return _plain(figure, title, 90 + _ROW * len(shares))


def _name(label: int) -> str:
    return "noise" if label < 0 else f"cluster {label}"


def _plain(figure: go.Figure, title: str, height: int) -> go.Figure:
    figure.update_xaxes(**_AXIS)
    figure.update_yaxes(**_AXIS)
    figure.update_layout(
        title={"text": title, "font": {"size": 13}, "x": 0, "xref": "container", "xanchor": "left"},
        height=height,
        margin=_MARGIN,
        showlegend=False,
        font={"color": _TEXT, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure
