"""Domains: connected parts of the scan in view whose latents are alike.

Streamlit compiles and executes this file at each rerun; what it shows is a module, imported once.
"""

from __future__ import annotations

from pages.scan.state import current
from pages.tasks.domains.page import show

show(current())
