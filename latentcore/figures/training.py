"""Figures of a training: the loss curve, and patterns beside their reconstructions, for print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.errors import ShapeError
from latentcore.figures._canvas import new_figure, printed_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_TERMS = ("reconstruction", "kl", "total")
_LABELS = ("squared error per pixel", "KL per dimension (nats)", "loss")
_COLORS = {"train": "#0072b2", "held-out": "#d55e00"}
_SIDE = 0.95
_QUANTILES = (0.01, 0.99)


def loss_figure(losses: pd.DataFrame, *, best_epoch: int) -> Figure:
    """Draw reconstruction, KL and total loss over the epochs, trained and held out.

    Parameters
    ----------
    losses : DataFrame
        A row per epoch and split, as ``loss.csv``: epoch, split, reconstruction, kl, total.
    best_epoch : int
        Marked by a line.
    """
    with printed_style():
        figure = new_figure(7.2, 2.4)
        for axes, term, label in zip(figure.subplots(1, 3), _TERMS, _LABELS, strict=True):
            for split, color in _COLORS.items():
                rows = losses[losses["split"] == split]
                if rows.empty:  # without points held out
                    continue
                axes.plot(
                    rows["epoch"], rows[term], color=color, linewidth=1.1, label=split,
                    marker=".", markersize=3,
                )  # fmt: skip
            axes.axvline(best_epoch, color="#999999", linewidth=0.7, linestyle=":")
            axes.set(xlabel="epoch", title=label)
            if (losses[term] > 0).all():
                axes.set_yscale("log")
            axes.spines[["top", "right"]].set_visible(False)
        figure.axes[0].legend()
        figure.axes[2].annotate(
            f"best: {best_epoch}", (best_epoch, 1), xycoords=("data", "axes fraction"),
            fontsize=6, color="#666666", ha="right", va="top", rotation=90,
        )  # fmt: skip
    return figure


def pattern_rows_figure(
    rows: Sequence[tuple[str, NDArray[np.floating]]], titles: Sequence[str]
) -> Figure:
    """Draw rows of patterns: inputs, reconstructions, residuals.

    Parameters
    ----------
    rows : sequence of (str, ndarray of shape (k, C, H, W))
        Name and patterns of each row. A row called "residual" is colored about zero and shares
        one scale; the others share theirs.
    titles : sequence of str
        Of the k columns.

    Raises
    ------
    ShapeError
        If a row has another number of patterns than there are titles.
    """
    k = len(titles)
    for name, patterns in rows:
        if len(patterns) != k:
            message = f"The row {name!r} has {len(patterns)} patterns for {k} titles."
            raise ShapeError(message)
    plain = [patterns for name, patterns in rows if name != "residual"]
    low, high = _limits(plain)
    with printed_style():
        figure = new_figure(_SIDE * k + 0.5, _SIDE * len(rows) + 0.35)
        grid = figure.subplots(len(rows), k, squeeze=False)
        for line, (name, patterns) in zip(grid, rows, strict=True):
            residual = name == "residual"
            most = max(abs(bound) for bound in _limits([patterns])) if residual else high
            for axes, pattern in zip(line, patterns, strict=True):
                axes.imshow(
                    pattern.mean(axis=0), cmap="RdBu_r" if residual else "gray",
                    vmin=-most if residual else low, vmax=most, interpolation="nearest",
                )  # fmt: skip
                axes.set(xticks=[], yticks=[])
            line[0].set_ylabel(name)
        for axes, title in zip(grid[0], titles, strict=True):
            axes.set_title(title, fontsize=6, loc="center")
    return figure


def _limits(parts: Sequence[NDArray[np.floating]]) -> tuple[float, float]:
    values = np.concatenate([part.ravel() for part in parts])
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return -1.0, 1.0
    low, high = (float(bound) for bound in np.quantile(values, _QUANTILES))
    return (low, high) if high > low else (low - 0.5, high + 0.5)
