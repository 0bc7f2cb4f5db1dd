"""How large domains are and of which shape, by number and by area."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from pages.charts.domains import distribution_chart
from pages.charts.frame import draw, unit_text
from pages.frame.errors import markdown_safe
from pages.tasks.domains.found import Cut
from pages.view.scene import Scene


def show(scene: Scene, cut: Cut) -> None:
    """Show the distributions of size and aspect ratio."""
    grid = scene.latents.grid
    assert grid is not None
    counted = st.toggle(
        "Count domains that touch the edge of the scan",
        key="domains.at_edge",
        help="They are cut off: their sizes are too small. Leaving them out leaves out more of "
        "the large ones than of the small ones.",
        persist_state="session",
    )
    table = cut.table if counted else cut.table[~cut.table["touches_border"].to_numpy(bool)]
    if cut.domains.scans is not None:
        names = cut.domains.scans.names
        scan = st.selectbox("Scan", ["", *names], format_func=lambda name: name or "all",
                            key="domains.scan", persist_state="session")  # fmt: skip
        table = table[table["partition"] == scan] if scan else table
    if len(table) == 0:
        st.info("Every domain touches the edge of its scan. Count these, too.")
        return
    for column, (name, title, of, log) in zip(
        st.columns(2),
        (
            ("equivalent_diameter", "equivalent diameter", grid.unit, True),
            ("aspect_ratio", "aspect ratio", "", False),
        ),
        strict=True,
    ):
        with column:
            values = table[name].to_numpy(np.float64)
            figure = distribution_chart(
                values, table["area"].to_numpy(np.float64), label=title, unit=of, log=log
            )
            draw(figure, key=f"domains.{name}", alt=f"Distribution of the {title} of domains")
            st.caption(_means(table, name, unit_text(title, markdown_safe(of))))
    st.caption(f"{len(table):,} of {len(cut.table):,} domains are counted.")


def _means(table: pd.DataFrame, name: str, title: str) -> str:
    values, areas = table[name].to_numpy(np.float64), table["area"].to_numpy(np.float64)
    use = np.isfinite(values)
    if not use.any():
        return f"No domain has a {title}."
    mean, by_area = values[use].mean(), np.average(values[use], weights=areas[use])
    return (
        f"{title[0].upper()}{title[1:]}: mean {mean:.4g} by number, {by_area:.4g} by area; "
        f"median {np.median(values[use]):.4g}"
    )
