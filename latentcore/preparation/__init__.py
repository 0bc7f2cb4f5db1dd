"""What is done to a sample before it is encoded: a recorded recipe, and its execution.

Every step looks at one sample at a time, so a sample is prepared to the same bits whatever else is
in its batch. The steps always come in this order:

1. ``crop`` to a window;
2. ``background``: minus the scan's mean pattern (static), or minus the pattern's own Gaussian blur
   (dynamic);
3. ``smooth`` by a Gaussian;
4. resize to ``size``;
5. ``scale`` the values of each sample;
6. repeat or average ``channels``.

Further steps (`latentcore.preparation.steps`) come after 1 or after 5.

Blurring and resizing are linear and separable: both are products with two small matrices, one for
the rows and one for the columns. That is ten times faster than `scipy.ndimage.gaussian_filter`
on 60 × 60 pixels, and equal to it (reflected borders, cut at four σ).
"""

from __future__ import annotations

from latentcore.preparation.background import fit_static_background
from latentcore.preparation.preparer import Prepared, Preparer
from latentcore.preparation.recipe import BACKGROUNDS, SCALES, Preparation, written_keys
from latentcore.preparation.steps import STEPS

__all__ = [
    "BACKGROUNDS",
    "SCALES",
    "STEPS",
    "Preparation",
    "Prepared",
    "Preparer",
    "fit_static_background",
    "written_keys",
]
