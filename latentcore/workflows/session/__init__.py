"""The verb ``session``."""

from __future__ import annotations

from latentcore.workflows.session.inputs import read_maps, read_panels, read_selections
from latentcore.workflows.session.report import digest
from latentcore.workflows.session.request import SessionRequest
from latentcore.workflows.session.verb import run

# The scripts that sessions leave import the readers and the digest from here.
__all__ = ["SessionRequest", "digest", "read_maps", "read_panels", "read_selections", "run"]
