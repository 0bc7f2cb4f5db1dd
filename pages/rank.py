"""Rank: which latent dimension means what."""

from __future__ import annotations

from pages.shared import state
from pages.shared.ranking import page

page.show(state.current())
