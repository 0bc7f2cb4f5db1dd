"""The verb ``batch``."""

from __future__ import annotations

from latentcore.workflows.batch.verb import BatchRequest, batch, failures_in

__all__ = ["BatchRequest", "batch", "failures_in"]
