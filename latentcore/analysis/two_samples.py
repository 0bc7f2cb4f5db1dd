"""Whether latents of two scans have one distribution, and where they differ.

Neighboring points of a scan are alike, so a test that takes points for independent finds every two
scans different. Here whole units, such as squares of the scans, are exchanged between both sides:
the null distribution holds all likeness within a unit. Features, folds and regularization don't
depend on the sides, so the observed statistics are one draw among those of the exchanges.

Sources: classifier two-sample test: Lopez-Paz and Oquab, *Revisiting classifier two-sample tests*,
ICLR 2017. MMD: Gretton et al., *A kernel two-sample test*, JMLR 13 (2012), 723. Random Fourier
features: Rahimi and Recht, NIPS 2007. Density ratio by a classifier: Sugiyama, Suzuki and Kanamori,
*Density ratio estimation in machine learning*, 2012. Exchange of whole blocks: Anderson and
ter Braak, *J. Stat. Comput. Simul.* 73 (2003), 85. p-values: Phipson and Smyth, *Stat. Appl. Genet.
Mol. Biol.* 9 (2010), 39.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.exchange_units import Units
from latentcore.errors import RequestError
from latentcore.progress import Progress

Floats = NDArray[np.floating]

_COMPONENTS = (32, 256)
_SAMPLES_PER_COMPONENT = 20
_PAIRS = 2_000
_RIDGE = 1e-3
_BLOCK = 16_384
_AT_ONCE = 64


class Features:
    """Standardized latents and random Fourier features of a Gaussian kernel upon them.

    The kernel's width is the median distance of pairs. Nothing depends on which side a sample is.
    """

    def __init__(self, values: Floats, seed: int) -> None:
        """Learn scale and width.

        Parameters
        ----------
        values : ndarray, shape (n, d)
            Finite.
        """
        from sklearn.kernel_approximation import RBFSampler

        values = np.asarray(values, np.float64)
        self.mean, sd = values.mean(axis=0), values.std(axis=0)
        self.scale = np.where(sd > 0, sd, 1.0)
        random = np.random.default_rng(seed)
        i, j = random.integers(0, len(values), (2, _PAIRS))
        squared = (((values[i] - values[j]) / self.scale) ** 2).sum(axis=1)
        self.width = math.sqrt(float(np.median(squared[i != j])) or 1.0)
        # With more features than samples to learn from, a classifier only learns noise.
        components = int(np.clip(len(values) // _SAMPLES_PER_COMPONENT, *_COMPONENTS))
        sampler = RBFSampler(gamma=0.5 / self.width**2, n_components=components, random_state=seed)

        self._sampler = sampler.fit(np.zeros((1, values.shape[1])))

    def __call__(self, values: Floats) -> NDArray[np.float64]:
        """Return features, shape (n, d + c): the latents, then those of the kernel."""
        scaled = (np.asarray(values, np.float64) - self.mean) / self.scale
        return np.concatenate([scaled, self._sampler.transform(scaled)], axis=1)


@dataclass(frozen=True, eq=False)
class TwoSamples:
    """Two-sample statistics with their null distributions.

    Attributes
    ----------
    auc : float
        Of a classifier that tells both sides apart, on squares that it was not fitted on: the
        probability that a sample of A scores above one of B of the same fold. 0.5 by chance.
    mmd2 : float
        Squared maximum mean discrepancy of a Gaussian kernel on standardized latents (biased: above
        0 for equal distributions as well).
    null_auc, null_mmd2 : ndarray, shape (p,)
        Of exchanges of whole units, the observed one not among them.
    dims_p, dims_p_corrected : ndarray, shape (d,)
        Of the difference of means in each latent dimension, two-sided, by the same exchanges;
        corrected for the number of dimensions by the largest difference of each exchange.
    complete : bool
        Whether these are all exchanges that there are.
    """

    auc: float
    mmd2: float
    null_auc: NDArray[np.float64]
    null_mmd2: NDArray[np.float64]
    dims_p: NDArray[np.float64]
    dims_p_corrected: NDArray[np.float64]
    complete: bool

    @property
    def auc_p(self) -> float:
        """Share of exchanges, the observed one among them, with as high an AUC; NaN without any."""
        return float(_odds(self.auc, self.null_auc))

    @property
    def mmd_p(self) -> float:
        """Share of exchanges, the observed one among them, with as high an MMD; NaN without any."""
        return float(_odds(self.mmd2, self.null_mmd2))

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that so many exchanges can give."""
        return 1 / (1 + len(self.null_mmd2))


