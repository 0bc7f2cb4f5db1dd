"""Maps of Oxford's EBSD files; the facts are in `latentcore.readers._ebsd.oxford`."""

from __future__ import annotations

from latentcore.readers import MAPS_READERS
from latentcore.readers._ebsd.oxford import OXFORD
from latentcore.readers._ebsd.readers import VendorMaps

_NAME = "oxford-maps"

MAPS_READERS.register(_NAME)(VendorMaps(_NAME, OXFORD))
