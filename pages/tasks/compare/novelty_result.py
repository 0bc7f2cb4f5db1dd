"""How unlike a reference the samples in view are: shares, a map, and the strangest of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.artifacts.records import count, listed, read_record, text
from latentcore.jobs import JobRecord
from pages.access import places
from pages.frame import errors
from pages.frame.tables import show_table
from pages.jobs.latents_names import name_of
from pages.results.figures import show_figure
from pages.tasks.compare.outcome import offer_files, offer_maps, show_notes, show_snippet
from pages.view.scene import Scene

_REPORT = {
    **dict.fromkeys(("n", "n_judged", "n_reference", "n_calibrating"), count),
    **dict.fromkeys(("calibration", "snippet"), text),
    "notes": listed(text),
}
_COLUMNS = {
    "row": "Row",
    "x": "x",
    "y": "y",
    "sample_id": "Sample",
    "percentile": "Percentile",
    "mahalanobis": "Mahalanobis distance",
    "neighbor_distance": "Distance to neighbors",
    "percentile_reconstruction": "By reconstruction",
}
_PERCENTILES = {
    "novelty percentile": "percentile",
    "reconstruction percentile": "percentile_reconstruction",
}


def show(scene: Scene, record: JobRecord) -> None:
    """Show a finished run of ``novelty``."""
    report = read_record(record.folder / "report.json", _REPORT, tuple(_REPORT))
    table = _judged(record.folder)
    st.markdown(_sentence(report, record, table))
    show_notes(report["notes"])
    picture, listed_samples = st.columns([3, 2], gap="medium")
    with picture:
        show_figure(record.folder / "novelty.png", "percentiles")
    with listed_samples:
        offer_maps(scene, "novelty", lambda: percentiles(scene, record.folder))
        strangest = pd.read_csv(record.folder / "strangest.csv")
        show_table(
            strangest[[name for name in _COLUMNS if name in strangest]].rename(columns=_COLUMNS)
        )
        st.caption(
            "The strangest. Percentile: how many in a hundred samples of the reference that were "
            "set aside are less unlike the rest of it, by the larger of both distances."
        )
    if (record.folder / "strangest.png").is_file():
        show_figure(record.folder / "strangest.png", "the strangest")
    offer_files(record, key="compare.novelty")
    show_snippet(report["snippet"], [record.request["latents"], record.request["reference"]])


def _judged(folder: Path) -> pd.DataFrame:
    wanted = {"row", *_PERCENTILES.values()}
    return pd.read_csv(folder / "novelty.csv", usecols=lambda name: name in wanted)


def _sentence(report: Mapping[str, Any], record: JobRecord, table: pd.DataFrame) -> str:
    reference = errors.markdown_safe(name_of(places.place_of(record.request["reference"])))
    judged = table["percentile"].dropna()
    rebuilt = table.get("percentile_reconstruction")
    also = ""
    if rebuilt is not None:
        also = f" By reconstruction error **{_above(95, rebuilt.dropna())}** lie above the 95th."
    aside = "squares of its scan" if report["calibration"] == "place" else "random samples"
    return (
        f"Of {report['n_judged']:,} samples **{_above(95, judged)}** lie above the 95th "
        f"percentile of {reference}, **{_above(99, judged)}** above the 99th; of samples of "
        f"its kind 5 % and 1 % would. {report['n_calibrating']:,} of its {report['n_reference']:,} "
        f"samples were set aside ({aside}) to say what is usual.{also}"
    )


def _above(percentile: int, judged: pd.Series) -> str:
    return f"{100 * (judged > percentile).mean():.1f} %"


def percentiles(scene: Scene, folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return percentiles at the points of the latents in view, (n,); NaN where there is none."""
    table = _judged(folder)
    found = {}
    for name, column in _PERCENTILES.items():
        if column in table:
            found[name] = np.full(len(scene.latents), np.nan, np.float32)
            found[name][table["row"]] = table[column]
    return found
