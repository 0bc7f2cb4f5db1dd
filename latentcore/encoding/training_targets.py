"""What a pattern should be reconstructed to, learned from its neighbours on the scan.

The noise of two neighbouring points is independent, their crystal mostly is not. A model that
must predict what the neighbourhood shows learns the crystal and has no use for the noise
(J. Lehtinen et al., *Noise2Noise*, ICML 2018; the averages are bilateral, as in C. Tomasi and
R. Manduchi, ICCV 1998). Where the beam straddles a boundary a pattern is a mixture; its target is
drawn towards the purer neighbour that it resembles most, so that the mixture's latent moves to
that grain. Nothing but patterns and their places is used.

All of it happens in the scores of the leading principal components, where distances cost little.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.containers import ScanGrid
from latentcore.progress import Progress

__all__ = ["TargetSettings", "neighbour_scores"]

Floats = NDArray[np.float32]

_ROWS_AT_ONCE = 4096
_DENOISED = 2
# Neighbours' scores that correlate less than this have nothing in common.
_UNRELIABLE = 0.05
_SHARE_OF_SPREAD = 0.3
_FAR = np.float32(-1e9)


@dataclass(frozen=True)
class TargetSettings:
    """Numbers of the averages; widths in units of the median distance of neighbours' scores.

    Attributes
    ----------
    components : int
        Principal components in which patterns are compared.
    reach : int
        Half-width of the window, in scan steps.
    denoise, assign, vote : float
        Widths of the three kinds of average.
    votes : int
        Rounds of the last.
    majority : float
        How much one agreeing neighbour counts, in units of the exponent.
    """

    components: int = 48
    reach: int = 2
    denoise: float = 0.5
    assign: float = 0.5
    vote: float = 0.8
    votes: int = 2
    majority: float = 0.5


def neighbour_scores(
    scores: Floats,
    grid: ScanGrid,
    settings: TargetSettings | None = None,
    progress: Progress | None = None,
) -> Floats:
    """Return the scores that each pattern's neighbourhood tells for it.

    Three steps: (1) averages over like patterns in the window, where points inside a grain
    count most; (2) each pattern takes on what is most like it in its window; (3) rounds in which
    neighbours that agree with each other count more than a lone one.

    Parameters
    ----------
    scores : ndarray of float32, shape (n, k)
        Of the leading principal components.
    grid : ScanGrid
        Of the n points; holes are fine.
    settings : TargetSettings, optional
    progress : Progress, optional

    Returns
    -------
    ndarray of float32, shape (n, k)
        The same as `scores` for a point without neighbours.
    """
    settings, progress = settings or TargetSettings(), progress or Progress()
    cross = _window(grid, 1, corners=False)
    weights = np.sqrt(_reliability(scores, cross))
    told = weights > 0
    averaged = _targets(scores[:, told] * weights[told], grid, cross, settings, progress)
    result = np.tile(scores.mean(axis=0), (len(scores), 1))
    result[:, told] = averaged / weights[told]
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
    scale, purity = _purity(scores, cross)
    if scale == 0:
        return scores.copy()
    wide, close = _window(grid, settings.reach), _window(grid, 1)
    target = scores
    for _ in range(_DENOISED):
        progress.step(0, 1, "comparing neighbours")
        target = _averaged(target, target, wide, scale * settings.denoise, purity)
    target = _averaged(scores, target, wide, scale * settings.assign, purity)
    for _ in range(settings.votes):
        progress.step(0, 1, "comparing neighbours")
        target = _voted(scores, target, close, scale * settings.vote, settings.majority)
    return target


def _window(grid: ScanGrid, reach: int, *, corners: bool = True) -> NDArray[np.int64]:
    """Return each point's neighbours within a window, itself in the middle; −1 for none."""
    rows, columns = grid.shape
    places = np.full((rows + 2 * reach, columns + 2 * reach), -1, np.int64)
    places[grid.row + reach, grid.col + reach] = np.arange(len(grid))
    steps = range(-reach, reach + 1)
    around = [(dy, dx) for dy in steps for dx in steps if corners or abs(dy) + abs(dx) <= 1]
    return np.stack(
        [places[grid.row + reach + dy, grid.col + reach + dx] for dy, dx in around], axis=1
    )


