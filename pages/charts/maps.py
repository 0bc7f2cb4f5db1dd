"""Charts of maps: y downwards, equal aspect, NaN in its own color, values where you point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.latent_maps import robust_limits
from latentcore.containers import ScanGrid
from latentcore.figures.colors import cluster_palette, is_diverging
from pages.charts.frame import chart_text, chart_texts, color_scale, framed, line_at, unit_text
from pages.charts.shared import shared
from pages.frame.theme import Tones

if TYPE_CHECKING:
    import plotly.graph_objects as go

# A browser draws this many cells at once without a pause.
MOST_CELLS = 300_000
_HEIGHT = 430
_MOST_TICKS = 12
_COLOR_BAR = {"thickness": 12, "outlinewidth": 0, "len": 1}
# Of the chart's height: no longer than the map where a column is narrower than was thought.
_SHORT = 0.75
# What axis labels, color bar and title take of a chart, in pixels.
_BESIDE = 145
_ABOVE_AND_BELOW = 92


@shared
def map_chart(
    values: NDArray[np.floating],
    grid: ScanGrid,
    tones: Tones,
    *,
    name: str,
    unit: str = "",
    colors: str = "grey",
    limits: tuple[float, float] | None = None,
    dropped: NDArray[np.bool_] | None = None,
    row: int | None = None,
    exponents: str | None = None,
    height: int = _HEIGHT,
) -> go.Figure:
    """Draw one map.

    Parameters
    ----------
    values : ndarray, shape (n,)
    colors : str
        One of `latentcore.figures.colors.COLORMAPS`.
    limits : tuple of float, optional
        Ends of the color bar; the 2 % and 98 % quantiles if not given, symmetric about zero where
        the color map's middle means zero.
    dropped : ndarray of bool, shape (n,), optional
        Points to veil.
    row : int, optional
        Row of the grid to mark.
    exponents : str, optional
        Plotly's ``exponentformat`` of the color bar.
    height : int
        In pixels.
    """
    import plotly.graph_objects as go

    name, unit = chart_texts((name, unit))
    low, high = limits or _limits_for(colors, values)
    field, axes = _cells(grid, values.astype(np.float32))
    traces = [
        go.Heatmap(
            z=field,
            zmin=low,
            zmax=high,
            colorscale=color_scale(colors),
            colorbar={
                **_COLOR_BAR,
                "title": {"text": unit},
                "exponentformat": exponents,
                "len": _SHORT,
            },
            hovertemplate=f"{_place(grid)}<br>{name} %{{z:.6g}}<extra></extra>",
            **axes,
        )
    ]
    if dropped is not None and dropped.any():
        veil, _ = _cells(grid, np.where(dropped, 1.0, np.nan))
        traces.append(
            go.Heatmap(
                z=np.isfinite(veil).astype(np.uint8),
                zmin=0,
                zmax=1,
                colorscale=[[0, "rgba(0,0,0,0)"], [1, tones.veil]],
                showscale=False,
                hoverinfo="skip",
                **axes,
            )
        )
    shapes = []
    if row is not None:
        y = grid.origin[1] + row * grid.step[1]
        shapes = [line_at(y=y, color=tones.accent, width=1.5)]
    return _frame(traces, grid, tones, name, height, shapes=shapes)


def categories_chart(
    values: NDArray[np.floating],
    grid: ScanGrid,
    tones: Tones,
    *,
    name: str,
    names: Mapping[int, str],
    height: int = _HEIGHT,
) -> go.Figure:
    """Draw a map of categories, its color bar naming each."""
    import plotly.graph_objects as go

    name = chart_text(name)
    finite = values[np.isfinite(values)]
    numbers = sorted({*map(int, np.unique(finite).tolist())})
    place = np.searchsorted(numbers, np.where(np.isfinite(values), values, 0)).astype(np.float32)
    place[~np.isfinite(values)] = np.nan
    palette = cluster_palette(numbers)
    texts = np.array(chart_texts(names.get(number, str(number)) for number in numbers) or [""])
    every = max(1, round(len(numbers) / _MOST_TICKS))
    field, axes = _cells(grid, place)
    steps = _stepped([palette[number] for number in numbers] or [tones.nothing])
    trace = go.Heatmap(
        z=field,
        zmin=-0.5,
        zmax=max(len(numbers), 1) - 0.5,
        colorscale=steps,
        colorbar={
            "tickvals": list(range(0, len(numbers), every)),
            "ticktext": texts[::every].tolist(),
            **_COLOR_BAR,
        },
        text=texts[np.nan_to_num(field).astype(np.intp)],
        hovertemplate=f"{_place(grid)}<br>{name} %{{text}}<extra></extra>",
        **axes,
    )
    return _frame([trace], grid, tones, name, height)


@shared
def colors_chart(
    colors: NDArray[np.floating],
    grid: ScanGrid,
    tones: Tones,
    *,
    name: str,
    channels: Sequence[str] = (),
    height: int = _HEIGHT,
) -> go.Figure:
    """Draw a map of points that have a color each; without one they are empty.

    Parameters
    ----------
    colors : ndarray, shape (n, 3)
        Red, green and blue, 0–1; NaN where there is none.
    channels : sequence of str, optional
        What red, green and blue stand for: shown where one points, and in the title.
    """
    import plotly.graph_objects as go

    name, channels = chart_text(name), chart_texts(channels)
    field, axes = _cells(grid, np.asarray(colors, np.float32))
    present = np.isfinite(field).all(axis=-1)
    picture = np.zeros((*present.shape, 4), np.uint8)
    picture[present, :3] = np.rint(255 * field[present])
    picture[present, 3] = 255
    shown = [f"{channel} %{{z[{n}]}}/255" for n, channel in enumerate(channels)] or [name]
    hover = f"{_place(grid)}<br>{'<br>'.join(shown)}<extra></extra>"
    trace = go.Image(z=picture, colormodel="rgba256", hovertemplate=hover, **axes)
    named = zip(channels, ("red", "green", "blue"), strict=False)
    title = ", ".join(" ".join(pair) for pair in named) or name
    return _frame([trace], grid, tones, title, height)


@shared
def grid_chart(
    grid: ScanGrid,
    tones: Tones,
    *,
    backdrop: NDArray[np.floating] | None = None,
    marked: NDArray[np.integer] | None = None,
    height: int = _HEIGHT,
) -> go.Figure:
    """Draw where the scan has points, and number some of them.

    Parameters
    ----------
    backdrop : ndarray, shape (n,), optional
        Values to draw in gray; else all points look alike.
    marked : ndarray of int, shape (m,), optional
        Rows to number from 1.
    """
    import plotly.graph_objects as go

    values = np.ones(len(grid), np.float32) if backdrop is None else backdrop
    low, high = (0.0, 1.4) if backdrop is None else _limits_for("grey", values)
    field, axes = _cells(grid, values)
    traces = [
        go.Heatmap(
            z=field,
            zmin=low,
            zmax=high,
            colorscale=color_scale("grey"),
            showscale=False,
            hovertemplate=f"{_place(grid)}<extra></extra>",
            **axes,
        )
    ]
    if marked is not None:
        numbers = go.Scatter(
            x=grid.x[marked],
            y=grid.y[marked],
            text=[str(number + 1) for number in range(len(marked))],
            mode="markers+text",
            marker={
                "size": 19,
                "color": tones.accent,
                "line": {"color": tones.on_accent, "width": 1.5},
            },
            textfont={"size": 10.5, "color": tones.on_accent, "weight": 700},
            hovertemplate="pattern %{text}: x %{x}, y %{y}<extra></extra>",
            showlegend=False,
        )
        traces.append(numbers)
    return _frame(traces, grid, tones, "", height)


@shared
def histogram_chart(
    values: NDArray[np.floating],
    tones: Tones,
    *,
    name: str,
    unit: str = "",
    threshold: float | None = None,
    height: int = 300,
) -> go.Figure:
    """Draw how often each value occurs; what a threshold drops stands back."""
    import plotly.graph_objects as go

    name, unit = chart_texts((name, unit))
    finite = values[np.isfinite(values)].astype(np.float64)
    edges = _edges(finite)
    counts, _ = np.histogram(finite, edges)
    centers = (edges[:-1] + edges[1:]) / 2
    # A bin that the threshold cuts is counted as kept: only whole bins stand back.
    kept = np.ones(len(centers), np.bool_) if threshold is None else edges[1:] > threshold
    bars = go.Bar(
        x=centers,
        y=counts,
        width=np.diff(edges),
        marker={"color": np.where(kept, tones.line, tones.soft), "line": {"width": 0}},
        opacity=0.9,
        hovertemplate=f"{name} %{{x:.4g}}<br>%{{y:,}} points<extra></extra>",
    )
    cut = [] if threshold is None else [line_at(x=threshold, color=tones.accent, width=2)]
    x, y = {"title": unit_text(name, unit)}, {"title": "points"}
    return framed([bars], height, x=x, y=y, bargap=0, shapes=cut)


@shared
def profile_chart(
    values: NDArray[np.floating],
    grid: ScanGrid,
    row: int,
    tones: Tones,
    *,
    name: str,
    unit: str = "",
    threshold: float | None = None,
    height: int = 300,
) -> go.Figure:
    """Draw a map's values along one row of the grid, gaps left open."""
    import plotly.graph_objects as go

    name, unit = chart_texts((name, unit))
    line = grid.to_map(values.astype(np.float32))[row]
    col = np.arange(grid.shape[1])
    x, _ = grid.coordinates(np.full_like(col, row), col)
    profile = go.Scatter(
        x=x,
        y=line,
        mode="lines" if len(line) > 1 else "markers",
        line={"color": tones.line, "width": 1.6},
        hovertemplate=f"x %{{x}}<br>{name} %{{y:.6g}}<extra></extra>",
    )
    cut = [] if threshold is None else [line_at(y=threshold, color=tones.accent, width=2)]
    along = {"title": unit_text("x", chart_text(grid.unit))}
    return framed([profile], height, x=along, y={"title": unit_text(name, unit)}, shapes=cut)


