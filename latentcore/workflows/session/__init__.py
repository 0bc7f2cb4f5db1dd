"""The verb ``session``."""

from __future__ import annotations

from latentcore.workflows.session.verb import SessionRequest, run

__all__ = ["SessionRequest", "run"]
