"""Numbers about a selection of points, and about two selections side by side.

Everything is computed in float64. Intervals treat points as independent; neighboring pixels of
a scan are not, so the true uncertainty of a mean over a region is larger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import ScanGrid, cluster_name, label_counts
from latentcore.errors import RequestError, ShapeError

QUANTILES = (0.02, 0.25, 0.50, 0.75, 0.98)
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Description:
    """One quantity over a selection.

    Attributes
    ----------
    n : int
        Points selected.
    n_finite : int
        Those with a finite value; all other numbers are about these.
    mean, sd, sem : float
        Mean, standard deviation (divided by n - 1), and sd / √n. NaN where too few values.
    quantiles : Mapping of float to float
        At 0.02, 0.25, 0.5, 0.75 and 0.98, linearly interpolated.
    """

    n: int
    n_finite: int
    mean: float
    sd: float
    sem: float
    minimum: float
    maximum: float
    quantiles: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Area:
    """Area of a selection on the specimen.

    Attributes
    ----------
    value : float
        Number of points × dx × dy.
    unit : str
        ``"µm²"``, or ``"steps²"`` where the scan's unit is not known.
    fraction : float
        Share of the scanned points.
    """

    value: float
    unit: str
    fraction: float


@dataclass(frozen=True)
class ClusterShare:
    """One cluster's part in a selection.

    Attributes
    ----------
    name : str
        The label's number, ``"noise"`` or ``"no value"``.
    n : int
        Selected points of the cluster.
    of_selection : float
        n / number of selected points.
    of_cluster : float
        n / number of points of the cluster.
    """

    label: int
    name: str
    n: int
    of_selection: float
    of_cluster: float


@dataclass(frozen=True)
class Comparison:
    """One quantity in selection A against selection B.

    Attributes
    ----------
    n_a, n_b : int
        Finite values of each.
    overlap : int
        Points in both selections; they count on both sides.
    difference : float
        Mean of A minus mean of B.
    interval : tuple of float
        95 % confidence interval of the difference, unequal variances (Welch).
    degrees_of_freedom : float
        Of the interval's t distribution (Welch–Satterthwaite).
    cohens_d : float
        Difference / pooled standard deviation.
    hedges_g : float
        The same, corrected for small samples.
    auc : float
        Probability that a value of A is above one of B, ties counted half.
    cliffs_delta : float
        2 auc - 1.
    ks : float
        Largest distance between both cumulative distributions (Kolmogorov–Smirnov).
    """

    n_a: int
    n_b: int
    overlap: int
    difference: float
    interval: tuple[float, float]
    degrees_of_freedom: float
    cohens_d: float
    hedges_g: float
    auc: float
    cliffs_delta: float
    ks: float


def describe(values: ArrayLike, mask: NDArray[np.bool_] | None = None) -> Description:
    """Describe one quantity over a selection.

    Parameters
    ----------
    values : array_like, shape (n,)
        NaN where there is none.
    mask : ndarray of bool, shape (n,), optional
        The selection; everything if not given.

    Raises
    ------
    ShapeError
        If the mask has another length.
    """
    chosen = _chosen(values, mask)
    finite = chosen[np.isfinite(chosen)]
    n = len(finite)
    nan = float("nan")
    sd = float(finite.std(ddof=1)) if n > 1 else nan
    return Description(
        n=len(chosen),
        n_finite=n,
        mean=float(finite.mean()) if n else nan,
        sd=sd,
        sem=sd / np.sqrt(n) if n > 1 else nan,
        minimum=float(finite.min()) if n else nan,
        maximum=float(finite.max()) if n else nan,
        quantiles=dict(
            zip(QUANTILES, np.quantile(finite, QUANTILES).tolist() if n else [nan] * 5, strict=True)
        ),
    )


def area(mask: NDArray[np.bool_], grid: ScanGrid) -> Area:
    """Return the area that the selected points cover, each one cell of the scan grid.

    Raises
    ------
    ShapeError
        If mask and grid differ in length.
    """
    if len(mask) != len(grid):
        message = f"A selection of {len(mask)} points can't lie on a grid of {len(grid)}."
        raise ShapeError(message)
    n = int(np.count_nonzero(mask))
    # Without a unit the numbers in the file are scan steps, whatever their spacing.
    cell = grid.step[1] / grid.step[0] if grid.hexagonal else 1.0
    value, unit = (n * grid.cell_area, f"{grid.unit}²") if grid.unit else (n * cell, "steps²")
    return Area(float(value), unit, n / len(grid))


def cluster_shares(
    labels: NDArray[np.integer], mask: NDArray[np.bool_] | None = None
) -> tuple[ClusterShare, ...]:
    """Return each cluster's part in a selection, those in none first.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        See `latentcore.containers.Clustering.told_apart`.
    mask : ndarray of bool, shape (n,), optional

    Raises
    ------
    ShapeError
        If the mask has another length.
    """
    labels = np.asarray(labels)
    _check_mask(len(labels), mask)
    selected = labels if mask is None else labels[mask]
    chosen = label_counts(selected)
    return tuple(
        ClusterShare(
            label=label,
            name=cluster_name(label),
            n=(n := chosen.get(label, 0)),
            of_selection=n / len(selected) if len(selected) else float("nan"),
            of_cluster=n / total,
        )
        for label, total in label_counts(labels).items()
    )


def compare(values: ArrayLike, mask_a: NDArray[np.bool_], mask_b: NDArray[np.bool_]) -> Comparison:
    """Compare one quantity in two selections.

    Parameters
    ----------
    values : array_like, shape (n,)
        NaN where there is none.
    mask_a, mask_b : ndarray of bool, shape (n,)

    Raises
    ------
    RequestError
        If one of them holds fewer than two finite values.

    Source
    ------
    Welch, *Biometrika* 34 (1947) 28; Hedges, *J. Educ. Stat.* 6 (1981) 107; Cliff, *Psychol.
    Bull.* 114 (1993) 494.
    """
    a, b = (
        chosen[np.isfinite(chosen)] for chosen in (_chosen(values, mask_a), _chosen(values, mask_b))
    )
    for name, side in (("A", a), ("B", b)):
        if len(side) < 2:
            message = (
                f"Selection {name} holds {len(side)} finite values; comparing needs at least two "
                "on each side."
            )
            raise RequestError(message)
    interval, freedom = _welch(a, b)
    d = _cohens_d(a, b)
    auc = _auc(a, b)
    return Comparison(
        n_a=len(a),
        n_b=len(b),
        overlap=int(np.count_nonzero(mask_a & mask_b)),
        difference=_difference(a, b),
        interval=interval,
        degrees_of_freedom=freedom,
        cohens_d=d,
        hedges_g=d * hedges_factor(len(a) + len(b) - 2),
        auc=auc,
        cliffs_delta=2 * auc - 1,
        ks=_kolmogorov_smirnov(a, b),
    )


def _chosen(values: ArrayLike, mask: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    values = np.asarray(values).ravel()
    _check_mask(len(values), mask)
    # Chosen first: of large scans the float64 of all would take more than is needed.
    return np.asarray(values if mask is None else values[mask], np.float64)


def _check_mask(n: int, mask: NDArray[np.bool_] | None) -> None:
    if mask is not None and mask.shape != (n,):
        message = f"A selection of shape {mask.shape} can't choose among {n} values."
        raise ShapeError(message)


def _welch(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[tuple[float, float], float]:
    from scipy.stats import t

    difference = _difference(a, b)
    parts = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
    variance = parts.sum()
    if np.ptp(a) == 0 == np.ptp(b):  # the difference is exact; variances may hold rounding
        return (difference, difference), float(len(a) + len(b) - 2)
    freedom = float(variance**2 / (parts**2 / [len(a) - 1, len(b) - 1]).sum())
    half = float(t.ppf(0.5 + _CONFIDENCE / 2, freedom) * np.sqrt(variance))
    return (float(difference - half), float(difference + half)), freedom


def _cohens_d(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    squares = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
    pooled = np.sqrt(squares / (len(a) + len(b) - 2))
    difference = _difference(a, b)
    if np.ptp(a) == 0 == np.ptp(b):
        return 0.0 if difference == 0 else float(np.copysign(np.inf, difference))
    return float(difference / pooled)


def _difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return mean of A minus mean of B; exactly where both are constant."""
    constant = np.ptp(a) == 0 == np.ptp(b)
    return float(a[0] - b[0]) if constant else float(a.mean() - b.mean())


def hedges_factor(freedom: int) -> float:
    """Return Γ(ν/2) / (√(ν/2) Γ((ν-1)/2)), which takes the bias out of Cohen's d."""
    from scipy.special import gammaln

    if freedom < 2:
        return float("nan")
    return float(np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2))


def _auc(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([a, b]))
    above = ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2
    return float(above / (len(a) * len(b)))


def _kolmogorov_smirnov(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = np.sort(a), np.sort(b)
    everything = np.concatenate([a, b])
    below_a = np.searchsorted(a, everything, side="right") / len(a)
    below_b = np.searchsorted(b, everything, side="right") / len(b)
    return float(np.abs(below_a - below_b).max())
