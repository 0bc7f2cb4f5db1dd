"""Patterns of kikuchipy's EBSD files; the facts are in `latentcore.readers._ebsd.kikuchipy`."""

from __future__ import annotations

from latentcore.readers import SAMPLES_READERS
from latentcore.readers._ebsd.kikuchipy import KIKUCHIPY
from latentcore.readers._ebsd.readers import VendorSamples

_NAME = "kikuchipy-hdf5"

SAMPLES_READERS.register(_NAME)(VendorSamples(_NAME, KIKUCHIPY))
