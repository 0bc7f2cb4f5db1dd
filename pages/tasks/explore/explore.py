"""Explore: linked panels over the latents of one scan."""

from __future__ import annotations

from pages.scan import state
from pages.tasks.explore import explorer as page

page.show(state.current())
