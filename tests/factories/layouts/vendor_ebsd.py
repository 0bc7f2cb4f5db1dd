"""EBSD vendors: patterns in one file, maps in another, so that each reader is tried alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from tests.factories.dream3d import write_dream3d
from tests.factories.ebsd import VENDORS, flat_images, write_emsoft, write_nordif, write_orix
from tests.factories.layouts._layout import Coords, Layout, Values

__all__ = ["LAYOUTS"]

_SUFFIX = {"oxford": "h5oina"}


def _patterns(vendor: str, path: Path, coords: Coords, values: Values) -> None:
    # The maps are there as well: a file is both samples and maps.
    VENDORS[vendor](path, coords, flat_images(values), values, step=1.0)


def _maps(vendor: str, path: Path, coords: Coords, values: Values) -> None:
    VENDORS[vendor](path, coords, None, values, step=1.0)


def _orix(path: Path, coords: Coords, values: Values) -> None:
    write_orix(path, coords, values, step=1.0)


def _dream3d(path: Path, coords: Coords, values: Values) -> None:
    columns, rows = coords.max(axis=0) + 1
    write_dream3d(path, {"BC": values.reshape(1, rows, columns, 1)})


def _emsoft(path: Path, coords: Coords, values: Values) -> None:
    write_emsoft(path, flat_images(values), np.zeros((len(values), 3)))


def _emsoft_folded(path: Path, coords: Coords, values: Values) -> None:
    columns = coords[:, 0].max() + 1
    angles = np.radians(np.stack([values] * 3, 1), dtype=np.float64)
    write_emsoft(path, flat_images(values).reshape(-1, columns, 3, 4), angles)


def _nordif(path: Path, coords: Coords, values: Values) -> None:
    columns, rows = coords.max(axis=0) + 1
    write_nordif(path.parent, flat_images(values), (columns, rows), step=1.0)


LAYOUTS = (
    *(
        Layout(
            f"{vendor}-{_SUFFIX.get(vendor, 'hdf5')}", "samples", f"scan.{vendor}.h5",
            partial(_patterns, vendor), also={"maps": f"{vendor}-maps"}, unit="µm",
        )
        for vendor in VENDORS
    ),
    *(
        Layout(f"{vendor}-maps", "maps", f"maps.{vendor}.h5", partial(_maps, vendor), unit="µm")
        for vendor in VENDORS
    ),
    Layout("dream3d-maps", "maps", "pipeline.dream3d", _dream3d, any_order=False),
    Layout("orix-maps", "maps", "crystal_map.h5", _orix, unit="µm"),
    Layout("emsoft-hdf5", "samples", "simulated.h5", _emsoft, any_order=False, has_grid=False),
    Layout(
        "emsoft-maps", "maps", "folded.h5", _emsoft_folded,
        any_order=False, also={"samples": "emsoft-hdf5"},
    ),
    Layout("nordif", "samples", "Pattern.dat", _nordif, any_order=False, unit="µm",
           cut_is_shorter=True),
)  # fmt: skip
