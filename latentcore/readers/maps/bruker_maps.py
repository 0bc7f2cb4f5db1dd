"""Maps of Bruker's EBSD files; the facts are in `latentcore.readers._ebsd.bruker`."""

from __future__ import annotations

from latentcore.readers import MAPS_READERS
from latentcore.readers._ebsd.bruker import BRUKER
from latentcore.readers._ebsd.readers import VendorMaps

_NAME = "bruker-maps"

MAPS_READERS.register(_NAME)(VendorMaps(_NAME, BRUKER))
