"""The app of the browser tests, with the routes of the linked panels."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.panels.routes import ROUTES

app = st.App(Path(__file__).with_name("page.py"), routes=ROUTES)
