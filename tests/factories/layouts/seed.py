"""The seed's Kikuchi scans."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.factories.kikuchi import write_kikuchi
from tests.factories.layouts._layout import Coords, Layout, Values

__all__ = ["LAYOUTS"]


def _kikuchi(path: Path, coords: Coords, values: Values) -> None:
    images = np.repeat(values, 12).reshape(-1, 1, 3, 4).astype(np.float32)
    write_kikuchi(path, coords, images)


LAYOUTS = (Layout("kikuchi-hdf5", "samples", "scan.h5", _kikuchi),)
