"""What the program itself writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from tests.factories.layouts._layout import Coords, Layout, Values

__all__ = ["LAYOUTS"]


def _ours(path: Path, coords: Coords, values: Values) -> None:
    latents = LatentSet(
        values=values[:, None],
        sample_ids=default_sample_ids(len(values)),
        dims=np.array([7], np.int32),
        grid=ScanGrid.from_coordinates(coords[:, 0], coords[:, 1]),
    )
    write_latents(path, latents)


LAYOUTS = (Layout("latentcore-hdf5", "latents", "scan_latents.h5", _ours),)
