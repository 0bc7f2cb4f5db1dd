"""The verb ``differ``."""

from __future__ import annotations

from latentcore.workflows.differ.request import DifferRequest
from latentcore.workflows.differ.verb import run

__all__ = ["DifferRequest", "run"]
