"""Explore: linked panels over the latents of one scan."""

from __future__ import annotations

import streamlit as st

from pages.shared import state
from pages.shared.explorer import page

page.show(state.current())
