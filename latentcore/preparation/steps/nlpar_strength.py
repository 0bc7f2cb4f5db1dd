"""How much weight `latentcore.preparation.steps.nlpar` gives to neighbors."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentcore.preparation.steps import STEPS

_STRENGTHS = ("weak", "medium", "strong")


class NlparStrength:
    """A pattern keeps half, 0.34 or 0.25 of the weight in a window of 3 × 3, in the median."""

    form: str = "|".join(_STRENGTHS)
    help: str = "of nlpar: how much the neighbors weigh"
    default: str | float = "medium"
    choices: tuple[str | float, ...] = _STRENGTHS
    stage: Literal["cropped", "scaled", "scan"] = "scan"
    needs: str = "nlpar"

    def read(self, text: str) -> str:
        """Read one of the names."""
        if text not in _STRENGTHS:
            raise ValueError(text)
        return text

    def apply(self, x: NDArray[np.float32], value: str | float) -> NDArray[np.float32]:
        """Do nothing: it was done where the samples came from."""
        del value
        return x


STEPS.register("nlpar_strength")(NlparStrength())
