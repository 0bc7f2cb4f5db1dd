"""Collect what the browser is sent about each point."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.exploration import codes_of
from latentcore.containers import ScanGrid
from pages.panels.linked_panels.view import GridGeometry, PointTable


@dataclass
class PointArrays:
    """Collects the arrays that the browser needs, each with its fingerprint."""

    values: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, values: NDArray[np.generic], key: str) -> str:
        """Add an array and return its name; `key` changes whenever the values do."""
        wanted = np.int32 if values.dtype.kind in "iub" else np.float32
        self.values[name] = np.ascontiguousarray(values, wanted)
        self.keys[name] = hashlib.blake2b(f"{key}|{name}".encode(), digest_size=16).hexdigest()
        return name

    def add_codes(
        self, name: str, values: NDArray[np.floating], key: str
    ) -> tuple[str, NDArray[np.int32]]:
        """Add the codes of a map of categories; return its name, and the codes that there are.

        A code that no category has stands for "no value": it gets the color of missing points.
        """
        codes = codes_of(values)
        return self.add(name, codes, key), codes[np.isfinite(values)]

    def add_zeros(self, n: int) -> str:
        """Add what is along y where only x means something."""
        return self.add("no height", np.zeros(n, np.float32), f"zeros {n}")

    def add_grid(self, grid: ScanGrid, key: str) -> GridGeometry:
        """Add what maps need of each point, and return how they are drawn."""
        (rows, columns), row, col, step = grid.lattice
        for name, values in (("x", grid.x), ("y", grid.y), ("row", row), ("col", col)):
            self.add(name, values, key)
        x0, _, y0, _ = grid.picture_extent
        across = 2 if grid.hexagonal else 1
        return GridGeometry(
            shape=(rows, columns + across - 1),
            origin=(x0 + step[0] / 2, y0 + step[1] / 2),
            step=step,
            unit=grid.unit,
            cell_columns=across,
        )

    def table(self, n: int) -> PointTable:
        """Return them as the arrays of n points."""
        return PointTable(n, self.values, self.keys)
