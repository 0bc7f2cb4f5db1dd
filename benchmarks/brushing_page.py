"""The page that `bench_brushing.py` opens: four linked panels and nothing else."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import streamlit as st

from pages.panels.linked_panels import PanelsView, linked_panels
from pages.panels.routes import ROUTES
from tests.linked_panels.apps.scene import make_points, make_view


@lru_cache(maxsize=1)
def view() -> PanelsView:
    """Make the points once for all sessions."""
    shape = (int(os.environ["PANELS_ROWS"]), int(os.environ["PANELS_COLUMNS"]))
    return make_view(make_points(*shape), shape, f"bench-{shape}")


def show() -> None:
    """Draw the page; Streamlit runs the file as a script under this name."""
    st.set_page_config(layout="wide")
    linked_panels(view(), key="explorer")


if __name__ == "__main__":
    show()
else:
    # Made before the server answers, as a real page would have its data loaded.
    view()
    app = st.App(Path(__file__), routes=ROUTES)
