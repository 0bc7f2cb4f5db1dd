"""What every chart shares: its frame, its color scales, and how text of files stands in it.

Plotly reads tags and entities in titles, labels and hover texts (a link is a link there), and in
its templates ``%{...}`` as a value: `chart_text` writes them so that they are shown as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.figures.colors import lut

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SIGNS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "{": "&#123;", "\n": " "})
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8, "pad": 0}
_TITLE_ROOM = 34
_AXIS = {"zeroline": False, "automargin": True}


def chart_text(text: str) -> str:
    """Return text that a chart shows letter by letter.

    >>> chart_text("a<b>{x}")
    'a&lt;b&gt;&#123;x}'
    """
    return text.translate(_SIGNS)


def chart_texts(texts: Iterable[str]) -> list[str]:
    """Return several, in their order."""
    return [chart_text(text) for text in texts]


def unit_text(name: str, unit: str) -> str:
    """Return a name with its unit in parentheses, where there is one."""
    return f"{name} ({unit})" if unit else name


@lru_cache(maxsize=16)
def color_scale(colors: str) -> list[tuple[float, str]]:
    """Return a color map as plotly wants it: the same colors as in files.

    Plotly checks each entry whenever it meets the scale. It draws straight lines between them, so
    that only those stay without which a color would be half a level off.
    """
    table = lut(colors)
    entries = [0]
    while entries[-1] < len(table) - 1:
        ends = range(len(table) - 1, entries[-1], -1)
        entries.append(next(end for end in ends if _is_straight(table[entries[-1] : end + 1])))
    return [(entry / (len(table) - 1), "rgb({},{},{})".format(*table[entry])) for entry in entries]


def _is_straight(colors: NDArray[np.uint8]) -> bool:
    """Tell whether all colors, shape (n, 3), lie within half a level of those on a line."""
    line = np.linspace(colors[0], colors[-1], len(colors))
    return bool(np.abs(line - colors).max() <= 0.5)


def framed(
    traces: Sequence[Any],
    height: int,
    *,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    title: str = "",
    top: int | None = None,
    **layout: Any,
) -> go.Figure:
    """Make a chart in the frame that all have: narrow margins, no lines at zero, no legend.

    Made at once: changing an axis of a figure takes as long as making all of it.

    Parameters
    ----------
    traces : sequence
        Of plotly, drawn one over the other.
    height : int
        In pixels.
    x, y : Mapping
        The axes, as plotly calls their parts, but for ``title``: its text alone.
    title : str
        Ready to be shown, as those of the axes: see `chart_text`.
    top : int, optional
        Room above, in pixels.
    **layout
        Of plotly, where this chart differs.
    """
    import plotly.graph_objects as go

    axes = {"xaxis": _axis(**x), "yaxis": _axis(**y)}
    return go.Figure(traces, {**frame(height, title=title, top=top), **axes, **layout})


def frame(height: int, *, title: str = "", top: int | None = None) -> dict[str, Any]:
    """Return the layout of `framed` without its axes."""
    room = top or (_TITLE_ROOM if title else _MARGIN["t"])
    return {
        "height": height,
        "margin": {**_MARGIN, "t": room},
        "title": {"text": title, "font": {"size": 14}} if title else None,
        "showlegend": False,
    }


def line_at(*, x: float | None = None, y: float | None = None, **look: Any) -> dict[str, Any]:
    """Return a line across the chart, as one of plotly's ``shapes``; `look` is its ``line``."""
    place = {"xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y}
    if y is None:
        place = {"xref": "x", "x0": x, "x1": x, "yref": "y domain", "y0": 0, "y1": 1}
    return {"type": "line", **place, "line": look}


def _axis(*, title: str = "", **more: Any) -> dict[str, Any]:
    return {**_AXIS, "title": {"text": title} if title else None, **more}


def draw(figure: go.Figure, *, key: str, alt: str) -> None:
    """Put a chart on the page; `alt` describes it to those who can't see it."""
    st.plotly_chart(figure, key=key, config={"displaylogo": False}, alt=alt)
