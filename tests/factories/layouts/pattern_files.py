"""Files of patterns, and the maps beside one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.factories.ebsd import flat_images, write_edax
from tests.factories.layouts._layout import Coords, Layout, Values
from tests.factories.pattern_files import write_apex, write_ebsp, write_up

__all__ = ["LAYOUTS"]


def _up(path: Path, coords: Coords, values: Values) -> None:
    columns, rows = coords.max(axis=0) + 1
    write_up(path, flat_images(values).astype("<u2"), (columns, rows))


def _ebsp(path: Path, coords: Coords, values: Values) -> None:
    order = np.random.default_rng(1).permutation(len(values))
    write_ebsp(path, flat_images(values), coords, order=order)


def _paired(path: Path, coords: Coords, values: Values) -> None:
    columns, rows = coords.max(axis=0) + 1
    write_up(path, flat_images(values), (columns, rows), version=1)
    write_edax(path.with_suffix(".H5"), coords, None, values, step=1.0)


def _apex(path: Path, coords: Coords, values: Values) -> None:
    columns, rows = coords.max(axis=0) + 1
    write_apex(path, values, (columns, rows))


LAYOUTS = (
    Layout("edax-apex", "maps", "maps.edaxh5", _apex, any_order=False, unit="µm"),
    Layout("edax-up", "samples", "scan.UP2", _up, any_order=False, unit="µm", cut_is_shorter=True),
    Layout("oxford-ebsp", "samples", "scan.ebsp", _ebsp, unit="µm"),
    Layout("paired-maps", "maps", "scan.up1", _paired, also={"samples": "edax-up"}, unit="µm"),
)
