"""The verb ``collect``."""

from __future__ import annotations

from latentcore.workflows.collect.verb import CollectRequest, run

__all__ = ["CollectRequest", "run"]
