"""Maps in HyperSpy's files; see `latentcore.readers._hyperspy`."""

from __future__ import annotations

from latentcore.readers import MAPS_READERS
from latentcore.readers._hyperspy.readers import HyperspyMaps, hspy_file, zspy_file

MAPS_READERS.register("hspy-maps")(HyperspyMaps(hspy_file()))
MAPS_READERS.register("zspy-maps")(HyperspyMaps(zspy_file()))
