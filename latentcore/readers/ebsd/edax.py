"""EDAX OIM: ``.h5`` of OIM Analysis.

Facts: header entries have the shape (1,); angles in rad, where CI is −1 they mean nothing (OIM
writes 4π); with a single phase all points have the phase 0, with several they count from 1;
patterns often stay in ``.up1`` or ``.up2`` files beside it. In real files ``Y Position`` may
repeat ``X Position``, so that only the header places the points.
"""

from __future__ import annotations

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.readers._ebsd.conventions import EDAX
from latentcore.readers._ebsd.fields import Phase, column, listed_phases, points_in
from latentcore.readers._ebsd.scan import Vendor
from latentcore.readers.ebsd import VENDORS

_BAD_CONFIDENCE = -1.0


class _Edax(Vendor):
    """Facts that are not in a table."""

    def phases(self, file: h5py.File, scan: str) -> dict[int, Phase]:
        folder, names = f"{scan}/EBSD/Header/Phase", ("MaterialName", "Material Name", "Formula")
        phases = listed_phases(file, folder, names, self.hexagonal_x)
        only = next(iter(phases.values()), None)
        return {**phases, 0: only} if only is not None and len(phases) == 1 else phases

    def unindexed(self, file: h5py.File, scan: str, n: int) -> NDArray[np.bool_] | None:
        key = f"{scan}/{self.data}/CI"
        return column(file, key) == _BAD_CONFIDENCE if points_in(file, key) == n else None


VENDORS.register("edax-hdf5")(
    _Edax(
        label="EDAX OIM .h5",
        maker="edax",
        patterns={"saved": "Pattern"},
        pattern_hint="OIM often keeps them in an .up1 or .up2 file: save them with the scan.",
        cells=("nColumns", "nRows"),
        steps=("Step X", "Step Y"),
        places=("X Position", "Y Position"),
        not_maps=frozenset({"X Position", "Y Position", "Phi1", "Phi", "Phi2"}),
        renamed={"Phase": "phase"},
        first=("IQ", "phase", "CI", "Fit"),
        units={"Fit": "°"},
        euler=("Phi1", "Phi", "Phi2"),
        euler_convention=EDAX,
    )
)
