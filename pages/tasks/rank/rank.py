"""Rank: which latent dimension means what."""

from __future__ import annotations

from pages.scan import state
from pages.tasks.rank import ranking as page

page.show(state.current())
