"""Oxford Instruments ``.h5oina`` (AZtec).

Source: H5OINAFile.md of github.com/oinanoanalysis/h5oina: angles in rad; x of the crystal
perpendicular to b and c; phase 0 is not indexed; concentrations in wt%, X-ray intensities in
counts per second; datasets may have the shape (n,) or (n, 1).
"""

from __future__ import annotations

from latentcore.readers._ebsd.conventions import OXFORD
from latentcore.readers._ebsd.scan import Vendor
from latentcore.readers.ebsd import VENDORS

VENDORS.register("oxford-h5oina")(
    Vendor(
        label="Oxford .h5oina",
        maker="oxford",
        patterns={"processed": "Processed Patterns", "unprocessed": "Unprocessed Patterns"},
        pattern_hint="AZtec exports them if 'Processed Patterns' are chosen when writing .h5oina.",
        cells=("X Cells", "Y Cells"),
        steps=("X Step", "Y Step"),
        places=("X", "Y"),
        not_maps=frozenset({"X", "Y"}),
        renamed={"Band Contrast": "bandcontrast", "Phase": "phase"},
        first=("bandcontrast", "phase", "Pattern Quality", "Band Slope", "Bands"),
        units={"Mean Angular Deviation": "rad", "Beam Position X": "µm", "Beam Position Y": "µm"},
        euler=("Euler",),
        euler_convention=OXFORD,
        hexagonal_x="a*",
        options=frozenset({"scan", "patterns"}),
    )
)
