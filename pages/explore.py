"""Explore: linked panels over the latents of one scan."""

from __future__ import annotations

from pages.shared import state
from pages.shared.explorer import page

page.show(state.current())
