"""One writer per registered reader: the same points and values in every layout.

The conformance suite runs on all of these; a reader without a layout here fails it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from tests.factories.kikuchi import write_kikuchi

__all__ = ["LAYOUTS", "Layout"]

Coords = NDArray[np.int32]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """How a file of one format is written.

    Attributes
    ----------
    reader : str
    kind : str
        ``"samples"``, ``"latents"`` or ``"maps"``.
    file_name : str
    write : callable
        ``write(path, coords (n, 2), values (n,))``: the value is the sample, latent or map.
    options : callable
        Options to open it with, from its path.
    any_order : bool
        Whether the layout holds coordinates, so that rows may come in any order.
    has_grid : bool
    """

    reader: str
    kind: str
    file_name: str
    write: Callable[[Path, Coords, Values], None]
    options: Callable[[Path], dict[str, object]] = field(default=lambda path: {})
    any_order: bool = True
    has_grid: bool = True


def _kikuchi(path: Path, coords: Coords, values: Values) -> None:
    images = np.repeat(values, 12).reshape(-1, 1, 3, 4).astype(np.float32)
    write_kikuchi(path, coords, images)


def _table(path: Path, coords: Coords, values: Values, name: str) -> None:
    table = pd.DataFrame({"x": coords[:, 0], "y": coords[:, 1], name: values})
    table.to_csv(path, index=False)


def _latent_table(path: Path, coords: Coords, values: Values) -> None:
    _table(path, coords, values, "latent_d7")


def _map_table(path: Path, coords: Coords, values: Values) -> None:
    _table(path, coords, values, "bandcontrast")


def _matrix(path: Path, coords: Coords, values: Values) -> None:
    matrix = np.zeros(coords.max(axis=0)[::-1] + 1)
    matrix[coords[:, 1], coords[:, 0]] = values
    np.savetxt(path, matrix, delimiter="\t", fmt="%.9g")


def _npy(path: Path, coords: Coords, values: Values) -> None:
    np.save(path, values)
    _table(path.with_suffix(".csv"), coords, values, "anything")


def _npy_options(path: Path) -> dict[str, object]:
    return {"coords": str(path.with_suffix(".csv"))}


def _ours(path: Path, coords: Coords, values: Values) -> None:
    latents = LatentSet(
        values=values[:, None],
        sample_ids=default_sample_ids(len(values)),
        dims=np.array([7], np.int32),
        grid=ScanGrid.from_coordinates(coords[:, 0], coords[:, 1]),
    )
    write_latents(path, latents)


def _nenya(path: Path, coords: Coords, values: Values) -> None:
    half = len(values) // 2
    with h5py.File(path, "w") as file:
        file["train"] = values[:half, None]
        file["valid"] = values[half:, None]


LAYOUTS = {
    layout.reader: layout
    for layout in (
        Layout("kikuchi-hdf5", "samples", "scan.h5", _kikuchi),
        Layout("latent-map-table", "latents", "latent.csv", _latent_table),
        Layout("latentcore-hdf5", "latents", "scan_latents.h5", _ours),
        Layout(
            "nenya-latents", "latents", "pp_latents.h5", _nenya, any_order=False, has_grid=False
        ),
        Layout("npy-with-coords", "latents", "latent_d7.npy", _npy, _npy_options),
        Layout("csv-maps", "maps", "bandcontrast.csv", _map_table),
        Layout("matrix-map", "maps", "Fe.tsv", _matrix, any_order=False),
    )
}