def fitting_height(grid: ScanGrid, width: int, *, most: int = 760) -> int:
    """Return the chart height at which a map fills a column of that width.

    With equal aspect, a chart of another height would leave its color bar longer than the map.
    """
    x0, x1, y0, y1 = grid.picture_extent
    drawn = (width - _BESIDE) * (y1 - y0) / (x1 - x0)
    return int(np.clip(drawn + _ABOVE_AND_BELOW, 200, most))


def _limits_for(colors: str, values: NDArray[np.floating]) -> tuple[float, float]:
    """Return robust limits that differ, as plotly needs them."""
    symmetric = is_diverging(colors)
    low, high = robust_limits(values, symmetric=symmetric)
    if low == high:  # a few outliers on a constant
        low, high = robust_limits(values, low=0, high=100, symmetric=symmetric)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def is_thinned(grid: ScanGrid) -> bool:
    """Tell whether charts show only every k-th row and column of the scan's maps."""
    return _thinning(grid) > 1


def _thinning(grid: ScanGrid) -> int:
    rows, columns = grid.lattice.shape
    return int(np.ceil(np.sqrt(rows * columns / MOST_CELLS)))


def _cells(
    grid: ScanGrid, values: NDArray[np.floating]
) -> tuple[NDArray[np.floating], dict[str, Any]]:
    """Return a map as it is drawn, every k-th row and column of a large one, and its axes.

    Where cells are two places wide, x of their points comes along, for `_place`.
    """
    k = _thinning(grid)
    (x0, y0), (dx, dy) = grid.origin, grid.lattice.step
    axes: dict[str, Any] = {"x0": x0, "dx": k * dx, "y0": y0, "dy": k * dy}
    if grid.hexagonal:
        axes |= {"x0": x0 - dx / 2, "customdata": grid.picture(grid.x)[::k, ::k]}
    return grid.picture(values)[::k, ::k], axes


