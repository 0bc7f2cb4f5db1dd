"""The histogram of a map of pattern quality, and its profile along a line, for print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentcore.figures._canvas import new_figure, printed_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ALL, _KEPT, _LIMIT = "#b9b4ac", "#0072b2", "#d55e00"


def histogram_figure(
    counts: pd.DataFrame, *, label: str, limits: tuple[float | None, ...] = ()
) -> Figure:
    """Draw how values are distributed, and the part of them that is kept.

    Parameters
    ----------
    counts : DataFrame
        low, high, n, n_kept, as `latentcore.analysis.quality_map.histogram` gives it.
    label : str
        Of the values, with unit.
    limits : tuple of float or None
        Thresholds, drawn as lines.
    """
    with printed_style():
        figure = new_figure(5.2, 2.8)
        axes = figure.subplots()
        edges = [*counts["low"], counts["high"].iloc[-1]]
        for name, color in (("n", _ALL), ("n_kept", _KEPT)):
            said = f"{'kept' if name == 'n_kept' else 'all'} (n = {counts[name].sum():,})"
            axes.stairs(counts[name], edges, fill=True, color=color, label=said)
        for limit in limits:
            if limit is not None:
                axes.axvline(limit, color=_LIMIT, linewidth=1, linestyle="--")
        axes.set(xlabel=label, ylabel="points")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend()
    return figure


def profile_figure(
    place: NDArray[np.float64],
    values: NDArray[np.floating],
    kept: NDArray[np.bool_],
    *,
    place_label: str,
    label: str,
    title: str,
    limits: tuple[float | None, ...] = (),
) -> Figure:
    """Draw values along a line of the scan; those that are kept are marked.

    Parameters
    ----------
    place, values, kept : ndarray, shape (m,)
    """
    with printed_style():
        figure = new_figure(5.2, 2.4)
        axes = figure.subplots()
        axes.plot(place, values, color=_ALL, linewidth=0.8)
        axes.plot(place[kept], values[kept], ".", color=_KEPT, markersize=2.5, label="kept")
        for limit in limits:
            if limit is not None:
                axes.axhline(limit, color=_LIMIT, linewidth=1, linestyle="--")
        axes.set(xlabel=place_label, ylabel=label, title=title)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend()
    return figure