def _odds(observed: float | NDArray[np.float64], null: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of values that are as high as the observed, itself among them."""
    if len(null) == 0:
        return np.full(np.shape(observed), np.nan)
    # Sums in another order differ in their last digits; what is equal must count as equal.
    as_high = null >= observed - 1e-12 * np.abs(observed)
    return np.asarray((1 + np.count_nonzero(as_high, axis=0)) / (1 + len(null)))


def compare_distributions(
    features: Floats, d: int, units: Units, permutations: int, seed: int, progress: Progress
) -> TwoSamples:
    """Test whether two sides have one distribution, by exchange of whole units.

    The classifier is a linear discriminant on the features. Its direction by the total covariance
    is that by the covariance within the sides (they differ along the direction between the means
    only), and the total covariance of a fold doesn't change when units are exchanged: one
    decomposition per fold serves all exchanges.

    Parameters
    ----------
    features : ndarray, shape (n, d + c)
        Of `Features`: the first `d` are the latents.    permutations : int
        How many exchanges; all of them where there are not more. With 0 there are no p-values.
    """
    sides, complete = _exchanges(units.in_a, permutations, seed)
    auc = np.zeros(len(sides))
    pairs = np.zeros(len(sides))
    counts = np.bincount(units.of, minlength=len(units.in_a)).astype(np.float64)
    sums = np.zeros((len(counts), features.shape[1]))
    np.add.at(sums, units.of, features)
    for fold in units.folds():
        progress.step(fold, len(units.folds()), "exchanging squares")
        tested = units.fold == fold
        rows = np.flatnonzero(tested[units.of])
        weights = _discriminants(features, sums, counts, units, tested, sides)
        for some in _runs(len(sides)):
            above, of = _pairs_above(
                features[rows] @ weights[:, some], sides[some][:, units.of[rows]].T
            )
            auc[some] += above
            pairs[some] += of
    auc /= np.where(pairs > 0, pairs, np.nan)
    everywhere = np.ones(len(counts), np.bool_)
    differences = _mean_difference(sums, counts, sides, everywhere)
    mmd2 = (differences[:, d:] ** 2).sum(axis=1)
    # In units of the standard deviation of all: the latents of `Features` are standardized.
    shifts = np.abs(differences[:, :d])
    return TwoSamples(
        auc=float(auc[0]),
        mmd2=float(mmd2[0]),
        # An exchange that leaves every fold without one of the sides has no AUC.
        null_auc=auc[1:][np.isfinite(auc[1:])],
        null_mmd2=mmd2[1:],
        dims_p=_odds(shifts[0], shifts[1:]),
        dims_p_corrected=_odds(shifts[0], shifts[1:].max(axis=1)[:, None]),
        complete=complete,
    )


def _exchanges(
    in_a: NDArray[np.bool_], permutations: int, seed: int
) -> tuple[NDArray[np.bool_], bool]:
    """Return which units are of side A, as observed and after each exchange, (1 + p, m)."""
    m, n_a = len(in_a), int(in_a.sum())
    if 0 < math.comb(m, n_a) - 1 <= permutations:
        others = []
        for chosen in itertools.combinations(range(m), n_a):
            side = np.zeros(m, np.bool_)
            side[list(chosen)] = True
            if not np.array_equal(side, in_a):
                others.append(side)
        return np.stack([in_a, *others]), True
    random = np.random.default_rng(seed)
    return np.stack([in_a, *(random.permutation(in_a) for _ in range(permutations))]), False


def _discriminants(
    features: Floats, sums: Floats, counts: Floats, units: Units, tested: NDArray[np.bool_],
    sides: NDArray[np.bool_],
) -> NDArray[np.float64]:  # fmt: skip
    """Return a fold's discriminant for each exchange, shape (d + c, 1 + p)."""
    from scipy.linalg import cho_factor, cho_solve

    learned = features[~tested[units.of]]
    covariance = np.cov(learned, rowvar=False)
    covariance[np.diag_indices_from(covariance)] += _RIDGE * np.trace(covariance) / len(covariance)
    difference = _mean_difference(sums, np.where(tested, 0.0, counts), sides & ~tested, ~tested)
    return np.asarray(cho_solve(cho_factor(covariance), difference.T), np.float64)


def _mean_difference(
    sums: Floats, counts: Floats, in_a: NDArray[np.bool_], used: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return mean of A minus mean of B for each exchange, shape (1 + p, features)."""
    in_b = ~in_a & used
    # A side that an exchange leaves without a unit has no mean: such an exchange counts no pairs.
    n_a, n_b = (np.maximum(side @ counts, 1.0)[:, None] for side in (in_a, in_b))
    return np.asarray(in_a @ sums / n_a - in_b @ sums / n_b, np.float64)


def _pairs_above(
    scores: Floats, in_a: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return in how many pairs A scores above B, ties half, and the pairs, for each column."""
    from scipy.stats import rankdata

    n_a = in_a.sum(axis=0).astype(np.float64)
    ranks = (rankdata(scores, axis=0) * in_a).sum(axis=0)
    return ranks - n_a * (n_a + 1) / 2, n_a * (len(scores) - n_a)


def _runs(n: int) -> Iterator[slice]:
    for start in range(0, n, _AT_ONCE):
        yield slice(start, min(start + _AT_ONCE, n))


class LogRatio:
    """ln of the density of A over that of B, at any latents, out of fold.

    A logistic regression on the features tells both sides apart, each weighted alike; its log odds
    are the log density ratio. One is fitted without each fold.
    """

    def __init__(self, features: Features, values: Floats, units: Units) -> None:
        """Fit one regression per fold.

        Parameters
        ----------
        values : ndarray, shape (n, d)
            Latents of the samples in `units`.

        Raises
        ------
        RequestError
            If what is left of a fold is all of one side.
        """
        from sklearn.linear_model import LogisticRegression

        self._features, self._fold = features, units.fold
        fitted, in_a = features(values), units.samples_in_a
        self._models = []
        for fold in units.folds():
            learned = units.fold[units.of] != fold
            if len(np.unique(in_a[learned])) < 2:
                message = (
                    "A fold holds all squares of one side. Choose fewer ⟨folds⟩, smaller squares, "
                    "or another ⟨seed⟩."
                )
                raise RequestError(message)
            model = LogisticRegression(
                solver="newton-cholesky", class_weight="balanced", C=0.1, max_iter=50
            )
            self._models.append(model.fit(fitted[learned], in_a[learned]))

    def at(self, values: Floats, of: NDArray[np.int64], progress: Progress) -> Floats:
        """Return the log ratio of samples by the model that was fitted without their unit.

        Parameters
        ----------
        values : ndarray, shape (n, d)
            NaN rows have none.
        of : ndarray of int64, shape (n,)
            Their units.

        Returns
        -------
        ndarray of float64, shape (n,)
            Above 0 where A is denser.
        """
        found = np.full(len(values), np.nan)
        finite = np.isfinite(values).all(axis=1)
        for fold, model in enumerate(self._models):
            rows = np.flatnonzero(finite & (self._fold[of] == fold))
            for start in range(0, len(rows), _BLOCK):
                progress.step(fold, len(self._models), "density ratio of each point")
                some = rows[start : start + _BLOCK]
                found[some] = model.decision_function(self._features(values[some]))
        return found
