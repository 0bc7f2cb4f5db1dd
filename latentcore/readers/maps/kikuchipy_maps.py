"""Maps of kikuchipy's EBSD files; the facts are in `latentcore.readers._ebsd.kikuchipy`."""

from __future__ import annotations

from latentcore.readers import MAPS_READERS
from latentcore.readers._ebsd.kikuchipy import KIKUCHIPY
from latentcore.readers._ebsd.readers import VendorMaps

_NAME = "kikuchipy-maps"

MAPS_READERS.register(_NAME)(VendorMaps(_NAME, KIKUCHIPY))
