"""Patterns of the EBSD vendors' files; see `latentcore.readers.ebsd`."""

from __future__ import annotations

from latentcore.readers import SAMPLES_READERS
from latentcore.readers._ebsd.readers import VendorSamples
from latentcore.readers.ebsd import VENDORS

for _name, _vendor in VENDORS.items():
    if _vendor.patterns:
        SAMPLES_READERS.register(_name)(VendorSamples(_vendor))