def _reliability(scores: Floats, cross: NDArray[np.int64]) -> Floats:
    """Return the correlation of neighbours' scores for each component, 0 where there is little.

    It is the share of a component's variance that neighbours have in common: its crystal, against
    the noise. Distances count each component by it, so that more noise, or components that hold
    nothing else, don't change who is like whom.
    """
    centred = scores - scores.mean(axis=0)
    shared, pairs = np.zeros(scores.shape[1]), 0
    for column in range(cross.shape[1]):
        here = np.flatnonzero((cross[:, column] >= 0) & (cross[:, column] != np.arange(len(cross))))
        shared += np.einsum("nk,nk->k", centred[here], centred[cross[here, column]])
        pairs += len(here)
    variance = np.maximum(np.square(centred).mean(axis=0), 1e-12)
    correlation = np.clip(shared / max(pairs, 1) / variance, 0, 1)
    return np.where(correlation < _UNRELIABLE, 0, correlation).astype(np.float32)


def _purity(scores: Floats, cross: NDArray[np.int64]) -> tuple[float, Floats]:
    """Return the scale of distances, and the log of each point's purity.

    The scale is the median distance of neighbours, or a share of that of any two points where
    there is so little noise that mixtures would be like nothing but themselves.

    A point whose neighbours are as near as most are lies inside a grain: its log is 0. It never
    falls below −7: points of which all are alike far from each other, as in a pore, must still
    count among themselves.
    """
    distance = np.sqrt(_squares(scores, scores, cross))
    others = cross.shape[1] // 2
    distance[:, others] = np.nan
    distance[cross < 0] = np.nan
    known = np.isfinite(distance)
    if not known.any():
        return 0.0, np.zeros(len(scores), np.float32)
    scale = float(np.median(distance[known]))
    spread = float(np.sqrt(2 * scores.var(axis=0).sum()))
    scale = max(scale, _SHARE_OF_SPREAD * spread)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, distance, 0).sum(axis=1) / count
    excess = np.maximum(mean / max(scale, 1e-12) - 0.9, 0) / 0.2
    return scale, np.maximum(-np.square(excess), -7).astype(np.float32)


def _averaged(
    query: Floats, values: Floats, window: NDArray[np.int64], width: float, purity: Floats
) -> Floats:
    """Average values over each window, weighted by likeness to the query and by purity."""
    result = np.empty_like(values)
    for part in _parts(len(values)):
        near = window[part]
        logits = _squares(query[part], values, near) / (-2 * width * width) + purity[near]
        result[part] = _weighted(logits, near, values)
    return result


def _voted(
    query: Floats, values: Floats, window: NDArray[np.int64], width: float, majority: float
) -> Floats:
    """Average as `_averaged`, where a value counts more the more others there agree with it."""
    result = np.empty_like(values)
    for part in _parts(len(values)):
        near = window[part]
        around = values[near]
        products = np.einsum("nik,njk->nij", around, around, optimize=True)
        norms = np.einsum("nii->ni", products)
        apart = np.maximum(norms[:, :, None] + norms[:, None, :] - 2 * products, 0)
        alike = np.exp(apart / (-0.5 * width * width)) * (near >= 0)[:, None, :]
        logits = _squares(query[part], values, near) / (-2 * width * width)
        result[part] = _weighted(logits + majority * alike.sum(axis=2), near, values)
    return result


def _parts(n: int) -> Iterator[slice]:
    for start in range(0, n, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)


def _squares(query: Floats, values: Floats, window: NDArray[np.int64]) -> Floats:
    """Return squared distances from each query to its window's values, shape (n, window)."""
    squares = np.empty(window.shape, np.float32)
    for column in range(window.shape[1]):
        squares[:, column] = np.square(query - values[window[:, column]]).sum(axis=1)
    return squares


def _weighted(logits: Floats, window: NDArray[np.int64], values: Floats) -> Floats:
    logits = np.where(window < 0, _FAR, logits)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    averaged: Floats = np.einsum("nw,nwk->nk", weights, values[window], optimize=True)
    return averaged
