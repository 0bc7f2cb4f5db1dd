"""Maps of the EBSD vendors' files; see `latentcore.readers.ebsd`."""

from __future__ import annotations

from latentcore.readers import MAPS_READERS
from latentcore.readers._ebsd.readers import VendorMaps
from latentcore.readers.ebsd import VENDORS

for _vendor in (vendor for _, vendor in VENDORS.items()):
    MAPS_READERS.register(f"{_vendor.maker}-maps")(VendorMaps(_vendor))
