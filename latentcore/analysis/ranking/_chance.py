"""How often chance alone gives such scores: the same metrics on maps that mean nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.ranking._groups import Measured, measured
from latentcore.analysis.ranking._metric import Metric, Pairs, ignore_tick
from latentcore.analysis.ranking._surrogates import is_rectangle, matched, shifts, variogram_maps
from latentcore.analysis.ranking.ranking import chosen_metrics
from latentcore.containers import ScanGrid
from latentcore.errors import RequestError
from latentcore.progress import Progress

METHODS = ("shift", "variogram")
# Scores that differ by rounding are the same.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Chance:
    """How often maps that have nothing to do with the latents score as high.

    Attributes
    ----------
    p : Mapping of str to ndarray of float64, shape (d,)
        Per metric, for each dimension by itself; NaN where it has no score.
    corrected : Mapping of str to ndarray of float64, shape (d,)
        The same, corrected for the number of dimensions.
    method : str
        ``"shift"``, ``"variogram"`` or ``"groups"``.
    n_surrogates : int
        The smallest p there can be is 1 / (n_surrogates + 1).
    """

    p: Mapping[str, NDArray[np.float64]]
    corrected: Mapping[str, NDArray[np.float64]]
    method: str
    n_surrogates: int


def chance(
    latents: ArrayLike,
    reference: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    *,
    metrics: Sequence[str],
    n_surrogates: int = 199,
    method: str | None = None,
    trend_degree: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> Chance:
    """Compare scores with those against maps that have nothing to do with the latents.

    Surrogates of the reference have its values (the same histogram at the points that a
    dimension is scored on) and its smoothness, but not its places. One surrogate serves all
    dimensions, so what dimensions have in common stays.

    Parameters
    ----------
    latents, reference, x, y
        As for `rank`. Latents may have gaps.
    n_surrogates : int
        At least 19. The smallest p is 1 / (n_surrogates + 1).
    method : {"shift", "variogram"}, optional
        ``"shift"``: the map itself, moved by a random number of rows and columns, what leaves
        on one side entering on the other. It keeps everything but the place; the reference
        must fill a rectangle, of an even number of rows on a hexagonal grid. ``"variogram"``:
        Gaussian random fields with the reference's autocorrelation, their values replaced by the
        reference's of the same rank. If not given, shifts where they are possible.
    trend_degree : int
        As for `rank`.
    seed : int
        Of the surrogates, and of ``mi``.

    Returns
    -------
    Chance
        ``p`` is (1 + surrogates that score at least as high) / (1 + surrogates). ``corrected``
        is the probability that, were all dimensions independent of the reference, any of them
        would get so small a p: Westfall and Young's step-down over the maximum of the scores,
        each in units of its own spread. Correlated dimensions count for less than independent
        ones, unlike with Holm's or Bonferroni's correction.

    Raises
    ------
    InputError
        As `rank`; if shifts are asked for and the reference has gaps; if the points lie on no
        regular grid.

    Notes
    -----
    What it can't do. A shift tears the map at its edges: where the correlation length isn't
    small against the map, surrogates are rougher than the reference, and p too small. A random
    field with the variogram of a map of grains isn't a map of grains. A trend through the whole
    map looks like correlation: compare with ``pp_spatial``. Where
    latents are missing for a reason that shows in the reference, the missing points stay where
    they are.

    Source
    ------
    Westfall and Young, *Resampling-Based Multiple Testing*, 1993, algorithm 2.8; shifts after
    Upton and Fingleton, *Spatial Data Analysis by Example* 1, 1985; fields that keep the
    variogram after Viladomat, Mazumder, McInturff, McCauley and Hastie, *Biometrics* 70 (2014)
    409.
    """
    chosen = chosen_metrics(metrics)
    _check_surrogates(n_surrogates)
    data = measured(latents, reference, x, y, None, trend_degree=trend_degree, seed=seed)
    grid = ScanGrid.from_coordinates(data.x, data.y)
    used = _method(method, data.reference, grid)
    draw = (shifts if used == "shift" else variogram_maps)(data.reference, grid)
    return _against_surrogates(data, chosen, draw, used, n_surrogates, seed, progress)


def group_chance(
    latents: ArrayLike,
    reference: ArrayLike,
    groups: ArrayLike,
    *,
    metrics: Sequence[str],
    n_surrogates: int = 199,
    seed: int = 0,
    progress: Progress | None = None,
) -> Chance:
    """Compare scores with those where whole groups of the reference are exchanged.

    As `chance`, for samples that lie on no grid. Samples stand in the order of their groups, and
    the reference is laid beside them with its groups in another order: what belongs together stays
    together, but for the ends of groups, which are not all as large.

    Parameters
    ----------
    latents, reference
        As for `rank`; of metrics that need no places.
    groups : array_like of int, shape (n,)
        Of each sample the number of its group.
    """
    chosen = chosen_metrics(metrics)
    _check_surrogates(n_surrogates)
    known = np.isfinite(np.asarray(reference, np.float64))
    number = np.asarray(groups)[known]
    data = measured(
        np.asarray(latents)[known], np.asarray(reference)[known], np.zeros(len(number)),
        np.zeros(len(number)), None, trend_degree=1, seed=seed,
    )  # fmt: skip
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)

    def exchanged(random: np.random.Generator) -> NDArray[np.float64]:
        surrogate = np.empty_like(data.reference)
        drawn = np.concatenate([parts[part] for part in random.permutation(len(parts))])
        surrogate[order] = data.reference[drawn]
        return surrogate

    return _against_surrogates(data, chosen, exchanged, "groups", n_surrogates, seed, progress)


def _check_surrogates(n_surrogates: int) -> None:
    if n_surrogates < 19:
        message = f"A p-value needs at least 19 surrogates, but n_surrogates is {n_surrogates}."
        raise RequestError(message)


def _against_surrogates(
    data: Measured,
    chosen: Sequence[Metric],
    draw: Callable[[np.random.Generator], NDArray[np.float64]],
    method: str,
    n_surrogates: int,
    seed: int,
    progress: Progress | None,
) -> Chance:
    strengths = {metric.name: np.full((n_surrogates + 1, data.d), np.nan) for metric in chosen}
    random = np.random.default_rng(seed)
    progress = progress or Progress()
    for drawn in range(n_surrogates + 1):
        progress.step(drawn, n_surrogates + 1, "scoring surrogate maps")
        surrogate = data.reference if drawn == 0 else draw(random)
        for group in data.groups:
            pairs = _against(data.pairs(group), surrogate[group.rows])
            for metric in chosen:
                found = metric.score(pairs, ignore_tick)
                strengths[metric.name][drawn, group.columns] = (
                    np.abs(found) if metric.absolute else found
                )
    return Chance(
        p={name: p_values(found) for name, found in strengths.items()},
        corrected={name: step_down(found) for name, found in strengths.items()},
        method=method,
        n_surrogates=n_surrogates,
    )


def _against(pairs: Pairs, surrogate: NDArray[np.float64]) -> Pairs:
    return dataclasses.replace(pairs, reference=matched(surrogate, pairs.reference))


def _method(method: str | None, reference: NDArray[np.float64], grid: ScanGrid) -> str:
    complete = is_rectangle(reference, grid)
    if method is None:
        return "shift" if complete else "variogram"
    if method not in METHODS:
        message = f"method must be one of {', '.join(METHODS)}, but is {method!r}."
        raise RequestError(message)
    if method == "shift" and not complete:
        known = int(np.isfinite(reference).sum())
        message = (
            f"Only a map without gaps can be shifted, but the reference is finite at {known} "
            f"places of a grid of {grid.shape[0]} × {grid.shape[1]}. Choose a rectangular ROI "
            "without gaps, or method = 'variogram'."
        )
        if grid.hexagonal:
            message += " On a hexagonal grid it must have an even number of rows, equally long."
        raise RequestError(message)
    return method


def p_values(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (1 + surrogates at least as strong) / (1 + surrogates), shape (d,).

    Parameters
    ----------
    strengths : ndarray of float64, shape (1 + surrogates, d)
        The observed ones first; NaN columns stay NaN.
    """
    p: NDArray[np.float64] = (strengths >= strengths[0] * (1 - _ROUNDING)).mean(axis=0)
    p[np.isnan(strengths).any(axis=0)] = np.nan
    return p


def step_down(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correct for the number of columns by the maximum over those not stronger, shape (d,).

    Strengths are taken in units of their column's spread, so that no column rules the maximum
    because its surrogates scatter more. The observed row is part of the spread: were it drawn
    from the null, every row would be as likely to be the observed one.
    """
    corrected = np.full(strengths.shape[1], np.nan)
    spread = strengths.std(axis=0)
    known = np.flatnonzero(np.isfinite(spread))
    if len(known) == 0:
        return corrected
    unit = np.where(spread[known] > 0, spread[known], 1)
    scaled = (strengths[:, known] - strengths[:, known].mean(axis=0)) / unit
    weakest_first = np.argsort(scaled[0], kind="stable")
    highest = np.maximum.accumulate(scaled[:, weakest_first], axis=1)
    p = (highest >= highest[0] - _ROUNDING).mean(axis=0)
    # A weaker column can't be more certain than a stronger one.
    corrected[known[weakest_first[::-1]]] = np.maximum.accumulate(p[::-1])
    return corrected
