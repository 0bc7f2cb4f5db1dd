"""Oxford Instruments ``.h5oina`` (AZtec), versions 1 to 8.

Source: H5OINAFile.md of github.com/oinanoanalysis/h5oina: angles in rad; x of the crystal
perpendicular to b and c; phase 0 is not indexed; concentrations in wt%, X-ray intensities in
counts per second; datasets may have the shape (n,) or (n, 1); outside of an irregular map numbers
are NaN. What AZtecCrystal cleaned stands in ``Data Processing/Data``, beside what was acquired, and
its analyses (grains, kernel average misorientation) in ``Data Processing/Analyses``.
"""

from __future__ import annotations

import h5py
import numpy as np
from numpy.typing import NDArray

from latentcore.errors import RequestError
from latentcore.readers._ebsd.conventions import OXFORD
from latentcore.readers._ebsd.fields import children, columns_of, listed_phases, points_in
from latentcore.readers._ebsd.scan import Options, Part, Vendor
from latentcore.readers.ebsd import VENDORS

_PROCESSING = "Data Processing"
_ACQUIRED, _PROCESSED = "acquired", "processed"
_DATA = "data"
# Not those of a .ctf; some are historical.
_ERRORS = ("not analyzed", "success", "no solution", "low band contrast", "low band slope",
           "high MAD", "unexpected error", "replaced")  # fmt: skip


class _Oxford(Vendor):
    """Facts that are not in a table."""

    def choices(self, file: h5py.File) -> dict[str, tuple[str, ...]]:
        processed = any(_has_processed(file, scan) for scan in self.scans(file))
        values = (_ACQUIRED, _PROCESSED) if processed else (_ACQUIRED,)
        return {**super().choices(file), _DATA: values}

    def parts(self, file: h5py.File, scan: str, options: Options) -> tuple[Part, ...]:
        (acquired,) = super().parts(file, scan, options)
        folder = f"{scan}/{_PROCESSING}/Data"
        there = _has_processed(file, scan)
        asked = str(options.get(_DATA, _ACQUIRED)).strip().lower()
        if asked not in ((_ACQUIRED, _PROCESSED) if there else (_ACQUIRED,)):
            known = f"{_ACQUIRED} and {_PROCESSED}" if there else f"{_ACQUIRED} alone"
            message = f"The scan {scan!r} has no data {asked[:40]!r}. It has: {known}."
            raise RequestError(message)
        if not there:
            return (acquired,)
        header = f"{scan}/{_PROCESSING}/Header/Phases"
        phases = listed_phases(file, header, ("Phase Name",), self.hexagonal_x) or acquired.phases
        if asked == _ACQUIRED:
            return acquired, Part(folder, acquired.n, phases, f" ({_PROCESSED})", always=True)
        return (
            Part(folder, acquired.n, phases),
            Part(acquired.folder, acquired.n, acquired.phases, f" ({_ACQUIRED})"),
        )

    def more_maps(self, file: h5py.File, scan: str, n: int) -> list[tuple[str, str, str]]:
        folder = f"{scan}/{_PROCESSING}/Analyses"
        return [
            (f"{name} ({analysis})", f"{folder}/{analysis}/Data/{name}", self.units.get(name, ""))
            for analysis in children(file, folder)
            for name in columns_of(file, f"{folder}/{analysis}/Data", n)
        ]

    def left_out(
        self, file: h5py.File, scan: str, values: NDArray[np.float32]
    ) -> NDArray[np.bool_] | None:
        del file, scan  # the values tell
        # Outside numbers are NaN, and whole numbers, which can't be, are 0.
        missing = np.isnan(values)
        outside = missing.any(axis=0) & (missing | (values == 0)).all(axis=0)
        return None if outside.all() else outside


VENDORS.register("oxford-h5oina")(
    _Oxford(
        label="Oxford .h5oina",
        maker="oxford",
        patterns={"processed": "Processed Patterns", "unprocessed": "Unprocessed Patterns"},
        pattern_hint="AZtec exports them if 'Processed Patterns' are chosen when writing .h5oina.",
        cells=("X Cells", "Y Cells"),
        steps=("X Step", "Y Step"),
        places=("X", "Y"),
        not_maps=frozenset({"X", "Y"}),
        renamed={"Band Contrast": "bandcontrast", "Phase": "phase"},
        codes={"Error": dict(enumerate(_ERRORS))},
        labels=("Grain Index", "Crystallite Index"),
        first=("bandcontrast", "phase", "Pattern Quality", "Band Slope", "Bands"),
        units={
            "Mean Angular Deviation": "rad",
            "Misorientation Angle": "rad",
            "Beam Position X": "µm",
            "Beam Position Y": "µm",
        },
        euler=("Euler",),
        euler_convention=OXFORD,
        hexagonal_x="a*",
        options=frozenset({"scan", "patterns", _DATA}),
    )
)


def _has_processed(file: h5py.File, scan: str) -> bool:
    folder = f"{scan}/{_PROCESSING}/Data"
    return any(points_in(file, f"{folder}/{name}") for name in children(file, folder))
