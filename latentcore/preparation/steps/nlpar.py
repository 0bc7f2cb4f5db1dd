"""Average each pattern with like ones around it on the scan (NLPAR), before all other steps.

A preparer sees samples singly and can't do it: it is done to the source that it gets them from
(`latentcore.encoding.denoised`).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentcore.preparation.steps import STEPS

_LARGEST = 10


class Nlpar:
    """Half-width of the window, in steps of the scan; 0 averages nothing."""

    form: str = "R"
    help: str = (
        "average each pattern with like ones up to R steps away on the scan (NLPAR), 3 as a rule"
    )
    default: str | float = 0
    choices: tuple[str | float, ...] = ()
    stage: Literal["cropped", "scaled", "scan"] = "scan"
    needs: str = ""

    def read(self, text: str) -> int:
        """Read a whole number from 0 to 10."""
        reach = int(text)
        if not 0 <= reach <= _LARGEST:
            raise ValueError(text)
        return reach

    def apply(self, x: NDArray[np.float32], value: str | float) -> NDArray[np.float32]:
        """Do nothing: it was done where the samples came from."""
        del value
        return x


STEPS.register("nlpar")(Nlpar())
