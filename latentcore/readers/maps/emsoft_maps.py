"""Maps of EMsoft's EBSD files; the facts are in `latentcore.readers._ebsd.emsoft`."""

from __future__ import annotations

from latentcore.readers import MAPS_READERS
from latentcore.readers._ebsd.emsoft import EMSOFT
from latentcore.readers._ebsd.readers import VendorMaps

_NAME = "emsoft-maps"

MAPS_READERS.register(_NAME)(VendorMaps(_NAME, EMSOFT))
