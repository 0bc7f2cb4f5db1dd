"""Further steps of a preparation, one file each.

The steps of `latentcore.preparation.Preparation` that every recipe records are built in; a step in
a file here is recorded only where it does something.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from latentcore.registry import Registry

__all__ = ["STEPS", "Step"]


class Step(Protocol):
    """One step, given by a value: ``NAME=VALUE``.

    Attributes
    ----------
    form : str
        How the value is written, for example ``"PX"`` or ``"none|weak|strong"``.
    help : str
        One sentence.
    default : str, int or float
        The value with which it does nothing.
    choices : tuple
        All values; empty where any may be given that `read` takes.
    stage : str
        ``"cropped"``: before the background comes off; ``"scaled"``: after the values are scaled;
        ``"scan"``: before everything, by whoever reads the samples, since it looks at others too.
    """

    form: str
    help: str
    default: str | float
    choices: tuple[str | float, ...]
    stage: Literal["cropped", "scaled", "scan"]

    def read(self, text: str) -> str | float:
        """Read the value.

        Raises
        ------
        ValueError
            If the text is none.
        """
        ...

    def apply(self, x: NDArray[np.float32], value: str | float) -> NDArray[np.float32]:
        """Return samples of the same shape (b, C, …, H, W), each from itself alone."""
        ...


STEPS: Registry[Step] = Registry("preparation step", "latentcore.preparation.steps")
