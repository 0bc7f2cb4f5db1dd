"""The verb ``agree``."""

from __future__ import annotations

from latentcore.workflows.agree.verb import AgreeRequest, run

__all__ = ["AgreeRequest", "run"]
