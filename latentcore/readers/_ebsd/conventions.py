"""What each program's Euler angles mean: the sentence that goes with them wherever they go.

All are Bunge's: passive, from the sample's frame to the crystal's, by rotations about z, the new x
and the new z. They differ in the sample's frame, and readers never turn one into another.

Sources: H5OINAFile.md of github.com/oinanoanalysis/h5oina (Oxford's coordinate systems); the
tutorial on reference frames of kikuchipy's documentation (EDAX, EMsoft, Bruker, kikuchipy); orix'
documentation of its conventions.
"""

from __future__ import annotations

_BUNGE = "Bunge (z-x'-z'', passive), from"

OXFORD = f"{_BUNGE} Oxford's sample surface CS1 to the crystal CS2."
CHANNEL5 = f"{_BUNGE} Oxford's sample frame, CS0 where the header says so, to the crystal CS2."
EDAX = (
    f"{_BUNGE} EDAX' sample frame A1-A2-A3 (RD-TD-ND) to the crystal; how A1 lies on the map "
    "depends on settings of OIM, which the file doesn't tell."
)
BRUKER = f"{_BUNGE} Esprit's sample frame to the crystal."
KIKUCHIPY = f"{_BUNGE} kikuchipy's sample frame, which is EDAX' RD-TD-ND, to the crystal."
ASTAR = f"{_BUNGE} ASTAR's sample frame to the crystal."
ORIX = f"{_BUNGE} the sample frame of the program that indexed the scan to the crystal."
EMSOFT = f"{_BUNGE} EDAX' sample frame RD-TD-ND, unless EMsoft was told otherwise, to the crystal."
DREAM3D = f"{_BUNGE} the sample frame of the pipeline that wrote the file to the crystal."
