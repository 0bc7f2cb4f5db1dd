"""Tables and matrices: latent maps, reference maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.factories.layouts._layout import Coords, Layout, Values

__all__ = ["LAYOUTS"]


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


LAYOUTS = (
    Layout(
        "latent-map-table", "latents", "latent.csv", _latent_table,
        also={"maps": "csv-maps"}, cut_is_shorter=True,
    ),
    Layout("npy-with-coords", "latents", "latent_d7.npy", _npy, _npy_options),
    Layout("csv-maps", "maps", "bandcontrast.csv", _map_table, cut_is_shorter=True),
    Layout("matrix-map", "maps", "Fe.tsv", _matrix, any_order=False, cut_is_shorter=True),
)  # fmt: skip
