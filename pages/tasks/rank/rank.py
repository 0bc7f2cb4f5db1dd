"""Rank: latent dimensions against reference maps and reference labels.

Streamlit compiles and executes this file at each rerun; what it shows is a module, imported once.
"""

from __future__ import annotations

from pages.scan.state import current
from pages.tasks.rank.ranking import show

show(current())
