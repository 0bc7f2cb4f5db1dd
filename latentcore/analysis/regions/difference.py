"""How two regions differ in a quantity, and how sure that is where neighboring points are alike.

Points of a scan are no independent draws: intervals that take them as such (`compare`) are far too
narrow. Ranking cuts the whole map into blocks and draws halves of them; a region is too small, and
too oddly shaped, for that. Here the variogram of the quantity within the regions says how much
two points at each distance have in common, and with it the variance of the difference follows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.analysis.statistics import Comparison, compare, hedges_factor
from latentcore.containers import ScanGrid
from latentcore.progress import Progress

_CONFIDENCE = 0.95
_FEWEST_PAIRS = 30
# Farther than this share of the longest distance within a region, few pairs are independent.
_FARTHEST = 0.5
_LEVEL = 0.98
# What a small region doesn't show of a long correlation: widening by 1 / (1 - 2 length / longest)
# makes intervals hold as often as they should (``benchmarks/bench_regions.py``).
_MISSED = 2.0
# The semivariogram is known up to half of the longest distance, so that a longer correlation shows
# as one of this share of it.
_LONGEST = 0.4
_FEWEST_EFFECTIVE = 2
_ALL_ALIKE = (
    "Each region has one value throughout, so that nothing says how sure their difference is."
)

Floats = NDArray[np.float64]
Sides = tuple[Floats, Floats]
"""A quantity's finite values in A and in B."""


@dataclass(frozen=True)
class RegionDifference:
    """One quantity in region A against region B.

    Attributes
    ----------
    comparison : Comparison
        Difference of means, effect sizes and areas, by their plain definitions. Its own interval
        takes points as independent.
    interval : tuple of float
        95 % confidence interval of the difference of means.
    p : float
        Probability of so large a difference, were both means the same; two-sided.
    hedges_g_interval, auc_interval : tuple of float
        95 % confidence intervals of the effect sizes; that of the area is NaN where (almost) every
        value of one region exceeds all of the other.
    n_effective : tuple of float
        How many independent points would tell each mean as precisely.
    correlation_length : float
        Distance at which the correlation within the regions has fallen to 1/e, in the unit of x
        and y.
    reason : str
        Why there is no interval and no p; empty where there are.
    p_corrected : float
        p corrected for the number of quantities that were compared.
    """

    comparison: Comparison
    interval: tuple[float, float]
    p: float
    hedges_g_interval: tuple[float, float]
    auc_interval: tuple[float, float]
    n_effective: tuple[float, float]
    correlation_length: float
    reason: str = ""
    p_corrected: float = float("nan")


def differences(
    quantities: Mapping[str, ArrayLike],
    mask_a: NDArray[np.bool_],
    mask_b: NDArray[np.bool_],
    grid: ScanGrid | None,
    *,
    progress: Progress | None = None,
) -> dict[str, RegionDifference]:
    """Compare quantities in two regions, those with two finite values in each.

    With weights w = 1/n in A and -1/n in B, the difference of means is Σ w v and its variance
    Σ w_i s_i w_j s_j (c - γ(d_ij)): s is the standard deviation in the point's own region, γ the
    semivariogram of the values divided by it, over pairs of points of one region, and c its sill.
    γ depends on the distance alone; it is made to rise with it, and beyond half of the longest
    distance within a region it stays as it is. For correlation that a small region doesn't show,
    the interval is widened by 1 / (1 - 2 l / d), l the correlation length and d that longest
    distance. The degrees of freedom are those of Welch and Satterthwaite, with effective numbers
    of points. The area under the curve is the mean share of B that points of A exceed; its
    variance is found from these shares in the same way.

    Parameters
    ----------
    quantities : Mapping of str to array_like, shape (n,)
        NaN where there is no value.
    mask_a, mask_b : ndarray of bool, shape (n,)
        Points in both count on both sides.
    grid : ScanGrid or None
        Of all n points. Without one, points are taken as independent.

    Returns
    -------
    dict of str to RegionDifference
        ``p_corrected`` is Holm's correction for the number of quantities that have a p.

    Notes
    -----
    On simulated fields of equal means, intervals of 95 % held the difference 0 in 89 to 99 of 100
    cases, whether the correlation length was nothing, or as long as the regions' side; Welch's,
    where there was any, in 5 to 40. Intervals of areas held in 94 to 100, but in 80 where the
    correlation was longer than the regions' side (``benchmarks/bench_regions.py``). That regions
    were chosen because they differ is beyond any p.

    Source
    ------
    Variance of a mean from the semivariogram: Cressie, *Statistics for Spatial Data*, 1993; the
    area's shares: DeLong, DeLong and Clarke-Pearson, *Biometrics* 44 (1988) 837; effective numbers:
    Clifford, Richardson and Hémon, *Biometrics* 45 (1989) 123; Holm, *Scand. J. Stat.* 6 (1979) 65.
    """
    progress = progress or Progress()
    found: dict[str, RegionDifference] = {}
    laid: tuple[bytes, _Lattice] | None = None
    for done, (name, given) in enumerate(quantities.items()):
        progress.step(done, len(quantities), f"comparing {name}")
        values = np.asarray(given, np.float64).ravel()
        finite = np.isfinite(values)
        a, b = mask_a & finite, mask_b & finite
        if min(a.sum(), b.sum()) < 2:
            continue
        key = finite.tobytes()
        if grid is not None and (laid is None or laid[0] != key):
            laid = key, _Lattice(grid, a, b)
        sides = values[a], values[b]
        lattice = None if laid is None else laid[1]
        own, area = _uncertainty(lattice, sides), _uncertainty(lattice, _placements(*sides))
        found[name] = _told(compare(values, mask_a, mask_b), sides, own, area)
    return _corrected(found)


