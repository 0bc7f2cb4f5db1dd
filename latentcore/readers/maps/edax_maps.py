"""Maps of EDAX's EBSD files; the facts are in `latentcore.readers._ebsd.edax`."""

from __future__ import annotations

from latentcore.readers import MAPS_READERS
from latentcore.readers._ebsd.edax import EDAX
from latentcore.readers._ebsd.readers import VendorMaps

_NAME = "edax-maps"

MAPS_READERS.register(_NAME)(VendorMaps(_NAME, EDAX))
