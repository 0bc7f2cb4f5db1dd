"""The verb ``extract``."""

from __future__ import annotations

from latentcore.workflows.extract.verb import FITTED_PREPARATION, ExtractRequest, extract

__all__ = ["FITTED_PREPARATION", "ExtractRequest", "extract"]
