"""What a pattern should be reconstructed to, learned from its neighbors on the scan.

The noise of two neighboring points is independent, their crystal mostly is not. A model that
must predict what the neighborhood shows learns the crystal and has no use for the noise
(J. Lehtinen et al., *Noise2Noise*, ICML 2018; the averages are bilateral, as in C. Tomasi and
R. Manduchi, ICCV 1998). Where the beam straddles a boundary a pattern is a mixture; its target is
the pure pattern of which it holds most (`latentcore.encoding._unmixing`), so that the mixture's
latent moves to that grain. Nothing but patterns and their places is used.

All of it happens in the scores of the leading principal components, where distances cost little.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import window, window_squares
from latentcore.encoding._scan_windows import averaged, distances_squared, parts
from latentcore.encoding._unmixing import UnmixingSettings, unmixed
from latentcore.progress import Progress

Floats = NDArray[np.float32]

# Neighbors' scores that correlate less than this have nothing in common.
_UNRELIABLE = 0.05
_SHARE_OF_SPREAD = 0.3


@dataclass(frozen=True)
class TargetSettings:
    """Numbers of the averages; widths in units of the typical distance of neighbors' scores.

    Attributes
    ----------
    components : int
        Principal components in which patterns are compared.
    denoise : float
        Width of the averages over a point and those about it: eight, or six on a hexagonal grid.
    rounds : int
        Of these averages.
    apart : float
        Two pure patterns of one neighborhood are at least so far apart.
    within : float
        Width of the average where there is only one: a gradient inside a grain stays.
    """

    components: int = 48
    denoise: float = 0.5
    rounds: int = 3
    apart: float = 0.9
    within: float = 0.5
    unmixing: UnmixingSettings = field(default_factory=UnmixingSettings)


def neighbor_scores(
    scores: Floats,
    grid: ScanGrid,
    settings: TargetSettings | None = None,
    progress: Progress | None = None,
) -> Floats:
    """Return the scores that each pattern's neighborhood gives for it.

    Inside a grain that is the average of like patterns around it; where the neighborhood holds
    several pure patterns, the one of which the point holds most.

    Parameters
    ----------
    scores : ndarray of float32, shape (n, k)
        Of the leading principal components.
    grid : ScanGrid
        Of the n points; holes are fine.

    Returns
    -------
    ndarray of float32, shape (n, k)
        The same as `scores` for a point without neighbors.
    """
    settings, progress = settings or TargetSettings(), progress or Progress()
    cross = window(grid, 1, corners=False)
    weights = np.sqrt(_reliability(scores, cross))
    used = weights > 0
    targets = _targets(scores[:, used] * weights[used], grid, cross, settings, progress)
    result = np.tile(scores.mean(axis=0), (len(scores), 1))
    result[:, used] = targets / weights[used]
    alone = (cross >= 0).sum(axis=1) == 1
    result[alone] = scores[alone]
    return result


def _targets(
    scores: Floats,
    grid: ScanGrid,
    cross: NDArray[np.int64],
    settings: TargetSettings,
    progress: Progress,
) -> Floats:
    scale = _typical_distance(scores, cross)
    if scale == 0:
        return scores.copy()
    progress.step(0, 1, "comparing neighbors")
    close, unmixing = window(grid, 1), settings.unmixing
    cleaned = scores
    for _ in range(settings.rounds):
        cleaned = averaged(cleaned, cleaned, close, scale * settings.denoise)
    wide, squares = window(grid, unmixing.reach), window_squares(grid, unmixing.reach)
    nearer = (squares.astype(np.float64) / (-2 * unmixing.near**2)).astype(np.float32)
    targets = averaged(cleaned, scores, wide, scale * settings.within, nearer)
    for part in parts(len(scores)):
        progress.step(part.start, len(scores), "comparing neighbors")
        values, count = unmixed(
            scores, cleaned, wide[part], squares, scale * settings.apart, unmixing
        )
        mixed = count > 1
        targets[part][mixed] = values[mixed]
    return targets


def _reliability(scores: Floats, cross: NDArray[np.int64]) -> Floats:
    """Return the correlation of neighbors' scores for each component, 0 where there is little.

    It is the share of a component's variance that neighbors have in common: its crystal, against
    the noise. Distances count each component by it, so that more noise, or components that hold
    nothing else, don't change who is like whom.
    """
    centered = scores - scores.mean(axis=0)
    shared, pairs = np.zeros(scores.shape[1]), 0
    for column in range(cross.shape[1]):
        here = np.flatnonzero((cross[:, column] >= 0) & (cross[:, column] != np.arange(len(cross))))
        shared += np.einsum("nk,nk->k", centered[here], centered[cross[here, column]])
        pairs += len(here)
    variance = np.maximum(np.square(centered).mean(axis=0), 1e-12)
    correlation = np.clip(shared / max(pairs, 1) / variance, 0, 1)
    return np.where(correlation < _UNRELIABLE, 0, correlation).astype(np.float32)


def _typical_distance(scores: Floats, cross: NDArray[np.int64]) -> float:
    """Return the median distance of neighbors, 0 where there are none.

    A share of the distance of any two points, if that is more: where there is hardly any noise,
    mixtures would be like nothing but themselves.
    """
    others = np.arange(cross.shape[1]) != cross.shape[1] // 2
    known = (cross >= 0) & others
    if not known.any():
        return 0.0
    squares = distances_squared(scores, scores, cross)[known]
    spread = float(np.sqrt(2 * scores.var(axis=0).sum()))
    return max(float(np.sqrt(np.median(squares))), _SHARE_OF_SPREAD * spread)
