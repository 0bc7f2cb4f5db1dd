"""Open a scan and see what is in it: files, patterns, grid, maps, band contrast."""

from __future__ import annotations

import streamlit as st

from latentcore.containers import quantities
from pages.scan import first_visit, joining, loading, state
from pages.scan.loading import samples_word
from pages.tasks.data import intake, map_panel, patterns_as_maps, scan_cards
from pages.tasks.data.collection import collection_maker
from pages.tasks.data.pattern_gallery import gallery
from pages.tasks.data.recent import recent_files
from pages.tasks.data.remote_browser import downloads, remote_browser
from pages.tasks.data.threshold import threshold_panel

scan = state.current()

st.title("Data")
first_visit.strip(
    "data",
    f"{'This is the demo scan' if scan.is_demo else 'This is the scan in view'}, on all pages. "
    "**Open files** takes your own: all files that belong together, at once.",
)
with st.container():  # always there, so that what is open below it stays so
    downloads()
outcomes = intake.take_outcomes()
if outcomes:
    st.session_state["data_open_files"] = True
# Its state is kept here: an expander of the browser's own closes when `expanded` changes.
with st.expander(
    "Open files", icon=":material/upload_file:", key="data_open_files", on_change="rerun"
):
    upload, recent, folder, remote, several, example = st.tabs(
        [
            ":material/upload: Upload",
            ":material/history: Recent",
            ":material/dns: Server folder",
            ":material/cloud: S3",
            ":material/library_add: Several scans",
            ":material/science: Demo scan",
        ],
        key="data_open",
        on_change="rerun",
    )
    with upload:
        intake.uploader()
    with recent:
        recent_files()
    if folder.open:  # a folder may hold thousands of files
        with folder:
            intake.folder_browser()
    if remote.open:  # a service that doesn't answer keeps nobody waiting who doesn't want it
        with remote:
            remote_browser()
    if several.open:  # names of all latents are looked up for those who want them
        with several:
            collection_maker()
    with example:
        intake.demo_opener()
intake.show_outcomes(outcomes)

if not scan_cards.cards(scan):
    st.stop()
grid = loading.scan_grid(scan)
joined, _ = joining.fitting_maps(scan.maps, loading.grid_key(scan), grid)

if scan.samples:
    st.header(samples_word(grid).capitalize(), divider="grey")
    gallery(scan, map_panel.backdrop(joined))
    if grid is not None and map_panel.backdrop(joined) is None:
        patterns_as_maps.offer_quality(scan.samples)

if grid is None and not scan.is_empty:
    st.stop()
st.header("Maps", divider="grey")
if grid is None or not len(joined):
    st.info(map_panel.why_none(scan, grid), icon=":material/layers_clear:")
else:
    map_panel.map_panel(joined, grid)
    if quantities(joined):
        st.header("Leave points out", divider="grey")
        threshold_panel(scan, joined, grid)
