"""Non-local averages of patterns over their neighborhood on the scan: NLPAR.

P. T. Brewick, S. I. Wright, D. J. Rowenhorst, *Ultramicroscopy* 200 (2019) 50. A pattern becomes
the average of those around it, each weighted by how alike the two are, measured against their
noise: patterns of another grain have no weight, so that boundaries stay where they are.
"""

from __future__ import annotations

from latentcore.analysis.denoising.denoiser import Denoiser, Neighborhood
from latentcore.analysis.denoising.estimates import TARGETS, NoiseEstimate, estimate_noise

__all__ = ["TARGETS", "Denoiser", "Neighborhood", "NoiseEstimate", "estimate_noise"]
