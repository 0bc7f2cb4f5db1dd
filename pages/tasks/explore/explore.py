"""Explore: linked panels over the latents of one scan.

Streamlit compiles and executes this file at each rerun; what it shows is a module, imported once.
"""

from __future__ import annotations

from pages.scan import first_visit
from pages.scan.state import current
from pages.tasks.explore.explorer import show

show(current())
first_visit.strip(
    "explore",
    "All panels show the same samples. Drag in one: what you brush stands out in all, and its "
    "numbers follow. Click a point to see the sample itself.",
)
