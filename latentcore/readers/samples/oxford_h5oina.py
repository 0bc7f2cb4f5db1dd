"""Patterns of Oxford's EBSD files; the facts are in `latentcore.readers._ebsd.oxford`."""

from __future__ import annotations

from latentcore.readers import SAMPLES_READERS
from latentcore.readers._ebsd.oxford import OXFORD
from latentcore.readers._ebsd.readers import VendorSamples

_NAME = "oxford-h5oina"

SAMPLES_READERS.register(_NAME)(VendorSamples(_NAME, OXFORD))
