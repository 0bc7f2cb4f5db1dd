"""The page that `bench_brushing.py` opens: four linked panels and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from pages.panels.linked_panels import PanelsView, linked_panels
from pages.panels.routes import ROUTES
from tests.linked_panels.apps.scene import make_points, make_view


@st.cache_resource(show_spinner=False)
def view() -> PanelsView:
    """Make the points once for all sessions, each of which runs this file anew."""
    shape = (int(os.environ["PANELS_ROWS"]), int(os.environ["PANELS_COLUMNS"]))
    return make_view(make_points(*shape), shape, f"bench-{shape}")


def show() -> None:
    """Draw the page; Streamlit runs the file as a script under this name."""
    st.set_page_config(layout="wide")
    linked_panels(view(), key="explorer")


if __name__ == "__main__":
    show()
else:
    app = st.App(Path(__file__), routes=ROUTES)
