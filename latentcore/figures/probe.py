"""What a probe found, for print: confusion, ROC, calibration, and the predicted classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.probe_scores import Calibration, ProbeScores, RocCurve
from latentcore.containers import ScanGrid
from latentcore.figures._canvas import (
    aspect_of,
    draw_map,
    new_figure,
    paint,
    printed_style,
)
from latentcore.figures.colors import NAN_COLORS, categorical_rgb, cluster_palette, lut

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_WRITTEN = 26
_MOST_LISTED = 16
_MOST_NAMED = 10
_MAP_WIDTH = 4.4
_LINE, _SOFT = "#0072b2", "#999999"


def confusion_figure(scores: ProbeScores, *, title: str = "") -> Figure:
    """Draw the confusion matrix: counts, colored by the share of each label."""
    confusion = scores.confusion
    names = [one.name for one in scores.classes]
    m = len(names)
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.42 * m + 1.2, 2.6, 8.5))
    with printed_style():
        figure = new_figure(side + 0.9, side + 0.5)
        axes = figure.add_subplot()
        rgb = lut("cividis")[np.rint(255 * share).astype(np.intp)]
        axes.imshow(rgb, interpolation="nearest")
        if m <= _MOST_WRITTEN:
            for row, column in np.argwhere(confusion):
                ink = "white" if share[row, column] < 0.55 else "black"
                axes.text(
                    column,
                    row,
                    f"{confusion[row, column]}",
                    ha="center",
                    va="center",
                    fontsize=6,
                    color=ink,
                )
        axes.set_xticks(
            range(m), names, rotation=45 if m > 2 else 0, ha="right" if m > 2 else "center"
        )
        axes.set_yticks(range(m), names)
        if m > _MOST_WRITTEN:
            axes.tick_params(labelsize=4)
        axes.set(xlabel="predicted", ylabel="label", title=title)
        _share_bar(figure, axes)
    return figure


def _share_bar(figure: Figure, axes: object) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    beside = axes.inset_axes((1.03, 0.0, 0.04, 1.0))  # type: ignore[attr-defined]
    mappable = ScalarMappable(Normalize(0, 1), ListedColormap(lut("cividis") / 255.0))
    bar = figure.colorbar(mappable, cax=beside)
    bar.set_label("share of the label")
    bar.outline.set_linewidth(0.4)


def roc_figure(curves: Mapping[str, RocCurve], areas: Mapping[str, float | None]) -> Figure:
    """Draw ROC curves, each class against all others; the ten smallest areas are named."""
    order = sorted(curves, key=lambda name: areas.get(name) or 0.0)
    palette = cluster_palette(np.arange(len(order)))
    with printed_style():
        figure = new_figure(3.6, 3.5)
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=0.7, linestyle=":")
        for number, name in enumerate(order):
            curve = curves[name]
            axes.plot(
                curve.false_positive_rate, curve.true_positive_rate, color=palette[number],
                linewidth=1.1,
                label=f"{name}: {areas[name]:.3f}" if number < _MOST_NAMED else None,
            )  # fmt: skip
        axes.set(
            xlabel="false positive rate", ylabel="true positive rate", title="ROC, test samples"
        )
        axes.set_aspect("equal")
        axes.spines[["top", "right"]].set_visible(False)
        if order:
            axes.legend(title="area", loc="lower right", title_fontsize=7)
    return figure


def calibration_figure(calibration: Calibration) -> Figure:
    """Draw how often it was so over how probable the probe said it was."""
    with printed_style():
        figure = new_figure(3.6, 4.2)
        upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
        upper.plot([0, 1], [0, 1], color=_SOFT, linewidth=0.7, linestyle=":")
        upper.plot(
            calibration.predicted, calibration.observed, color=_LINE, marker="o", markersize=3.5,
            linewidth=1.1,
        )  # fmt: skip
        upper.set(ylabel="observed frequency", ylim=(-0.02, 1.02))
        upper.set_title(
            f"Calibration: expected error {calibration.error:.3f}, Brier {calibration.brier:.3f}"
        )
        lower.bar(calibration.predicted, calibration.n, width=0.06, color=_LINE)
        lower.set(xlabel=f"probability of {calibration.of}", ylabel="samples", xlim=(-0.02, 1.02))
        for axes in (upper, lower):
            axes.spines[["top", "right"]].set_visible(False)
    return figure


def prediction_map_figure(
    grid: ScanGrid,
    predicted: NDArray[np.integer],
    names: tuple[str, ...],
    *,
    title: str = "",
    colors: Sequence[str] | None = None,
    heading: str = "predicted",
    nothing: str = "no latent",
) -> Figure:
    """Draw the class of every point.

    Parameters
    ----------
    predicted : ndarray of int, shape (n,)
        −1 where there is none.
    names : tuple of str
        Of the classes.
    colors : sequence of str, optional
        ``#rrggbb`` of the classes.
    heading, nothing : str
        Of the legend, and what it calls −1.
    """
    from matplotlib.patches import Patch

    palette = cluster_palette(np.arange(len(names)), colors)
    rgb = categorical_rgb(predicted, {-1: NAN_COLORS["light"], **palette})
    present, counts = np.unique(predicted[predicted >= 0], return_counts=True)
    named = np.argsort(-counts, kind="stable")[:_MOST_LISTED]
    with printed_style():
        height = float(np.clip(_MAP_WIDTH * aspect_of(grid), 1.2, 8.0))
        figure = new_figure(_MAP_WIDTH + 2.2, height + 0.95)
        axes = figure.add_subplot()
        draw_map(axes, paint(grid, rgb))
        axes.set_title(title)
        patches = [
            Patch(
                facecolor=palette[int(present[place])],
                label=f"{names[present[place]]} (n = {int(counts[place]):,})",
            )
            for place in sorted(named.tolist())
        ]
        if (predicted < 0).any():
            patches.append(Patch(facecolor=NAN_COLORS["light"], label=nothing))
        axes.legend(
            handles=patches, loc="upper left", bbox_to_anchor=(1.01, 1.0), handlelength=1.2,
            title=heading, title_fontsize=7,
        )  # fmt: skip
    return figure
