"""What a search found: thumbnails, how similar every sample is, and the way to Explore."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.partition_shares import comparable
from latentcore.analysis.pattern_sheets import sample_picture
from latentcore.analysis.similarity import (
    SearchTable,
    distances_to,
    nearest_of,
    nearest_of_each,
    similarity_of,
)
from latentcore.artifacts import read_run
from latentcore.cells import csv_bytes
from latentcore.containers import LatentSet, Neighbors, ScanGrid
from latentcore.errors import InputError
from latentcore.figures.colors import LATENT_COLORS
from latentcore.workflows import VERBS
from latentcore.workflows.search.verb import neighbors_table, table_by_partition
from pages.access import places
from pages.charts.frame import chart_text, draw
from pages.charts.maps import fitting_height, histogram_chart, map_chart
from pages.frame import errors
from pages.frame.tables import show_table
from pages.frame.theme import tones
from pages.jobs.latents_names import lasting_name
from pages.jobs.panel import job_panel, runner
from pages.regions.kept import Candidate, keep
from pages.results.run_files import download
from pages.scan import loading
from pages.scan.loading import search_table
from pages.scan.state import ScanState
from pages.tasks.search import uploaded
from pages.tasks.search.query import Query, ask
from pages.view.session import highlight

# In the session only: the URL carries the job of the probe.
_JOB = "search_job"
_COLUMNS = 6
_MOST_SHOWN = 60
_PICTURE = 160
_ALL = ""
_NAMES = {"cosine": "cosine similarity", "euclidean": "1 / (1 + distance)"}


def show(scan: ScanState, latents: LatentSet) -> None:
    """Ask what to search for, and show what is like it."""
    questions, map_place = st.columns([2, 3], gap="large")
    with questions:
        query = ask(scan.latents or "", latents)
    if query is None:
        return
    about = loading.version(scan.latents or "")
    try:
        each, similarity = _search(about, query, latents)
    except InputError as error:
        errors.show(error)
        return
    found = _joined(each)
    for note in query.notes:
        st.warning(errors.markdown_safe(errors.page_words(note)), icon=":material/warning:")
    with questions:
        _ways_on(about, scan, latents, query, each)
    with map_place:
        _overview(latents, query, each, similarity)
    if query.sample is not None:
        uploaded.show(scan, latents, query, found)
    _thumbnails(scan, latents, query, each)
    with st.expander("As a table", icon=":material/table:", expanded=scan.samples is None):
        show_table(_table(latents, each))


def _search(
    about: str, query: Query, latents: LatentSet
) -> tuple[Mapping[str, Neighbors], NDArray[np.float64]]:
    """Return the nearest of each partition, or of all under no name, and all similarities."""
    parts = comparable(latents.partition) if query.across else None
    if latents.stored is None and parts is None:
        table = search_table(about, latents)
        found = table.nearest(query.latent, query.k, metric=query.metric, exclude=query.row)
        return {_ALL: found}, _similarity(about, query.key, table, query)
    distances = _distances(about, query.key, latents, query)
    asked = {"metric": query.metric, "exclude": query.row}
    each = (
        {_ALL: nearest_of(distances, query.k, **asked)}
        if parts is None
        else nearest_of_each(distances, parts, query.k, **asked)
    )
    return each, similarity_of(distances, query.metric)


def _joined(each: Mapping[str, Neighbors]) -> Neighbors:
    """Return the nearest of all partitions as one, one partition after the other."""
    found = list(each.values())
    return Neighbors(
        rows=np.concatenate([one.rows for one in found]),
        distance=np.concatenate([one.distance for one in found]),
        similarity=np.concatenate([one.similarity for one in found]),
        metric=found[0].metric,
    )


def _table(latents: LatentSet, each: Mapping[str, Neighbors]) -> pd.DataFrame:
    if _ALL in each:
        return neighbors_table(latents, each[_ALL])
    return table_by_partition(latents, each)


@st.cache_resource(max_entries=2, show_spinner="Searching …")
def _distances(about: str, key: str, _latents: LatentSet, _query: Query) -> NDArray[np.float64]:
    del about, key
    return distances_to(_latents, _query.latent, _query.metric)


@st.cache_resource(max_entries=32, show_spinner=False)
def _similarity(about: str, key: str, _table: SearchTable, _query: Query) -> NDArray[np.float64]:
    del about, key
    return similarity_of(_table.distances(_query.latent, _query.metric), _query.metric)


def _overview(
    latents: LatentSet, query: Query, each: Mapping[str, Neighbors], similarity: NDArray[np.float64]
) -> None:
    name = _NAMES[query.metric]
    if latents.grid is None:
        chart = histogram_chart(similarity, tones(), name=f"{name} to the query")
        draw(chart, key="search.histogram",
                        alt="How many samples are how similar to the query")  # fmt: skip
        return
    chart = map_chart(
        similarity, latents.grid, tones(), name=f"{name[0].upper()}{name[1:]} to the query",
        colors=LATENT_COLORS, height=fitting_height(latents.grid, 560, most=520),
    )  # fmt: skip
    chart = copy.deepcopy(chart)  # all who look at this map share it
    _mark(chart, latents.grid, query, each)
    draw(chart, key="search.map",
                    alt="Map of how similar every point is to the query")  # fmt: skip


def _mark(chart: Any, grid: ScanGrid, query: Query, each: Mapping[str, Neighbors]) -> None:
    rows = _joined(each).rows
    ranks = [
        f"{rank} {chart_text(name)}"
        for name, own in each.items()
        for rank in range(1, len(own) + 1)
    ]
    # White rings with a dark edge show on every color of the map.
    for color, width in (("#1a1a1a", 4), ("#ffffff", 1.8)):
        chart.add_scatter(
            x=grid.x[rows], y=grid.y[rows], mode="markers", showlegend=False,
            text=ranks,
            marker={"symbol": "circle-open", "size": 10, "color": color, "line": {"width": width}},
            hovertemplate="neighbor %{text}: x %{x}, y %{y}<extra></extra>",
        )  # fmt: skip
    if query.row is not None:
        chart.add_scatter(
            x=[grid.x[query.row]], y=[grid.y[query.row]], mode="markers", showlegend=False,
            marker={
                "symbol": "star", "size": 15, "color": "#d55e00",
                "line": {"width": 1, "color": "#ffffff"},
            },
            hovertemplate="query: x %{x}, y %{y}<extra></extra>",
        )  # fmt: skip


def _thumbnails(
    scan: ScanState, latents: LatentSet, query: Query, each: Mapping[str, Neighbors]
) -> None:
    st.subheader("Most similar samples", divider="grey")
    if scan.samples is None:
        st.info(
            "Open the samples that these latents were made of (Data page, or the sidebar) to see "
            "what they look like.",
            icon=":material/image:",
        )
        return
    try:
        sample_of = loading.sample_rows(scan)
    except InputError as error:
        errors.show(error)
        return
    most = max(1, _MOST_SHOWN // len(each))
    rows = np.concatenate([found.rows[:most] for found in each.values()])
    first = sample_of[[query.row]] if query.row is not None else np.empty(0, np.int64)
    wanted = tuple(int(row) for row in (*first, *sample_of[rows]))
    pictures = iter(_pictures(loading.version(scan.samples), wanted, scan.samples))
    if query.row is None and query.sample is not None:
        pictures = itertools.chain([_enlarged(sample_picture(query.sample))], pictures)
    shown = [(next(pictures), "**query**")]
    for name, found in each.items():
        if name:
            _line(shown)
            shown = []
            st.markdown(f"**{errors.markdown_safe(name)}**")
        shown += [
            (next(pictures), f"**{rank}** · {found.similarity[rank - 1]:.4f}{_where(latents, row)}")
            for rank, row in enumerate(found.rows[:most].tolist(), start=1)
        ]
        _line(shown)
        shown = []
        if len(found) > most:
            st.caption(f"The first {most} of {len(found)} are shown.")


def _line(shown: Sequence[tuple[NDArray[np.uint8] | None, str]]) -> None:
    for start in range(0, len(shown), _COLUMNS):
        for column, one in zip(st.columns(_COLUMNS), shown[start:], strict=False):
            with column:
                _thumbnail(*one)


def _thumbnail(picture: NDArray[np.uint8] | None, caption: str) -> None:
    if picture is None:
        st.caption(f"no sample in the open file  \n{caption}")
    else:
        st.image(picture, caption=caption, width="stretch")


@st.cache_data(max_entries=32, show_spinner="Reading samples …")
def _pictures(version: str, rows: tuple[int, ...], _place: str) -> list[NDArray[np.uint8] | None]:
    del version
    there = np.unique([row for row in rows if row >= 0]).astype(np.int64)
    found = loading.samples(_place).read(there) if len(there) else None
    return [
        None
        if row < 0 or found is None
        else _enlarged(sample_picture(found[np.searchsorted(there, row)]))
        for row in rows
    ]


def _enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # Small pictures would be blurred by the browser: they are enlarged pixel by pixel first.
    factor = max(1, _PICTURE // picture.shape[1])
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _where(latents: LatentSet, row: int) -> str:
    grid = latents.grid
    return f" · row {row}" if grid is None else f" · {grid.x[row]:g}, {grid.y[row]:g}"


def _ways_on(
    about: str, scan: ScanState, latents: LatentSet, query: Query, each: Mapping[str, Neighbors]
) -> None:
    found = _joined(each)
    with st.container(horizontal=True):
        if st.button(
            "Highlight in Explore",
            icon=":material/hub:",
            type="primary",
            help="Opens Explore with these neighbors as selection A, and the query pinned.",
        ):
            highlight(scan, found.rows.tolist(), pinned=query.row)
        name = "neighbours.csv" if _ALL in each else "neighbours_by_partition.csv"
        st.download_button(
            name,
            data=lambda: csv_bytes(_table(latents, each)),
            file_name=name,
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.button(
            "Keep as a region",
            icon=":material/bookmark_add:",
            help="Explore lists it, draws it, and describes it.",
        ):
            _keep_region(latents, query, found)
        if st.button(
            "Keep as a run",
            icon=":material/inventory_2:",
            help="Figures for print, the similarity of every sample, and a record to repeat it.",
        ):
            st.session_state[_JOB] = (about, query.key, _submit(scan, query))
    *asked, job = st.session_state.get(_JOB, ("", "", ""))
    if asked == [about, query.key]:
        job_panel(job, on_finished=_offer)


def _keep_region(latents: LatentSet, query: Query, found: Neighbors) -> None:
    mask = np.zeros(len(latents), np.bool_)
    mask[found.rows] = True
    source = {"kind": "search", "k": query.k, "metric": query.metric, "row": query.row}
    (region,) = keep(latents, [Candidate(f"{len(found.rows)} most similar", mask, source)])
    st.toast(f"Kept as “{errors.markdown_safe(region.name)}”. Explore shows it.")


def _submit(scan: ScanState, query: Query) -> str:
    assert scan.latents is not None
    request = VERBS.get("search").request(
        latents=places.location(scan.latents),
        k=query.k,
        metric=query.metric,
        across=query.across,
        samples=places.location(scan.samples) if scan.samples else "none",
        **query.request,
    )
    title = f"Search in {lasting_name(scan.latents)}"
    return runner().submit("search", request, title=title).id


def _offer(record: Any) -> None:
    with st.container(horizontal=True):
        for name, entry in (read_run(record.folder) or {}).get("files", {}).items():
            if name.endswith((".csv", ".png", ".json")):
                download(record.folder, name, entry["bytes"], key=f"search.get.{name}", label=name)
