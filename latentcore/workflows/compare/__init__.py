"""The verb ``compare``."""

from __future__ import annotations

from latentcore.workflows.compare.verb import CompareRequest, run

__all__ = ["CompareRequest", "run"]
