"""orix' HDF5 file of a ``CrystalMap``, as orix, kikuchipy and this program's export write it.

Facts, from orix' source: ``crystal_map/data`` holds one value per point of ``x``, ``y``,
``phase_id`` (−1 is not indexed), ``is_in_data`` and properties; with several rotations per point,
angles and properties may have the shape (n, k), the best one first. Angles in rad. The header's
``nx`` and ``ny`` count points as often as columns and rows: coordinates alone place the points.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.hdf5 import follow, text
from latentcore.readers._columns import names_labels
from latentcore.readers._coords import grid_of
from latentcore.readers._ebsd.conventions import ORIX
from latentcore.readers._ebsd.fields import (
    Phase,
    column,
    listed_phases,
    number,
    points_in,
    printed_unit,
)
from latentcore.readers._ebsd.scan import Options, Placed, Vendor
from latentcore.readers.ebsd import VENDORS

_SCAN = "crystal_map"
_HEADER = f"{_SCAN}/header"


class _Orix(Vendor):
    """Facts that are not in a table."""

    def scans(self, file: h5py.File) -> tuple[str, ...]:
        return (_SCAN,) if isinstance(follow(file, f"{_SCAN}/data"), h5py.Group) else ()

    def placed(self, file: h5py.File, scan: str, n: int, options: Options) -> Placed:
        del options  # there is nothing to choose
        x, y = (self._axis(file, f"{scan}/{self.data}/{name}", n) for name in self.places)
        unit = printed_unit(text(file, f"{_HEADER}/scan_unit"))
        grid = grid_of(x, y, Path(file.filename).name, unit="" if unit == "px" else unit)
        rotations = number(file, f"{_HEADER}/rotations_per_point") or 1
        if rotations <= 1:
            return Placed(grid)
        note = f"There are {rotations:.0f} rotations per point: the first, the best one, is read."
        return Placed(grid, (note,))

    def phases(self, file: h5py.File, scan: str) -> dict[int, Phase]:
        del scan  # there is one
        return listed_phases(file, f"{_HEADER}/phases", ("name",), self.hexagonal_x)

    def left_out(
        self, file: h5py.File, scan: str, values: NDArray[np.float32]
    ) -> NDArray[np.bool_] | None:
        key = f"{scan}/{self.data}/is_in_data"
        return column(file, key) == 0 if points_in(file, key) == values.shape[1] else None

    def is_label(self, name: str) -> bool:
        return names_labels(name) and name not in self.renamed.values()

    def _axis(self, file: h5py.File, key: str, n: int) -> NDArray[np.float64]:
        """Return one coordinate; a map of one row or column may lack the other."""
        return np.asarray(column(file, key), np.float64) if points_in(file, key) else np.zeros(n)


VENDORS.register("orix-hdf5")(
    _Orix(
        label="orix .h5",
        maker="orix",
        patterns={},
        places=("x", "y"),
        data="data",
        not_maps=frozenset({"id", "is_in_data", "x", "y", "z", "phi1", "Phi", "phi2"}),
        renamed={"phase_id": "phase"},
        left_out_as="are not in the data (is_in_data)",
        best_first=True,
        first=("scores", "phase"),
        euler=("phi1", "Phi", "phi2"),
        euler_convention=ORIX,
        options=frozenset(),
    )
)
