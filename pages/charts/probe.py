"""Charts of a probe, from its report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.figures.colors import cluster_palette
from pages.charts.frame import chart_text, chart_texts, color_scale, framed

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Between black and white, so that either page shows it; 4.5:1 against white and near-black.
_DIAGONAL = "#767f87"
_MOST_WRITTEN = 20
_MOST_TICKS = 12
_MOST_NAMED = 10
_LINE = "#0072b2"


def confusion_chart(
    confusion: Sequence[Sequence[int]], names: Sequence[str], *, height: int = 380
) -> go.Figure:
    """Draw a confusion matrix: counts, colored by the share of each label.

    Parameters
    ----------
    confusion : sequence, shape (m, m)
        Rows are the labels, columns what was predicted.
    height : int
        In pixels.
    """
    import plotly.graph_objects as go

    counts = np.asarray(confusion)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    text = np.where(counts > 0, counts.astype(str), "")
    trace = go.Heatmap(
        z=share,
        zmin=0,
        zmax=1,
        customdata=counts,
        text=text if len(names) <= _MOST_WRITTEN else None,
        texttemplate="%{text}" if len(names) <= _MOST_WRITTEN else None,
        x=list(range(len(names))),
        y=list(range(len(names))),
        colorscale=color_scale("cividis"),
        colorbar={"title": {"text": "share"}, "thickness": 12, "outlinewidth": 0},
        hovertemplate="label %{y}, predicted %{x}<br>%{customdata:,} samples, "
        "%{z:.1%} of the label<extra></extra>",
    )
    every = max(1, math.ceil(len(names) / _MOST_TICKS))
    ticks: dict[str, Any] = {
        "tickvals": list(range(0, len(names), every)),
        "ticktext": chart_texts(names)[::every],
        "showgrid": False,
        "constrain": "domain",
    }
    x = {"title": "predicted", **ticks}
    y = {"title": "label", "autorange": "reversed", "scaleanchor": "x", **ticks}
    return framed([trace], height, x=x, y=y, title="Confusion")


def roc_chart(
    curves: Mapping[str, Mapping[str, Sequence[float]]],
    areas: Mapping[str, float | None],
    *,
    height: int = 380,
) -> go.Figure:
    """Draw ROC curves, each class against all others; the ten smallest areas are named.

    Parameters
    ----------
    curves : Mapping
        Class → its ``false_positive_rate`` and ``true_positive_rate``.
    """
    import plotly.graph_objects as go

    traces = [_diagonal()]
    order = sorted(curves, key=lambda name: areas.get(name) or 0.0)
    palette = cluster_palette(np.arange(len(order)))
    for number, name in enumerate(order):
        area, shown = areas.get(name), chart_text(name)
        curve = go.Scatter(
            x=np.array(curves[name]["false_positive_rate"]),
            y=np.array(curves[name]["true_positive_rate"]),
            mode="lines",
            name=f"{shown}: {area:.3f}" if area is not None else shown,
            line={"color": palette[number], "width": 2},
            showlegend=number < _MOST_NAMED,
            hovertemplate=f"{shown}<br>false %{{x:.3f}}, true %{{y:.3f}}<extra></extra>",
        )
        traces.append(curve)
    x = {"title": "false positive rate", "range": [-0.02, 1.02]}
    y = {"title": "true positive rate", "range": [-0.02, 1.02]}
    title = "ROC of the test samples, with areas"
    return framed(traces, height, x=x, y=y, title=title, showlegend=True)


def calibration_chart(calibration: Mapping[str, Any], *, height: int = 380) -> go.Figure:
    """Draw how often it was so over how probable the probe said it was.

    Parameters
    ----------
    calibration : Mapping
        ``of``, ``predicted``, ``observed``, ``n``, ``error`` and ``brier`` of the report.
    """
    import plotly.graph_objects as go

    n = np.array(calibration["n"], np.float64)
    curve = go.Scatter(
        x=np.array(calibration["predicted"]),
        y=np.array(calibration["observed"]),
        mode="lines+markers",
        line={"color": _LINE, "width": 2},
        # By area, so that a bin of ten samples doesn't look like one of ten thousand.
        marker={"size": 6 + 16 * np.sqrt(n / max(n.max(initial=1), 1))},
        customdata=n,
        hovertemplate="said %{x:.3f}, was %{y:.3f}<br>%{customdata:,.0f} samples<extra></extra>",
        showlegend=False,
    )
    of = chart_text(str(calibration["of"]))
    x = {"title": f"probability of {of}", "range": [-0.04, 1.04]}
    y = {"title": "observed frequency", "range": [-0.04, 1.04]}
    title = (
        f"Calibration: expected error {calibration['error']:.3f}, Brier {calibration['brier']:.3f}"
    )
    return framed([_diagonal(), curve], height, x=x, y=y, title=title)


def learning_curve_chart(
    points: Sequence[Mapping[str, Any]], title: str, *, height: int = 320
) -> go.Figure:
    """Draw mean accuracy with its interval of 95 % over the training samples.

    Parameters
    ----------
    points : sequence of Mapping
        ``learning_curve`` of the report.
    """
    import plotly.graph_objects as go

    n = np.array([point["n_train"] for point in points])
    mean, low, high = (
        np.array([point["summary"]["accuracy"][part] for point in points], np.float64)
        for part in ("mean", "low", "high")
    )
    curve = go.Scatter(
        x=n,
        y=mean,
        error_y={"array": high - mean, "arrayminus": mean - low, "thickness": 1, "width": 4},
        mode="lines+markers",
        line={"color": _LINE, "width": 2},
        hovertemplate="%{x:,.0f} training samples<br>accuracy %{y:.3f}<extra></extra>",
        showlegend=False,
    )
    x, y = {"title": "training samples", "type": "log"}, {"title": "accuracy"}
    return framed([curve], height, x=x, y=y, title=f"Learning curve, {chart_text(title)}")


def _diagonal() -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": _DIAGONAL, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
