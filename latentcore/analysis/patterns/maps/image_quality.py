"""How much of a pattern lies in low frequencies: sharp bands, little noise."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.patterns.blocks import PatternBlock, about_mean
from latentcore.analysis.patterns.maps import PATTERN_MAPS


class ImageQuality:
    """Image quality after Krieger Lassen."""

    title = "image quality"
    definition = (
        "1 − I / I_max: I is the mean of the squared distance r² from the origin of the Fourier "
        "plane, weighted by the amplitude spectrum of the pattern with zero mean, I_max that of a "
        "flat spectrum (white noise, whose quality is about 0). Krieger Lassen, Automated "
        "Determination of Crystal Orientations from Electron Backscattering Patterns (DTU, 1994); "
        "r² as in kikuchipy's get_image_quality: fx² + fy² − 1, where fx = 1, 2, … for the "
        "frequencies 0, 1, … and −1, −2, … for the negative ones."
    )
    needs_neighbors = False

    def values(self, block: PatternBlock) -> NDArray[np.float64]:
        """Return the qualities; NaN for patterns without any contrast."""
        return block.each(_qualities)


def _qualities(patterns: NDArray[np.generic]) -> NDArray[np.float64]:
    from scipy.fft import rfft2

    height, width = patterns.shape[1:]
    values = about_mean(patterns)
    spectrum = np.abs(rfft2(values)).reshape(len(values), -1)
    inertia, whole = (spectrum @ _weights(height, width)).astype(np.float64).T
    quality: NDArray[np.float64] = 1 - inertia / whole
    return quality


@lru_cache(maxsize=8)
def _weights(height: int, width: int) -> NDArray[np.float32]:
    """Return what each entry of a real spectrum adds to I / I_max, and to its weight, (k, 2).

    A real pattern's spectrum is symmetric, so that half of it is enough; where an entry stands for
    two frequencies, both are counted.
    """
    squares = _ranks(height)[:, None] ** 2 + _ranks(width)[None, :] ** 2 - 1
    mirrored = squares[-np.arange(height)][:, -np.arange(width)]
    half = width // 2 + 1
    alone = np.isin(np.arange(half), [0, width / 2])
    inertia = np.where(alone, squares[:, :half], squares[:, :half] + mirrored[:, :half])
    count = np.broadcast_to(np.where(alone, 1.0, 2.0), inertia.shape)
    weights = np.stack([inertia / squares.mean(), count], axis=-1)
    return weights.reshape(-1, 2).astype(np.float32)


def _ranks(n: int) -> NDArray[np.float64]:
    rank = np.arange(1.0, n + 1)
    rank[n // 2 :] -= n + 1
    return rank


PATTERN_MAPS.register("image_quality")(ImageQuality())
