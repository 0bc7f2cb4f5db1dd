"""Folders of pictures and of videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.factories.layouts._layout import Coords, Layout, Values
from tests.factories.media import write_picture, write_video

__all__ = ["LAYOUTS"]


def _pictures(path: Path, coords: Coords, values: Values) -> None:
    for row, value in enumerate(values):
        write_picture(path / f"{row:03d}.png", np.full((3, 4), value, np.uint8))


def _videos(path: Path, coords: Coords, values: Values) -> None:
    for row, value in enumerate(values):
        write_video(path / f"{row:03d}.avi", np.full((2, 4, 6, 3), value, np.uint8))


LAYOUTS = (
    Layout("image-folder", "samples", "pictures", _pictures, any_order=False, has_grid=False),
    Layout("video", "samples", "videos", _videos, any_order=False, has_grid=False),
)
