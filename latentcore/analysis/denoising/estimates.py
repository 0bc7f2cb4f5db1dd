"""What the averages depend on, found on the scan itself: saturation, noise and λ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.denoising.denoiser import Denoiser
from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import window
from latentcore.errors import RequestError
from latentcore.progress import Progress

Rows = NDArray[np.int64]

# The weight that a point's own pattern has left in the window of 3 × 3.
TARGETS: Mapping[str, float] = MappingProxyType({"weak": 0.5, "medium": 0.34, "strong": 0.25})

# All points of a small scan are asked, patches of a large one.
_ALL_UP_TO = 4096
_PATCH = 4
_MOST_PATCHES, _FEWEST_PATCHES = 256, 16
_SAMPLED_BYTES = 1 << 30
_POINTS_AT_ONCE = 1024
# λ between e^-12 and e^12: the logarithm of 1 / λ² is halved 60 times.
_LARGEST_LOG_RATE = 24.0
_HALVINGS = 60
# Two that are nearest to each other are at a distance of 0, but for rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class NoiseEstimate:
    """What was found on a scan; with it, every average can be computed again.

    Attributes
    ----------
    lam : float
        λ, the width of the weights, in normalized distances.
    noise : float
        Median of the points' σ, in units of the pixels.
    saturation : float
        Pixels from there on don't count: the largest value found.
    n_points : int
        Points that were asked.
    """

    lam: float
    noise: float
    saturation: float
    n_points: int


def estimate_noise(
    denoiser: Denoiser, strength: str, progress: Progress | None = None
) -> NoiseEstimate:
    """Find saturation, noise and λ, and tell the denoiser from where on pixels are saturated.

    λ is the median over points of that for which the point's own pattern keeps the share of
    `TARGETS` in the window of 3 × 3. Points that no λ can do this for (at a corner of the scan,
    or with a neighbor that is all too alike) are not asked.

    Parameters
    ----------
    strength : str
        One of `TARGETS`.
    progress : Progress, optional
        Steps are points.

    Raises
    ------
    RequestError
        If no point has neighbors to compare with.
    """
    progress = progress or Progress()
    rows = _sampled(denoiser.grid, int(np.prod(denoiser.shape)))
    peaks: list[float] = []
    for part in _parts(rows):
        progress.step(0, len(rows), "measuring the noise")
        around = window(denoiser.grid, 2, points=part)
        peaks.append(float(np.nanmax(_or_nan(denoiser.peaks(np.unique(around[around >= 0]))))))
    saturation = float(np.nanmax(_or_nan(np.array(peaks))))
    denoiser.saturates(saturation if np.isfinite(saturation) else np.inf)
    found, variances = [], []
    for number, part in enumerate(_parts(rows)):
        progress.step(number * _POINTS_AT_ONCE, len(rows), "measuring the noise")
        variance = denoiser.variances(part)
        distances = denoiser.distances(part, 1)[variance > 0]
        found.append(lambdas(distances, TARGETS[strength]))
        variances.append(variance[variance > 0])
    lam, variance = np.concatenate(found), np.concatenate(variances)
    if not np.isfinite(lam).any():
        message = (
            "nlpar compares patterns with those beside them, but of the "
            f"{len(rows):,} points that were looked at none has neighbors that differ by noise: "
            "they lie apart, are copies of each other, or hold no finite pixels. Leave nlpar out."
        )
        raise RequestError(message)
    noise = float(np.sqrt(np.median(variance)))
    return NoiseEstimate(float(np.nanmedian(lam)), noise, saturation, len(rows))


def lambdas(distances: NDArray[np.float64], target: float) -> NDArray[np.float64]:
    """Return for each point the λ that leaves its own pattern a share: (b, w) → (b,).

    Parameters
    ----------
    distances : ndarray of float64
        Normalized, to the other points of the window; infinite where there is none.
    target : float
        1 / Σw, w = 1 of the point itself among them.

    Returns
    -------
    ndarray of float64
        NaN where there is none: too few neighbors, or too many at no distance.
    """
    wanted = 1 / target - 1
    beyond = np.where(distances < _ROUNDING, 0, distances)
    solvable = ((beyond == 0).sum(axis=1) < wanted) & (np.isfinite(beyond).sum(axis=1) > wanted)
    beyond = beyond[solvable]
    low = np.full(len(beyond), -_LARGEST_LOG_RATE)
    high = -low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        # The others' weight falls as 1 / λ² rises.
        heavy = np.exp(-beyond * np.exp(middle)[:, None]).sum(axis=1) > wanted
        low, high = np.where(heavy, middle, low), np.where(heavy, high, middle)
    result = np.full(len(distances), np.nan)
    result[solvable] = np.exp(-(low + high) / 4)
    return result


def _or_nan(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return values of which at least one is NaN or finite, so that a maximum can be taken."""
    return values if np.isfinite(values).any() else np.full(1, -np.inf)


def _sampled(grid: ScanGrid, values: int) -> Rows:
    """Return the rows of all points, or of patches all over a scan of many, ascending."""
    rows = np.arange(len(grid), dtype=np.int64)
    if len(rows) <= _ALL_UP_TO:
        return rows
    across = grid.shape[1] // _PATCH + 1
    patch = (grid.row // _PATCH).astype(np.int64) * across + grid.col // _PATCH
    there = np.unique(patch)
    read = (_PATCH + 4) ** 2 * 4 * values
    count = int(np.clip(_SAMPLED_BYTES // read, _FEWEST_PATCHES, _MOST_PATCHES))
    some = np.random.default_rng(0).choice(there, min(count, len(there)), replace=False)
    return rows[np.isin(patch, some)]


def _parts(rows: Rows) -> list[Rows]:
    return [rows[start : start + _POINTS_AT_ONCE] for start in range(0, len(rows), _POINTS_AT_ONCE)]
