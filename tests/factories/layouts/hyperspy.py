"""HyperSpy's files: a signal of patterns in one, a navigation image in another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.factories.hyperspy import HyperSignal, write_hspy, write_zspy
from tests.factories.layouts._layout import Coords, Layout, Values

__all__ = ["LAYOUTS"]


def _patterns(coords: Coords, values: Values) -> dict[str, HyperSignal]:
    columns, rows = coords.max(axis=0) + 1
    images = np.repeat(values, 12).reshape(rows, columns, 3, 4).astype(np.uint8)
    return {"scan": HyperSignal(images, chunks=(2, 3, 3, 4))}


def _image(coords: Coords, values: Values) -> dict[str, HyperSignal]:
    columns, rows = coords.max(axis=0) + 1
    return {"mean": HyperSignal(values.reshape(rows, columns), chunks=(rows, columns))}


def _hspy(path: Path, coords: Coords, values: Values) -> None:
    write_hspy(path, _patterns(coords, values))


def _hspy_map(path: Path, coords: Coords, values: Values) -> None:
    write_hspy(path, _image(coords, values))


def _zspy(path: Path, coords: Coords, values: Values) -> None:
    write_zspy(path, _patterns(coords, values))


def _zspy_map(path: Path, coords: Coords, values: Values) -> None:
    write_zspy(path, _image(coords, values), version=3)


LAYOUTS = (
    Layout("hspy", "samples", "scan.hspy", _hspy, any_order=False, unit="µm"),
    Layout("zspy", "samples", "scan.zspy", _zspy, any_order=False, unit="µm"),
    Layout("hspy-maps", "maps", "image.hspy", _hspy_map, any_order=False, unit="µm"),
    Layout("zspy-maps", "maps", "image.zspy", _zspy_map, any_order=False, unit="µm"),
)
