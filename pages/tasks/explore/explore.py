"""Explore: linked panels over the latents of one scan.

Streamlit compiles and executes this file at each rerun; what it shows is a module, imported once.
"""

from __future__ import annotations

from pages.scan.state import current
from pages.tasks.explore.explorer import show

show(current())
