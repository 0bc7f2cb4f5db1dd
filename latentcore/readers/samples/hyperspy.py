"""Patterns in HyperSpy's files; see `latentcore.readers._hyperspy`."""

from __future__ import annotations

from latentcore.readers import SAMPLES_READERS
from latentcore.readers._hyperspy.readers import HyperspySamples, hspy_file, zspy_file

SAMPLES_READERS.register("hspy")(HyperspySamples(hspy_file()))
SAMPLES_READERS.register("zspy")(HyperspySamples(zspy_file()))