def _corrected(found: dict[str, RegionDifference]) -> dict[str, RegionDifference]:
    """Correct p for the number of quantities: Holm's step-down."""
    names = sorted((name for name in found if found[name].p == found[name].p),
                   key=lambda name: found[name].p)  # fmt: skip
    largest = 0.0
    for rank, name in enumerate(names):
        largest = max(largest, min(1.0, found[name].p * (len(names) - rank)))
        found[name] = replace(found[name], p_corrected=largest)
    return found


@dataclass(frozen=True)
class _Uncertainty:
    """Of a difference between two means."""

    sd: float
    freedom: float
    n_effective: tuple[float, float]
    length: float
    reason: str = ""
    widened: float = 1.0


class _Lattice:
    """Two regions on the part of the grid that holds them, and the pairs of points at each lag.

    Attributes
    ----------
    counts : list of ndarray of float64, shape (n_rings,)
        Ordered pairs of two points of A, of two of B, and of one of each.
    """

    def __init__(self, grid: ScanGrid, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> None:
        from scipy import fft

        both = a | b
        place = grid.lattice
        row, col = place.row[both], place.col[both]
        self._places = [
            (place.row[mask] - row.min(), place.col[mask] - col.min()) for mask in (a, b)
        ]
        sides = (int(np.ptp(row)) + 1, int(np.ptp(col)) + 1)
        self._size = tuple(fft.next_fast_len(2 * side, real=True) for side in sides)
        self.step = grid.spacing
        down, right = (
            np.minimum(np.arange(m), m - np.arange(m)) * spacing / self.step
            for m, spacing in zip(self._size, place.step[::-1], strict=True)
        )
        self._ring = np.rint(np.hypot(down[:, None], right)).astype(np.int64).ravel()
        self._masks = [
            self._transform(np.ones(int(mask.sum())), which) for which, mask in enumerate((a, b))
        ]
        first, second = self._masks
        products = (np.abs(first) ** 2, np.abs(second) ** 2, (first * second.conj()).real)
        self.counts = [self._by_ring(product) for product in products]

    def within(self, sides: Sides) -> tuple[Floats, Floats]:
        """Return the pairs of points within a region by distance, and their sum of (v - v')² / 2.

        A region with one value throughout says nothing of how far values are alike, and gives none.
        """
        pairs = np.zeros(len(self.counts[0]))
        power: NDArray[np.floating] | float = 0.0
        for which, side in enumerate(sides):
            if np.ptp(side) == 0:
                continue
            pairs += self.counts[which]
            squares = self._transform(side**2, which)
            power = power + (squares * self._masks[which].conj()).real
            power -= np.abs(self._transform(side, which)) ** 2
        return pairs, self._by_ring(np.asarray(power))

    def _transform(self, values: Floats, which: int) -> NDArray[np.complex128]:
        """Return the Fourier transform of values at the points of one region, 0 elsewhere."""
        from scipy import fft

        field = np.zeros(self._size)
        field[self._places[which]] = values
        transformed: NDArray[np.complex128] = fft.rfft2(field)
        return transformed

    def _by_ring(self, products: NDArray[np.floating]) -> Floats:
        """Return the sums over pairs that products of transforms stand for, by distance."""
        from scipy import fft

        sums = np.bincount(self._ring, fft.irfft2(products, self._size).ravel())
        return cast("Floats", sums)


def _uncertainty(lattice: _Lattice | None, sides: Sides) -> _Uncertainty:
    counts = [len(side) for side in sides]
    # Not as numpy has it: of a value that has no end in binary, that is not 0.
    sds = [float(side.std(ddof=1)) if np.ptp(side) > 0 else 0.0 for side in sides]
    if lattice is None or max(sds) == 0:
        own = [sd**2 / n for sd, n in zip(sds, counts, strict=True)]
        exact = max(sds) == 0 and sides[0][0] != sides[1][0]
        reason = _ALL_ALIKE if exact else ""
        sd, freedom = math.sqrt(sum(own)), _freedom(own, counts)
        return _Uncertainty(sd, freedom, (counts[0], counts[1]), 0.0, reason)
    scaled = tuple(
        (side - side.mean()) / sd if sd else np.zeros(len(side))
        for side, sd in zip(sides, sds, strict=True)
    )
    gamma, sill, longest = _semivariogram(lattice, (scaled[0], scaled[1]))
    length = float(np.flatnonzero(gamma >= sill * (1 - math.exp(-1)))[0])
    weights = [sd / n for sd, n in zip(sds, counts, strict=True)]
    a, b, across = (float(pairs @ (sill - gamma)) for pairs in lattice.counts)
    own = [weights[0] ** 2 * a, weights[1] ** 2 * b]
    variance = sum(own) - 2 * weights[0] * weights[1] * across
    effective = [
        min(float(n), sill * sd**2 / one) if one > 0 else float(n)
        for one, sd, n in zip(own, sds, counts, strict=True)
    ]
    reason = ""
    if longest == 0:
        reason = (
            "The regions hold too few pairs of points to tell how far values are alike: larger "
            "regions are needed."
        )
    elif length > _LONGEST * longest or min(effective) < _FEWEST_EFFECTIVE or variance <= 0:
        reason = (
            f"Values are alike over {length * lattice.step:.3g}, too far against the longest "
            f"distance within a region, {longest * lattice.step:.3g}: larger regions are needed."
        )
    widened = 1 / (1 - _MISSED * min(length / max(longest, 1), _LONGEST))
    return _Uncertainty(
        math.sqrt(max(variance, 0.0)) * widened,
        _freedom(own, effective),
        (effective[0], effective[1]),
        length * lattice.step,
        reason,
        widened,
    )


def _semivariogram(lattice: _Lattice, sides: Sides) -> tuple[Floats, float, int]:
    """Return the semivariogram by distance in steps, its sill, and the longest distance."""
    from scipy.optimize import isotonic_regression

    pairs, squares = lattice.within(sides)
    pairs[0], rings = 0, np.arange(len(pairs))
    known = np.flatnonzero(pairs > _FEWEST_PAIRS)
    if len(known) == 0:  # a few scattered points: nothing is known of their likeness
        return (rings > 0).astype(np.float64), 1.0, 0
    longest = int(known[-1])
    near = known[: max(2, int(np.searchsorted(known, longest * _FARTHEST, side="right")))]
    raw = np.maximum(squares[near] / pairs[near], 0.0)
    rising = isotonic_regression(raw, weights=pairs[near]).x
    top = rising >= _LEVEL * rising[-1]
    sill = float((rising * pairs[near])[top].sum() / pairs[near][top].sum())
    gamma = np.interp(rings, near, np.where(top, sill, rising))
    gamma[0] = 0.0
    return gamma, sill, longest


def _freedom(variances: list[float], counts: Sequence[float]) -> float:
    """Return the degrees of freedom of Welch and Satterthwaite, at least 1."""
    parts = sum(one**2 / max(n - 1, 1e-3) for one, n in zip(variances, counts, strict=True))
    return max(1.0, sum(variances) ** 2 / parts) if parts > 0 else float(sum(counts) - 2)


def _placements(a: Floats, b: Floats) -> Sides:
    """Return the share of B below each value of A, and of A below each of B; ties half."""
    return _share_below(a, b), _share_below(b, a)


def _share_below(values: Floats, others: Floats) -> Floats:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    return (below + upto) / (2.0 * len(ordered))


def _told(
    found: Comparison, sides: Sides, own: _Uncertainty, area: _Uncertainty
) -> RegionDifference:
    from scipy.special import stdtr, stdtrit

    if own.reason:
        nan = float("nan")
        none = (nan, nan)
        return RegionDifference(
            found, none, nan, none, none, own.n_effective, own.length, own.reason
        )
    half = float(stdtrit(own.freedom, 0.5 + _CONFIDENCE / 2)) * own.sd
    interval = (found.difference - half, found.difference + half)
    p = 2 * float(stdtr(own.freedom, -abs(found.difference) / own.sd)) if own.sd > 0 else 1.0
    return RegionDifference(
        found,
        interval,
        p,
        _standardized(interval, sides),
        _auc_interval(found.auc, own, area),
        own.n_effective,
        own.length,
    )


def _auc_interval(auc: float, own: _Uncertainty, area: _Uncertainty) -> tuple[float, float]:
    """Return the interval of an area, symmetric in its logit.

    Shares are cut off at 0 and 1 and so hide how far values are alike: the area is at least as
    unsure as the difference of means.
    """
    from scipy.special import expit, logit, stdtrit

    if area.reason or not 0 < auc < 1:
        return float("nan"), float("nan")
    sd = area.sd * max(1.0, own.widened / area.widened)
    freedom = min(own.freedom, area.freedom)
    reach = float(stdtrit(freedom, 0.5 + _CONFIDENCE / 2)) * sd / (auc * (1 - auc))
    return float(expit(logit(auc) - reach)), float(expit(logit(auc) + reach))


def _standardized(interval: tuple[float, float], sides: Sides) -> tuple[float, float]:
    """Return an interval in units of Hedges' g.

    The pooled standard deviation is taken as known: its own uncertainty is far smaller.
    """
    freedom = sum(map(len, sides)) - 2
    pooled = math.sqrt(sum(((side - side.mean()) ** 2).sum() for side in sides) / freedom)
    if pooled == 0:
        return float("nan"), float("nan")
    factor = hedges_factor(freedom) / pooled
    return interval[0] * factor, interval[1] * factor
