"""The verb ``probe``."""

from __future__ import annotations

from latentcore.workflows.probe.verb import ProbeRequest, probe_of, run

__all__ = ["ProbeRequest", "probe_of", "run"]
