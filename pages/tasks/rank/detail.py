"""One dimension, large: its scores, its map, the reference's, and both against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from latentcore.analysis.latent_maps import robust_limits
from latentcore.analysis.rank_table import rank_numbers
from latentcore.analysis.regression import Line
from latentcore.figures.colors import usual_color_map
from pages.charts.frame import draw
from pages.charts.maps import colors_chart, fitting_height, map_chart
from pages.charts.ranking import scatter_chart
from pages.frame import errors, navigation
from pages.frame.theme import tones
from pages.tasks.rank.scores import Scores, titles
from pages.tasks.rank.target import Target
from pages.view import session as explorer
from pages.view.question import LATENT
from pages.view.scene import Scene

if TYPE_CHECKING:
    import plotly.graph_objects as go

# A map with its color bar beside the scatter, on a usual screen.
_PANEL_WIDTH = 330


def show_detail(scene: Scene, target: Target, found: Scores, dim: int) -> None:
    """Show one dimension."""
    ranking = found.ranking
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Latent {dim}", width="stretch")
        st.button(
            "Open in Explore",
            icon=":material/hub:",
            key="rank.explore",
            on_click=_take_along,
            args=(scene, target, dim),
        )
    row = int(np.flatnonzero(ranking.dims == dim)[0])
    if ranking.reasons[row]:
        st.warning(errors.markdown_safe(ranking.reasons[row]), icon=":material/block:")
    st.markdown(_scores(found, row))
    _maps(target, dim)


def _take_along(scene: Scene, target: Target, dim: int) -> None:
    """Let the Explore page open with this dimension, beside the reference where it is a map."""
    fields: dict[str, object] = {"dim": dim, "limits": None}
    if not target.reference.synthesis and target.reference.columns[0] in scene.numeric_maps:
        fields["reference"] = target.reference.columns[0]
    explorer.update(**fields)
    navigation.go_to("explore")


def _scores(found: Scores, row: int) -> str:
    ranking = found.ranking
    ranks = rank_numbers(ranking)[row]
    named = titles()
    parts = []
    for (name, scores), rank in zip(ranking.scores.items(), ranks, strict=True):
        score = scores[row]
        place = "" if np.isnan(rank) else f" (rank {rank:.0f})"
        text = "–" if np.isnan(score) else f"**{score:.4g}**".replace("-", "−")
        parts.append(f"{named[name]} {text}{place}{_sure(found, name, int(ranking.dims[row]))}")
    return " · ".join(parts)


def _sure(found: Scores, metric: str, dim: int) -> str:
    """Return interval and p-value as a text; empty where there are none."""
    sure = found.sure_of(metric)
    if sure is None or not np.isfinite(sure.loc[dim, "lower"]):
        return ""
    lower, upper, p = (float(sure.loc[dim, name]) for name in ("lower", "upper", "p_corrected"))
    return f", {lower:.3f} … {upper:.3f}, p = {p:.3f}".replace("-", "−")


def _maps(target: Target, dim: int) -> None:
    view = explorer.question()
    values = target.latents.dimension(dim)
    cmap = view.color_map_of(LATENT)
    limits = robust_limits(values)
    label = _label(target)
    height = fitting_height(target.grid, _PANEL_WIDTH, most=460)
    if not np.isfinite(values).any():
        st.info("This dimension has no value in the ROI.", icon=":material/layers_clear:")
        return
    first, second, third = st.columns([1, 1, 1.15])
    with first:
        figure = map_chart(
            values, target.grid, tones(), name=f"latent {dim}", colors=cmap, limits=limits,
            exponents="e", height=height,
        )  # fmt: skip
        draw(figure, key="rank.latent", alt=f"Map of latent {dim}")
    with second:
        draw(_reference(target, height), key="rank.reference", alt=f"Map of {label}")
    with third:
        figure, line, shown = scatter_chart(
            values, target.reference.values, latent_label=f"latent {dim}", reference_label=label,
            cmap=cmap, limits=limits, height=max(height, 300),
        )  # fmt: skip
        draw(figure, key="rank.scatter", alt=f"{label} over latent {dim}")
    st.caption(_line(line, shown))


def _reference(target: Target, height: int) -> go.Figure:
    found, name = target.reference, target.reference.name
    if found.rgb is not None:
        return colors_chart(
            found.rgb, target.grid, tones(), name=name, channels=found.columns, height=height
        )
    colors = usual_color_map(name, found.values)
    return map_chart(
        found.values, target.grid, tones(), name=name, unit=target.unit, colors=colors,
        height=height,
    )  # fmt: skip


def _label(target: Target) -> str:
    name = target.reference.name
    shown = "band contrast" if name == "bandcontrast" else name
    return f"{shown} ({target.unit})" if target.unit else shown


def _line(line: Line, shown: int) -> str:
    if not np.isfinite(line.slope):
        return "No line: too few points, or the latent is constant."
    drawn = "" if shown == line.n else f"; {shown:,} of them drawn"
    return (
        f"Line by least squares: slope {line.slope:.4g}, intercept {line.intercept:.4g}, "
        f"R² {line.r_squared:.3f}, n = {line.n:,}{drawn}."
    ).replace("-", "−")
