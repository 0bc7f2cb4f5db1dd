"""Where on the Earth, and when, samples of a region of the embedding lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.geography import EarthCells, place_columns
from latentcore.artifacts.records import listed, read_record, text
from latentcore.jobs import JobRecord
from latentcore.workflows import VERBS
from pages.access import places
from pages.frame import errors
from pages.jobs.latents_names import lasting_name
from pages.results.figures import show_figure
from pages.results.verb_files import show_files
from pages.view.embeddings import finished_umap, shown_view
from pages.view.question import Question
from pages.view.scene import Scene

TAB = "earth"
_JOB = "explore_earth_job"
_WIDTHS = (1.5, 3.0, 5.0, 10.0, 15.0, 30.0)
_REPORT = {"notes": listed(text)}
_PICTURES = {
    "earth.png": "Samples of each cell of the Earth, and the region's share of them",
    "seasons.png": "The region's share by season",
    "years.png": "The region's share by year",
    "bins.png": "Samples, and medians of columns, over the embedding",
}


def show(scene: Scene, question: Question, mask: NDArray[np.bool_]) -> None:
    """Ask what is counted, start the job, and show its pictures.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)
        The selection whose rectangle in the embedding is the region.
    """
    record = finished_umap(scene, question) if question.embedding == "umap" else None
    view = None if record is None else shown_view(scene, question)
    if record is None or view is None:
        st.info(
            "Cells of the Earth are held against a UMAP. Choose it as the embedding, and wait "
            "until it is there.",
            icon=":material/public:",
        )
        return
    box = _box(np.asarray(view.coordinates), mask)
    request: Any = VERBS.get("geography").request
    left, right = st.columns(2)
    least = left.number_input(
        "At least", 1, 10_000, int(request.min_count), key="explore.earth.least",
        persist_state="session", help="Cells of fewer samples have no share.",
    )  # fmt: skip
    cell = right.number_input(
        "Cell (°)", 0.5, 90.0, _usual_cell(scene, int(least)), 0.5,
        key=f"explore.earth.cell.{scene.about}", persist_state="session",
        help="Width at the equator; all cells have the same area.",
    )  # fmt: skip
    table, columns = _table(scene)
    medians = st.multiselect(
        "Medians over the embedding", columns, key="explore.earth.median", placeholder="none"
    )
    asked = request(
        latents=places.location(scene.scan.latents or ""), embedding=str(record.folder),
        table=places.location(table), box=box, median=tuple(medians), cell=float(cell),
        min_count=int(least),
    )  # fmt: skip
    show_files(
        _JOB, "geography", asked, f"Earth of {lasting_name(scene.scan.latents)}",
        about=scene.key, label="Count by cells of the Earth", on_finished=_show,
    )  # fmt: skip


def _usual_cell(scene: Scene, least: int) -> float:
    """Return the smallest of some widths at which most cells with samples hold enough of them."""
    assert scene.places is not None
    longitude, latitude = scene.places.T
    for width in _WIDTHS:
        cells = EarthCells.of_size(width).of(latitude, longitude)
        held = np.bincount(cells[cells >= 0])
        if 2 * (held >= least).sum() >= (held > 0).sum():
            return width
    return _WIDTHS[-1]


def _box(coordinates: NDArray[np.floating], mask: NDArray[np.bool_]) -> tuple[float, ...] | None:
    """Return the rectangle around the selection in the embedding, and tell of it."""
    placed = np.isfinite(coordinates).all(axis=1)
    chosen = coordinates[mask & placed]
    if len(chosen) == 0:
        st.caption(
            "Brush a region of the embedding to see its share of the samples of each cell, by "
            "season and year; without one, samples are counted."
        )
        return None
    low, high = chosen.min(axis=0), chosen.max(axis=0)
    within = int(((coordinates >= low) & (coordinates <= high)).all(axis=1).sum())
    st.caption(
        f"The region is the rectangle around the selection: U0 {low[0]:.4g} to {high[0]:.4g}, U1 "
        f"{low[1]:.4g} to {high[1]:.4g}. It holds {within:,} samples; {len(chosen):,} are selected."
    )
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def _table(scene: Scene) -> tuple[str, list[str]]:
    """Return the table that holds the places, and its columns of numbers."""
    names = place_columns(scene.numeric_maps)
    assert names is not None  # else there is no such tab
    table = scene.maps.origin[names[0]][0]
    columns = [scene.maps.origin[name] for name in scene.numeric_maps if name not in names]
    return table, [column for place, column in columns if place == table]


def _show(record: JobRecord) -> None:
    for note in read_record(record.folder / "report.json", _REPORT, tuple(_REPORT))["notes"]:
        st.caption(errors.markdown_safe(errors.page_words(note)))
    for name, alt in _PICTURES.items():
        if (record.folder / name).is_file():
            show_figure(record.folder / name, alt)
