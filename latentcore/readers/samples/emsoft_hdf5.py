"""Patterns of EMsoft's EBSD files; the facts are in `latentcore.readers._ebsd.emsoft`."""

from __future__ import annotations

from latentcore.readers import SAMPLES_READERS
from latentcore.readers._ebsd.emsoft import EMSOFT
from latentcore.readers._ebsd.readers import VendorSamples

_NAME = "emsoft-hdf5"

SAMPLES_READERS.register(_NAME)(VendorSamples(_NAME, EMSOFT))
