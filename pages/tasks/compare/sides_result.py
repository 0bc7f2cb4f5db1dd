"""What a test of two sides found: how sure a difference is, in what dimensions, and where."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.artifacts import read_run
from latentcore.artifacts.records import count, listed, mapping, number, read_record, text
from latentcore.jobs import JobRecord
from pages.access import places
from pages.frame import errors
from pages.frame.tables import show_table
from pages.results.figures import show_figure
from pages.tasks.compare.outcome import offer_files, offer_maps, show_notes, show_snippet
from pages.view.scene import Scene

_MAP = "log ratio A to B"
_REPORT = {
    **dict.fromkeys(("a", "b"), mapping),
    **dict.fromkeys(("auc", "mmd2"), number),
    "exchanges": count,
    **dict.fromkeys(("exchange", "snippet"), text),
    "dimensions": listed(mapping),
    "notes": listed(text),
}
_COLUMNS = {
    "dim": "Dimension",
    "difference": "Mean A − mean B",
    "hedges_g": "Hedges' g",
    "auc": "AUC",
    "ks": "KS distance",
    "p": "p",
    "p_corrected": "p, corrected",
}


def show(scene: Scene, record: JobRecord) -> None:
    """Show a finished run of ``differ``."""
    report = read_record(record.folder / "report.json", _REPORT, tuple(_REPORT))
    st.markdown(_sentence(report))
    show_notes(report["notes"])
    picture, table = st.columns([3, 2], gap="medium")
    with picture:
        show_figure(record.folder / "differ.png", "where both sides differ")
    with table:
        offer_maps(scene, "where_it_differs", lambda: {_MAP: log_ratio(scene, record.folder)})
        dimensions = pd.DataFrame(report["dimensions"])
        show_table(dimensions[list(_COLUMNS)].rename(columns=_COLUMNS))
        st.caption(
            "AUC: how often a sample of A lies above one of B, 0.5 by chance; corrected: for the "
            "number of dimensions. ln (density A / density B) is 0 where both are as dense."
        )
    offer_files(record, key="compare.sides")
    locations = (*record.request["latents"], *record.request.get("against", ()))
    show_snippet(report["snippet"], locations)


def _sentence(report: Mapping[str, Any]) -> str:
    sides = " and ".join(
        f"**{name.upper()}** ({errors.markdown_safe(', '.join(report[name]['sources']))}, "
        f"{report[name]['n']:,} points)"
        for name in ("a", "b")
    )
    told = f"a classifier tells a point of A from one of B with an AUC of {report['auc']:.3f}"
    if report["auc_p"] is None:
        return f"{sides}: {told}, MMD² is {report['mmd2']:.3g}."
    what = {"squares": "squares of the scans", "scans": "whole scans", "samples": "samples"}
    size = f" of {report['block']:.0f} steps" if report["exchange"] == "squares" else ""
    return (
        f"{sides}: {told} (p = {report['auc_p']:.3g}); MMD² is {report['mmd2']:.3g} (p = "
        f"{report['mmd_p']:.3g}). By {report['exchanges']:,} exchanges of "
        f"{what[report['exchange']]}{size}."
    )


def log_ratio(scene: Scene, folder: Path) -> NDArray[np.float32]:
    """Return the log ratio at each point of the latents in view, (n,); NaN where there is none."""
    assert scene.scan.latents is not None
    locations = (read_run(folder) or {}).get("request", {})
    table = pd.read_csv(folder / "differences.csv", usecols=["source", "row", "log_ratio"])
    if not locations.get("between"):
        order = [*locations.get("latents", ()), *locations.get("against", ())]
        own = table["source"].unique()[order.index(places.location(scene.scan.latents))]
        table = table[table["source"] == own]
    found = np.full(len(scene.latents), np.nan, np.float32)
    found[table["row"]] = table["log_ratio"]
    return found
