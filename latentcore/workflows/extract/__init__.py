"""The verb ``extract``."""

from __future__ import annotations

from latentcore.workflows.extract.job import FITTED_PREPARATION
from latentcore.workflows.extract.verb import ExtractRequest, extract

__all__ = ["FITTED_PREPARATION", "ExtractRequest", "extract"]
