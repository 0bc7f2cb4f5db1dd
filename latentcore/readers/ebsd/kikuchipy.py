"""kikuchipy's own h5ebsd files.

Facts: one group ``Scan n`` per scan, patterns flat along the first axis; orix's crystal map
beside them, with angles in rad, phase −1 for not indexed, and ``is_in_data`` telling which points
have values at all; with several solutions per point its datasets are (n, k), the best one first.
"""

from __future__ import annotations

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.readers._ebsd.conventions import KIKUCHIPY
from latentcore.readers._ebsd.fields import Phase, column, listed_phases, points_in
from latentcore.readers._ebsd.scan import Vendor
from latentcore.readers.ebsd import VENDORS


class _Kikuchipy(Vendor):
    """Facts that are not in a table."""

    def phases(self, file: h5py.File, scan: str) -> dict[int, Phase]:
        folder = f"{scan}/EBSD/CrystalMap/crystal_map/header/phases"
        return listed_phases(file, folder, ("name",), self.hexagonal_x)

    def unindexed(self, file: h5py.File, scan: str, n: int) -> NDArray[np.bool_] | None:
        key = f"{scan}/{self.data}/is_in_data"
        return column(file, key) == 0 if points_in(file, key) == n else None


VENDORS.register("kikuchipy-hdf5")(
    _Kikuchipy(
        label="kikuchipy .h5",
        maker="kikuchipy",
        patterns={"saved": "patterns"},
        cells=("n_columns", "n_rows"),
        steps=("step_x", "step_y"),
        places=("x", "y"),
        data="EBSD/CrystalMap/crystal_map/data",
        not_maps=frozenset({"id", "is_in_data", "x", "y", "z", "phi1", "Phi", "phi2"}),
        renamed={"phase_id": "phase"},
        best_first=True,
        first=("scores", "phase"),
        euler=("phi1", "Phi", "phi2"),
        euler_convention=KIKUCHIPY,
    )
)
