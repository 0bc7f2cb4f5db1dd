"""Some patterns of a scan, and where on the specimen they were taken."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from latentcore.analysis.pattern_sheets import sample_picture
from latentcore.containers import SampleSource, ScanGrid, damaged_among
from pages.charts.frame import draw
from pages.charts.maps import fitting_height, grid_chart
from pages.frame.theme import tones
from pages.people.fragments import fragment
from pages.scan import loading
from pages.scan.loading import one_sample, samples_word
from pages.scan.state import ScanState

_SHOWN = 12
_COLUMNS = 6
# Patterns of 60 pixels would be blurred by the browser: they are enlarged pixel by pixel first.
_WIDTH = 240


@fragment
def gallery(scan: ScanState, backdrop: NDArray[np.floating] | None) -> None:
    """Show a sheet of patterns beside the scan grid, with their marks over `backdrop`."""
    assert scan.samples is not None
    source = loading.samples(scan.samples)
    turn = st.session_state.setdefault("gallery_turn", 0)
    rows = _pick(len(source), turn)
    if source.grid is None:
        sheet, place = st.container(), None
    else:
        sheet, place = st.columns([3, 2], gap="medium")
    with sheet:
        _sheet(scan.samples, source, rows)
        st.button(
            "Show others",
            icon=":material/casino:",
            on_click=_next_turn,
            help=f"Pick other {samples_word(source.grid)} at random, over the whole file.",
        )
    if place is not None and source.grid is not None:
        with place:
            _grid(source.grid, rows, backdrop)


def _sheet(place: str, source: SampleSource, rows: NDArray[np.int64]) -> None:
    pictures, damaged = _pictures(place, loading.version(place), tuple(rows.tolist()))
    word = one_sample(source.grid).capitalize()
    for start in range(0, len(rows), _COLUMNS):
        for column, index in zip(st.columns(_COLUMNS), range(start, len(rows)), strict=False):
            row = int(rows[index])
            where = _where(source, row) + " · damaged" * bool(damaged[index])
            column.image(
                pictures[index],
                caption=f"**{index + 1}** · {where}",
                width="stretch",
                alt=f"{word} {index + 1}, row {row} of the file, {where}",
            )


def _grid(grid: ScanGrid, rows: NDArray[np.int64], backdrop: NDArray[np.floating] | None) -> None:
    figure = grid_chart(
        grid, tones(), backdrop=backdrop, marked=rows, height=fitting_height(grid, 450, most=480)
    )
    draw(
        figure,
        key="gallery_grid",
        alt="The scan grid with the places of the patterns on the left, by number",
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _pictures(
    place: str, version: str, rows: tuple[int, ...]
) -> tuple[list[NDArray[np.uint8]], NDArray[np.bool_]]:
    """Return the pictures of some rows, and which of these are damaged."""
    del version  # part of the key: a changed file is read again
    source, wanted = loading.samples(place), np.array(rows, np.int64)
    pictures = [_enlarged(sample_picture(pattern)) for pattern in source.read(wanted)]
    return pictures, damaged_among(source, wanted)


def _enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = max(1, _WIDTH // picture.shape[1])
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _pick(n: int, turn: int) -> NDArray[np.int64]:
    """Pick rows at random over the whole scan, in the file's order; the same for each turn."""
    chosen = np.random.default_rng(turn).choice(n, min(n, _SHOWN), replace=False)
    return np.sort(chosen).astype(np.int64)


def _where(source: SampleSource, row: int) -> str:
    if source.grid is None:
        return f"row {row}"
    return f"{source.grid.x[row]:g}, {source.grid.y[row]:g}"


def _next_turn() -> None:
    st.session_state["gallery_turn"] += 1
