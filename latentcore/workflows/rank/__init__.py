"""The verb ``rank``."""

from __future__ import annotations

from latentcore.workflows.rank.verb import RankRequest, run

__all__ = ["RankRequest", "run"]
