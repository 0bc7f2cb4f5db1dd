"""Patterns of Bruker's EBSD files; the facts are in `latentcore.readers._ebsd.bruker`."""

from __future__ import annotations

from latentcore.readers import SAMPLES_READERS
from latentcore.readers._ebsd.bruker import BRUKER
from latentcore.readers._ebsd.readers import VendorSamples

_NAME = "bruker-hdf5"

SAMPLES_READERS.register(_NAME)(VendorSamples(_NAME, BRUKER))
