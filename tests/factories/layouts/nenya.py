"""What nenya writes."""

from __future__ import annotations

from pathlib import Path

import h5py

from tests.factories.layouts._layout import Coords, Layout, Values

__all__ = ["LAYOUTS"]


def _nenya(path: Path, coords: Coords, values: Values) -> None:
    half = len(values) // 2
    with h5py.File(path, "w") as file:
        file["train"] = values[:half, None]
        file["valid"] = values[half:, None]


LAYOUTS = (
    Layout("nenya-latents", "latents", "pp_latents.h5", _nenya, any_order=False, has_grid=False),
)
