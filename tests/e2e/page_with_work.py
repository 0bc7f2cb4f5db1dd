"""An app of Explore's places with a computation that ends when it is cancelled."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st

from latentcore.progress import Progress
from pages.jobs import work
from pages.tasks.explore import layout

KEY = "endless|1"


def _endless(progress: Progress) -> None:
    while True:
        progress.step(1, 4, "fitting")
        time.sleep(0.01)


room = layout.room()
with room.plots:
    st.container(key="plot", height=400).text("panels")
begun = work.works().begin(KEY, _endless)
if begun.cancelled:
    room.side.text("It was cancelled.")
else:
    with room.notices, st.container(key="explore-notice-wait"):
        work.wait_for(
            "cancel", partial(work.told_of, KEY, "Clustering", ""), partial(work.cancel, KEY), "-"
        )
