"""Cross-validated probes, for print: scores over folds with intervals, and learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentcore.analysis.probe_validation import METRICS, Chance, CurvePoint, FoldScores, Interval
from latentcore.figures._canvas import new_figure, printed_style
from latentcore.figures.colors import cluster_palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "roc_auc": "ROC area",
}
_SOFT = "#999999"
_MOST_TITLE = 40


def validation_figure(
    titles: Sequence[str],
    folds: Sequence[Sequence[FoldScores]],
    summaries: Sequence[Mapping[str, Interval]],
    chance: Chance | None = None,
) -> Figure:
    """Draw each fold's scores, their mean and its 95 % interval, a panel per score.

    Parameters
    ----------
    titles : sequence of str
        Of the probes.
    folds, summaries : sequence
        Their scores per fold, and over the folds.
    chance : Chance, optional
        Of the first; its mean and 95 % quantile are drawn as lines.
    """
    metrics = [metric for metric in METRICS if any(metric in one for one in summaries)]
    palette = cluster_palette(np.arange(len(titles)))
    with printed_style():
        figure = new_figure(6.8, 1.1 + 0.34 * len(titles))
        panels: Any = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, metric in zip(panels, metrics, strict=True):
            for place, (scores, summary) in enumerate(zip(folds, summaries, strict=True)):
                values = [one.scores[metric] for one in scores if one.scores[metric] is not None]
                axes.scatter(values, np.full(len(values), place), s=9, color=_SOFT, linewidths=0)
                if metric in summary:
                    _mean(axes, summary[metric], place, palette[place])
            if chance is not None and metric in chance.mean:
                axes.axvline(chance.mean[metric], color=_SOFT, linewidth=0.7, linestyle=":")
                axes.axvline(chance.upper[metric], color=_SOFT, linewidth=0.7, linestyle="--")
            axes.set_title(_NAMES[metric])
            axes.spines[["top", "right"]].set_visible(False)
        names = [one if len(one) <= _MOST_TITLE else f"{one[: _MOST_TITLE - 1]}…" for one in titles]
        panels[0].set_yticks(range(len(titles)), names)
        panels[0].set_ylim(len(titles) - 0.5, -0.5)
        said = "folds (grey), mean and 95 % interval"
        if chance is not None:
            said += f"; {chance.times} exchanges of labels: mean (dotted), 95 % quantile (dashed)"
        figure.supxlabel(said, fontsize=7)
    return figure


def curve_figure(curves: Mapping[str, Sequence[CurvePoint]]) -> Figure:
    """Draw learning curves: mean accuracy with its 95 % interval over the training samples."""
    palette = cluster_palette(np.arange(len(curves)))
    with printed_style():
        figure = new_figure(4.2, 3.2)
        axes = figure.add_subplot()
        for place, (name, points) in enumerate(curves.items()):
            n = [point.n_train for point in points]
            known = [point.summary["accuracy"] for point in points]
            low, high = (
                np.array([getattr(one, side) for one in known]) for side in ("low", "high")
            )
            axes.plot(
                n, [one.mean for one in known], color=palette[place], marker="o", markersize=3,
                linewidth=1.1, label=name,
            )  # fmt: skip
            axes.fill_between(n, low, high, color=palette[place], alpha=0.15, linewidth=0)
        axes.set(xscale="log", xlabel="training samples", ylabel="accuracy", title="Learning curve")
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.legend(loc="lower right")
    return figure


def _mean(axes: Any, value: Interval, place: int, color: str) -> None:
    if np.isfinite(value.low):
        axes.plot([value.low, value.high], [place, place], color=color, linewidth=1.4)
    axes.plot([value.mean], [place], color=color, marker="o", markersize=5)
