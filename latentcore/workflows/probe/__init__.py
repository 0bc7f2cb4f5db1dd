"""The verb ``probe``."""

from __future__ import annotations

from latentcore.workflows.probe.verb import ProbeRequest, predictions_table, probe_of, run

__all__ = ["ProbeRequest", "predictions_table", "probe_of", "run"]
