"""Patterns of EDAX's EBSD files; the facts are in `latentcore.readers._ebsd.edax`."""

from __future__ import annotations

from latentcore.readers import SAMPLES_READERS
from latentcore.readers._ebsd.edax import EDAX
from latentcore.readers._ebsd.readers import VendorSamples

_NAME = "edax-hdf5"

SAMPLES_READERS.register(_NAME)(VendorSamples(_NAME, EDAX))
