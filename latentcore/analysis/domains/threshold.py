"""The distance that tells borders from what varies within domains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Width of the kernel and of a bin, in natural logarithms of the distance.
_WIDTH, _BIN = 0.08, 0.005
# Distances below this share of the largest tell nothing about borders.
_SMALLEST = 1e-5
# A shallower valley is chance: latents of noise alone, in six dimensions or more, show such.
_SHALLOWEST = 0.12


@dataclass(frozen=True)
class Threshold:
    """A distance, and how clearly it separates.

    Attributes
    ----------
    value : float
        Parts farther apart are different domains.
    confidence : float
        0 … 1: how deep the valley is in which the threshold lies. 1: no merge of two parts lies
        near it, and many on both sides; 0: there is no valley, and every connected part is one
        domain.
    """

    value: float
    confidence: float


def automatic_threshold(heights: NDArray[np.float64]) -> Threshold:
    """Find the deepest valley in the density of the heights at which parts merge.

    The density f of ln h is a sum of Gaussian kernels of s.d. 0.08 and height 1, one per merge. A
    valley v between the highest peaks p on its left and q on its right has the depth
    1 − (f_v + 1) / (min(f_p, f_q) + 1), so that a peak made by one merge has a depth of at most
    one half.

    Parameters
    ----------
    heights : ndarray of float64, shape (k,)
        Of the merges of parts that are more than a border: where single points merge, noise and
        mixed points fill every valley.
    """
    highest = float(heights.max(initial=0.0))
    nothing = Threshold(np.nextafter(highest, np.inf), 0.0)
    logs = np.log(heights[heights > _SMALLEST * highest]) if highest > 0 else heights[:0]
    if len(logs) == 0:
        return nothing
    centers, density = _density(logs)
    left = np.maximum.accumulate(density)
    right = np.maximum.accumulate(density[::-1])[::-1]
    depth = 1 - (density + 1) / (np.minimum(left, right) + 1)
    deepest = int(depth.argmax())
    if depth[deepest] < _SHALLOWEST:
        return nothing
    return Threshold(_between(logs, float(centers[deepest])), float(depth[deepest]))


def _density(logs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.ndimage import gaussian_filter1d

    start = logs.min() - 4 * _WIDTH
    bins = int(np.ceil((logs.max() + 4 * _WIDTH - start) / _BIN)) + 1
    counts = np.bincount(((logs - start) / _BIN).astype(np.int64), minlength=bins).astype(float)
    sigma = _WIDTH / _BIN
    density = gaussian_filter1d(counts, sigma, mode="constant") * sigma * np.sqrt(2 * np.pi)
    return start + _BIN * (np.arange(bins) + 0.5), density


def _between(logs: NDArray[np.float64], valley: float) -> float:
    """Return the distance in the middle of the two merges about a valley, on the log scale."""
    below, above = logs[logs <= valley], logs[logs > valley]
    return float(np.exp((below.max() + above.min()) / 2))
