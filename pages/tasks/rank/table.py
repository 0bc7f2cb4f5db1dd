"""All dimensions with all their scores: sorted by one metric, one line to be picked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.containers import Ranking
from latentcore.figures.colors import NOISE_COLOR, categorical_palette, hex_to_rgb
from pages.frame.tables import table_height, told
from pages.tasks.rank.question import question, update
from pages.tasks.rank.scores import Scores, titles

_STRENGTH, _ERROR, _INTERVAL, _CHANCE = "strength", "error", "interval", "chance"
_LIKELY_CHANCE = 0.05
_MOST_ROWS = 9
_STRONGEST_SHADE = 0.55


def show_table(found: Scores, by: str, key: str) -> None:
    """Show the table sorted by a metric; the line that is picked goes into the question.

    `key` changes when the scores do.
    """
    ranking = found.ranking
    frame = _frame(found, by)
    dim = picked(ranking, by)
    row = int(np.flatnonzero(frame["dim"].to_numpy() == dim)[0])
    event = st.dataframe(
        _shaded(frame, ranking),
        hide_index=True,
        height=table_height(len(frame), _MOST_ROWS),
        key=f"rank.table.{key}.{by}",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [row]}},
        column_config=_columns(ranking, by, frame),
        placeholder="–",
        alt=told(frame, f"Scores of {len(frame)} latent dimensions, sorted by {titles()[by]}"),
    )
    rows = event.selection.rows
    chosen = int(frame["dim"].iloc[rows[0]]) if rows else dim
    if chosen != dim:
        update(pick=chosen)
        st.rerun()


def picked(ranking: Ranking, by: str) -> int:
    """Return the dimension that is shown large: the picked one, else the strongest."""
    pick = question().pick
    if pick is not None and pick in ranking.dims:
        return pick
    return int(ranking.order(by)[0])


def _frame(found: Scores, by: str) -> pd.DataFrame:
    ranking = found.ranking
    order = ranking.order(by)
    first = {"dim": ranking.dims, _STRENGTH: ranking.strength(by)}
    if any(ranking.reasons):
        first["reason"] = np.array(ranking.reasons, object)
    table = pd.DataFrame({**first, **ranking.scores, "n": ranking.n})
    if by in found.errors:
        table.insert(2, _ERROR, found.errors[by])
    table = table.set_index("dim").loc[order]
    sure = found.sure_of(by)
    if sure is not None:
        table.insert(
            1,
            _INTERVAL,
            [
                _interval(*ends)
                for ends in zip(sure.loc[order, "lower"], sure.loc[order, "upper"], strict=True)
            ],
        )
        table.insert(2, _CHANCE, sure.loc[order, "p_corrected"].to_numpy())
    return table.reset_index()


def _shaded(frame: pd.DataFrame, ranking: Ranking) -> pd.io.formats.style.Styler:
    """Color each metric's cells by its scores: blue for positive, orange for negative."""
    style = frame.style
    for name in ranking.scores:
        style = style.apply(_shades, subset=[name])
    if _CHANCE in frame:
        style = style.apply(_marked, subset=[_CHANCE])
    return style


def _marked(column: pd.Series) -> list[str]:
    """Let those stand back that chance would give."""
    return ["" if p < _LIKELY_CHANCE else f"color: {NOISE_COLOR}" for p in column]


def _interval(lower: float, upper: float) -> str:
    if not np.isfinite(lower + upper):
        return "–"
    return f"{lower:.3f} … {upper:.3f}".replace("-", "−")


def _shades(column: pd.Series) -> list[str]:
    scores = column.to_numpy(np.float64)
    return [_shade(score, _largest(scores)) for score in scores]


def _largest(scores: NDArray[np.float64]) -> float:
    finite = np.abs(scores[np.isfinite(scores)])
    return float(finite.max()) if len(finite) and finite.max() > 0 else 1.0


def _shade(score: float, largest: float) -> str:
    if not np.isfinite(score):
        return ""
    palette = categorical_palette()
    red, green, blue = hex_to_rgb(palette[0] if score >= 0 else palette[4])
    return (
        f"background-color: rgba({red}, {green}, {blue}, "
        f"{_STRONGEST_SHADE * abs(score) / largest:.3f})"
    )


def _columns(ranking: Ranking, by: str, frame: pd.DataFrame) -> dict[str, Any]:
    named = titles()
    config = st.column_config
    most = float(np.nan_to_num(frame[_STRENGTH].max(), nan=1.0)) or 1.0
    columns: dict[str, Any] = {
        "dim": config.NumberColumn("Latent", width="small", pinned=True, format="%d"),
        _STRENGTH: config.ProgressColumn(
            f"|{named[by]}|" if by in ranking.absolute else named[by],
            min_value=0.0,
            max_value=max(most, 1e-12),
            format="%.3f",
            help="What sorts the table: the strongest first.",
        ),
        _ERROR: config.NumberColumn(
            "± s.e.",
            format="%.2g",
            help="Standard error of the metric that sorts the table, because a sample was scored.",
        ),
        _INTERVAL: config.TextColumn("95 % interval", help="Of the metric that sorts the table."),
        _CHANCE: config.NumberColumn(
            "p (chance)",
            format="%.3f",
            help="Corrected for the number of dimensions. Gray: chance would give it, too.",
        ),
        "n": config.NumberColumn("n", format="localized", help="Points with latent and reference"),
        "reason": config.TextColumn("Why there is no score", width="medium"),
    }
    for name in ranking.scores:
        columns[name] = config.NumberColumn(named[name], format=_FORMATS.get(name, "%.3f"))
    return columns


_FORMATS = {"hsic": "%.5f"}
