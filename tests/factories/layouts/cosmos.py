"""Folders of pictures and of videos, and features made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tests.factories.layouts._layout import Coords, Layout, Values
from tests.factories.media import write_picture, write_video

__all__ = ["LAYOUTS"]


def _pictures(path: Path, coords: Coords, values: Values) -> None:
    for row, value in enumerate(values):
        write_picture(path / f"{row:03d}.png", np.full((3, 4), value, np.uint8))


def _videos(path: Path, coords: Coords, values: Values) -> None:
    for row, value in enumerate(values):
        write_video(path / f"{row:03d}.avi", np.full((2, 4, 6, 3), value, np.uint8))


def _features(path: Path, coords: Coords, values: Values) -> None:
    features = torch.from_numpy(np.repeat(values[:, None], 3, axis=1))
    paths = [f"{row:03d}.png" for row in range(len(values))]
    torch.save({"features": features, "paths": paths, "meta": {"latent_channels": 3}}, path)


LAYOUTS = (
    Layout("image-folder", "samples", "pictures", _pictures, any_order=False, has_grid=False),
    Layout("video", "samples", "videos", _videos, any_order=False, has_grid=False),
    Layout("torch-features", "latents", "features.pt", _features, any_order=False, has_grid=False),
)
