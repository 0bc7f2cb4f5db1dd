"""Non-local averages of patterns over their neighborhood on the scan: NLPAR.

P. T. Brewick, S. I. Wright, D. J. Rowenhorst, *Ultramicroscopy* 200 (2019) 50. A pattern becomes
the average of those around it, each weighted by how alike the two are, measured against their
noise: patterns of another grain have no weight, so that boundaries stay where they are.
"""

from __future__ import annotations

import numpy as np

from latentcore.analysis.denoising.denoiser import Denoiser, Neighborhood
from latentcore.analysis.denoising.estimates import TARGETS, NoiseEstimate, estimate_noise
from latentcore.containers import ScanGrid

__all__ = ["TARGETS", "Denoiser", "Neighborhood", "NoiseEstimate", "estimate_noise", "load_ahead"]


def load_ahead() -> None:
    """Compile what the first average waits for: a second, where others compute as well many."""
    y, x = np.indices((3, 3)).reshape(2, -1)
    patterns = np.random.default_rng(0).random((9, 1, 2, 2), np.float32)
    denoiser = Denoiser(patterns.__getitem__, ScanGrid.from_coordinates(x, y), (1, 2, 2), 1)
    rows = np.arange(9, dtype=np.int64)
    denoiser.denoised(rows, estimate_noise(denoiser, "medium").lam)
