"""What nenya reads and writes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tests.factories.layouts._layout import Coords, Layout, Values

__all__ = ["LAYOUTS"]


def _latents(path: Path, coords: Coords, values: Values) -> None:
    half = len(values) // 2
    with h5py.File(path, "w") as file:
        file["train"] = values[:half, None]
        file["valid"] = values[half:, None]


def _cutouts(path: Path, coords: Coords, values: Values) -> None:
    images = np.repeat(values, 12).reshape(-1, 3, 4)
    with h5py.File(path, "w") as file:
        file.create_dataset("train", data=images[:13], chunks=(4, 3, 4), compression="gzip")
        file["valid"] = images[13:, None]  # with an axis for the channel, or without


LAYOUTS = (
    Layout("nenya-latents", "latents", "pp_latents.h5", _latents, any_order=False, has_grid=False),
    Layout("nenya-hdf5", "samples", "pp.h5", _cutouts, any_order=False, has_grid=False),
)
