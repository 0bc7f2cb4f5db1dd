"""What kinoml writes: arrays, and records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from tests.factories.layouts._layout import Coords, Layout, Values

__all__ = ["LAYOUTS"]


def _arrays(path: Path, coords: Coords, values: Values) -> None:
    ragged = {
        f"X_s{row}_": np.full((row % 3 + 1, 2), value, np.float32)
        for row, value in enumerate(values)
    }
    with path.open("wb") as file:
        np.savez(file, y=np.linspace(0, 1, len(values)), **ragged)


def _records(path: Path, coords: Coords, values: Values) -> None:
    rows = [[[value, value]] * (row % 3 + 1) for row, value in enumerate(values.tolist())]
    y = np.linspace(0, 1, len(values))
    pyarrow.parquet.write_table(pa.table({"0": rows, "1": y}), path)


LAYOUTS = (
    Layout("kinoml-npz", "latents", "kinases.npz", _arrays, any_order=False, has_grid=False),
    Layout("awkward-parquet", "latents", "k.parquet", _records, any_order=False, has_grid=False),
)
