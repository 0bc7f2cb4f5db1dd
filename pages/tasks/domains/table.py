"""The table of domains: its rows are the domains in the panels, and those the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.selection import row_shapes
from pages.charts.frame import unit_text
from pages.frame.tables import table_height, told
from pages.tasks.domains.found import Cut
from pages.tasks.domains.panels_view import parts_panel
from pages.view import session
from pages.view.scene import Scene

_KEY = "domains.table"
# A browser scrolls through so many rows without a pause; files hold all.
_MOST_ROWS = 5_000
# What the panels take as one selection.
_MOST_SHAPES = 60
_UNITS = {
    "area": "{unit}²",
    "equivalent_diameter": "{unit}",
    "mean_area": "{unit}²",
    "sd_area": "{unit}²",
    "mean_equivalent_diameter": "{unit}",
    "sd_equivalent_diameter": "{unit}",
    "centroid_x": "{unit}",
    "centroid_y": "{unit}",
    "perimeter": "{unit}",
    "angle_deg": "°",
}
_NAMES = {"angle_deg": "angle", "n": "points", "n_points": "points", "n_domains": "domains"}


def selected_domains(cut: Cut, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the domains of which most points are selected, those with most points first.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)
    """
    inside = cut.labels >= 0
    sizes = np.bincount(cut.labels[inside], minlength=len(cut.table))
    chosen = np.bincount(cut.labels[inside & mask], minlength=len(cut.table))
    found = np.flatnonzero(2 * chosen > sizes)
    return found[np.argsort(-sizes[found], kind="stable")]


def show_table(scene: Scene, cut: Cut, masks: Mapping[str, NDArray[np.bool_]]) -> None:
    """Show one row per domain; rows that are chosen are selected in the panels, and back."""
    slot = session.question().active
    chosen = selected_domains(cut, masks[slot])
    order = _order(cut, chosen)
    grid = scene.latents.grid
    assert grid is not None
    rows = np.flatnonzero(np.isin(order, chosen)).tolist()
    st.session_state[_KEY] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    st.dataframe(
        cut.table.iloc[order],
        hide_index=True,
        width="stretch",
        height=420,
        key=_KEY,
        on_select=lambda: _adopt(cut, order),
        selection_mode="multi-row",
        placeholder="–",
        column_config=columns(cut.table, grid.unit),
        alt=told(cut.table, "One row for each domain"),
    )
    if len(cut.table) > len(order):
        st.caption(f"The {len(order):,} largest of {len(cut.table):,} domains; the files hold all.")
    st.caption(
        "A click on a row's left edge selects the domain in the panels; a click on a domain, with "
        "Shift for more, selects its row."
    )
    if cut.domains.by_scan is not None:
        st.markdown("**By scan**")
        by_scan = cut.domains.by_scan
        st.dataframe(
            by_scan, hide_index=True, width="stretch", alt=told(by_scan, "One row for each scan"),
            column_config=columns(by_scan, grid.unit), height=table_height(len(by_scan)),
            placeholder="–",
        )  # fmt: skip


def _order(cut: Cut, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the domains that are shown: the largest, and those that are selected."""
    if len(cut.table) <= _MOST_ROWS:
        return np.arange(len(cut.table))
    largest = np.argsort(-cut.table["n"].to_numpy(), kind="stable")[:_MOST_ROWS]
    return np.union1d(largest, chosen[:_MOST_ROWS])


def _adopt(cut: Cut, order: NDArray[np.int64]) -> None:
    """Select the domains of the rows that are chosen."""
    rows = st.session_state[_KEY]["selection"]["rows"]
    shapes = row_shapes(parts_panel(cut), order[np.asarray(rows, np.int64)].tolist())
    question = session.question()
    if len(shapes) > _MOST_SHAPES:
        st.toast(f"The panels take {_MOST_SHAPES} domains as one selection; the others are left.")
        shapes = shapes[:_MOST_SHAPES]
    session.update(selections={**question.selections, question.active: shapes})


def columns(table: pd.DataFrame, unit: str) -> dict[str, Any]:
    """Return how each column is headed and written: with its unit, in significant digits."""
    return {
        name: st.column_config.NumberColumn(
            unit_text(_NAMES.get(name, name.replace("_", " ")), _unit_of(name, unit)),
            format=None if table[name].dtype.kind in "iu" else "%.4g",
        )
        for name in table.columns
        if table[name].dtype.kind in "iuf"
    } | {"touches_border": st.column_config.CheckboxColumn("touches border"), "partition": "scan"}


def _unit_of(name: str, unit: str) -> str:
    return _UNITS.get(name, "").format(unit=unit) if unit or name == "angle_deg" else ""
