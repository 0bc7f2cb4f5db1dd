"""Compare: what several encoders make of the same samples.

Streamlit compiles and executes this file at each rerun; what it shows is a module, imported once.
"""

from __future__ import annotations

from pages.scan.state import current
from pages.tasks.compare.page import show

show(current())