def _place(grid: ScanGrid) -> str:
    """Return where a point lies, as a template of what is shown where one points."""
    return f"x %{{{'customdata' if grid.hexagonal else 'x'}:.7~g}}, y %{{y:.7~g}}"


def _frame(
    traces: Sequence[Any],
    grid: ScanGrid,
    tones: Tones,
    title: str,
    height: int,
    *,
    shapes: Sequence[Mapping[str, Any]] = (),
) -> go.Figure:
    unit = chart_text(grid.unit)
    x0, x1, y0, y1 = grid.picture_extent
    plain: dict[str, Any] = {"constrain": "domain", "showgrid": False, "ticks": "outside"}
    # Where the map is narrower than its room, it stays beside its color bar.
    x = {"title": unit_text("x", unit), "range": [x0, x1], "constraintoward": "right", **plain}
    y = {"title": unit_text("y", unit), "range": [y1, y0], "scaleanchor": "x", **plain}
    return framed(traces, height, x=x, y=y, title=title, plot_bgcolor=tones.nothing, shapes=shapes)


def _edges(finite: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return bin edges: one bin per whole number where there are few, else 128 bins."""
    if len(finite) == 0:
        return np.array([0.0, 1.0])
    low, high = float(finite.min()), float(finite.max())
    if high - low <= 512 and np.array_equal(finite, np.rint(finite)):
        return np.arange(low - 0.5, high + 1.0)
    return np.linspace(low, high, 129) if low < high else np.array([low - 0.5, low + 0.5])


def _stepped(colors: Sequence[str]) -> list[list[object]]:
    n = len(colors)
    return [
        [share, color]
        for index, color in enumerate(colors)
        for share in (index / n, (index + 1) / n)
    ]
