"""The verb ``search``."""

from __future__ import annotations

from latentcore.workflows.search.verb import SearchRequest, neighbors_table, row_at, run

__all__ = ["SearchRequest", "neighbors_table", "row_at", "run"]
