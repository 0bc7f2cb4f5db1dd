"""Open a scan and see what is in it: files, patterns, grid, maps, band contrast."""

from __future__ import annotations

import streamlit as st

from latentcore.errors import InputError
from pages.shared import errors, intake, loading, map_panel, scan_cards, state
from pages.shared.pattern_gallery import gallery
from pages.shared.threshold import threshold_panel

scan = state.current()

st.title("Data")
told = intake.outcomes()
with st.expander("Open files", icon=":material/upload_file:", expanded=bool(told)):
    upload, folder = st.tabs([":material/upload: Upload", ":material/dns: Server folder"])
    with upload:
        intake.uploader()
    with folder:
        intake.folder_browser()
intake.tell(told)

scan_cards.cards(scan)

grid, joined = None, loading.JoinedMaps()
try:
    grid = loading.scan_grid(scan)
    if grid is not None:
        joined = loading.joined_maps(scan.maps, loading.grid_key(scan), grid)
except InputError as error:
    errors.show(error)

if scan.samples:
    st.header("Patterns", divider="grey")
    gallery(scan, map_panel.backdrop(joined))

st.header("Maps", divider="grey")
if grid is None or not len(joined):
    st.info(
        "No map is open. Open a table with x, y and value columns above (band contrast, elements, "
        "phases as CSV or parquet), or choose one in the sidebar.",
        icon=":material/layers_clear:",
    )
else:
    map_panel.map_panel(joined, grid)
    if map_panel.numeric(joined):
        st.header("Leave points out", divider="grey")
        threshold_panel(scan, joined, grid)
