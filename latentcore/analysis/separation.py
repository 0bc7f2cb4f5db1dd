"""Which feature it is that separates the clusters, and what the other scaling would have given.

Clusters of (latent, band contrast) invite to be read as joint clusters. Where one feature has
a far larger spread than the other, they are nothing but thresholds on that feature; this module
says so, with three numbers per feature, and compares with clusters of features scaled the other
way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.cluster_fits import Fits, Rows
from latentcore.analysis.cluster_samples import SampledClusterer
from latentcore.analysis.clusterers import Clusterer, learned_rows
from latentcore.analysis.clustering import cluster_features
from latentcore.analysis.features import Features, Scaling
from latentcore.analysis.scaled_rows import columns_of
from latentcore.containers import Clustering
from latentcore.errors import RequestError
from latentcore.progress import Progress

_SAME_LABELS = 0.95
_ALMOST_ALL = 0.95
_TITLES = {"bandcontrast": "band contrast", "latent": "the latent"}
_SCALED: dict[Scaling, str] = {"standard": "standardized", "none": "raw"}
_SAME = 1 - 1e-12
# A method is tried on so many single features, and so many are named in a sentence.
_MOST_ALONE = 4


@dataclass(frozen=True)
class Separation:
    """How much each feature has to do with the clusters.

    Attributes
    ----------
    share : Mapping of str to float
        Share of each feature, as it was used, in the between-cluster variance: 0 … 1, together
        1; see `between_shares`. None where there are fewer than two clusters.
    eta_squared : Mapping of str to float
        Share of each feature's own variance that lies between the clusters: 0 … 1, whatever its
        unit; see `eta_squared`.
    alone_ari : Mapping of str to float
        Adjusted Rand index between the clusters and those which the same method finds on this
        feature alone. None where the method can't be used on it, and where it was not tried: of
        many features only those four with the largest share are.
    verdict : str
        The same as a sentence.
    """

    share: Mapping[str, float | None]
    eta_squared: Mapping[str, float | None]
    alone_ari: Mapping[str, float | None]
    verdict: str


def between_shares(values: Rows, labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return each feature's share in the variance between clusters.

    With n_k points and mean m_kj of feature j in cluster k, B_j = Σ_k n_k (m_kj - m_j)², the
    diagonal of the between-cluster scatter matrix (what KMeans makes large); the share is
    B_j / Σ_j B_j. Noise takes no part.

    Parameters
    ----------
    values : ndarray, shape (m, d), or ScaledRows
        As they were used: scaled, if they were scaled.
    labels : ndarray of int, shape (m,)

    Returns
    -------
    ndarray of float64, shape (d,)
        Sums to 1; NaN where there are fewer than two clusters.
    """
    between, _ = _scatter(values, labels)
    total = between.sum()
    return between / total if total > 0 else np.full(values.shape[1], np.nan)


def eta_squared(values: Rows, labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the share of each feature's variance that lies between clusters (η²).

    Returns
    -------
    ndarray of float64, shape (d,)
        0 … 1, independent of unit and scaling; NaN where there are fewer than two clusters.
    """
    between, total = _scatter(values, labels)
    if not between.any():
        return np.full(values.shape[1], np.nan)
    return between / total


def separation(
    features: Features,
    clustering: Clustering,
    *,
    clusterer: Clusterer,
    scaling: Scaling,
    progress: Progress | None = None,
) -> Separation:
    """Measure which feature separates the clusters.

    Parameters
    ----------
    features : Features
        What was clustered.
    clustering : Clustering
        The result.
    clusterer : Clusterer
        What found it. A number of clusters that it chose is kept for the single features; a
        radius that it estimated is estimated anew.
    scaling : {"standard", "none"}
    """
    used = features.use(scaling)
    labels = clustering.labels[used.rows]
    alone = _with_found_k(clusterer, clustering)
    names = features.names
    shares = between_shares(used.values, labels)
    sampling = clustering.sampling
    n = len(labels) if sampling is None else sampling.n
    rows = learned_rows(len(labels), n, 0 if sampling is None else sampling.seed)
    progress = progress or Progress()
    tried = set(np.argsort(-shares, kind="stable")[:_MOST_ALONE].tolist())
    with Fits(alone, len(rows), 1, progress) as fits:
        ari = {
            name: _ari_alone(
                used.values.column(column)[rows][:, None], labels[rows], alone, len(labels), fits
            )
            if column in tried
            else None
            for column, name in enumerate(names)
        }
    share = _named(names, shares)
    return Separation(
        share=share,
        eta_squared=_named(names, eta_squared(used.values, labels)),
        alone_ari=ari,
        verdict=_verdict(clusterer.title, share, ari),
    )


def _scatter(
    values: Rows, labels: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of squares between clusters and in total, each (d,), without noise."""
    kept = labels >= 0
    present, place, counts = np.unique(labels[kept], return_inverse=True, return_counts=True)
    between, total = np.zeros((2, values.shape[1]))
    if len(present) == 0:
        return between, total
    for k, column in enumerate(columns_of(values)):
        centered = column[kept]
        centered -= centered.mean()
        total[k] = centered @ centered
        if len(present) > 1:
            means = np.bincount(place, weights=centered) / counts
            between[k] = counts @ means**2
    return between, total


def _with_found_k(clusterer: Clusterer, clustering: Clustering) -> Clusterer:
    if "k" not in clusterer.__dataclass_fields__:
        return clusterer
    found: Clusterer = dataclasses.replace(clusterer, k=clustering.parameters["k"])
    return found


def _ari_alone(
    column: NDArray[np.float64],
    labels: NDArray[np.integer],
    clusterer: Clusterer,
    n_all: int,
    fits: Fits,
) -> float | None:
    from sklearn.metrics import adjusted_rand_score

    try:
        sampled = len(column) < n_all and isinstance(clusterer, SampledClusterer)
        alone = fits.fit(column, n_all if sampled else None)
    except RequestError:
        # One feature may have too few different values for what two can do.
        return None
    return float(adjusted_rand_score(labels, alone.labels))


def _named(names: tuple[str, ...], numbers: NDArray[np.float64]) -> dict[str, float | None]:
    return {
        name: float(number) if np.isfinite(number) else None
        for name, number in zip(names, numbers, strict=True)
    }


def _verdict(
    method: str, share: Mapping[str, float | None], ari: Mapping[str, float | None]
) -> str:
    shares = {name: part for name, part in share.items() if part is not None}
    if not shares:
        return "There are fewer than two clusters, so nothing is separated."
    first = max(shares, key=lambda name: shares[name])
    if len(shares) == 1:
        return f"{method} was given one feature, {_TITLES.get(first, first)}."
    title = _TITLES.get(first, first)
    score = ari[first]
    others_too = any((value or 0) >= _SAME_LABELS for name, value in ari.items() if name != first)
    if score is not None and score >= _SAME_LABELS and not others_too:
        same = "the same" if score > 1 - 1e-12 else "nearly the same"
        return (
            f"These clusters follow {title} alone: {method} on {title} gives {same} labels, "
            f"ARI {score:.2f}."
        )
    parts = _parts({_TITLES.get(name, name): part for name, part in shares.items()}, ".0%")
    if shares[first] >= _ALMOST_ALL:
        agreement = (
            "" if score is None else f"; {method} on {title} alone agrees with ARI {score:.2f}"
        )
        return f"The centers of these clusters differ in {title} almost alone ({parts}){agreement}."
    who = "Both" if len(shares) == 2 else "Several"
    return f"{who} features separate these clusters: {parts} of the variance between them."


def _parts(shares: Mapping[str, float], digits: str) -> str:
    """Name the shares, of many features the largest and the sum of the others."""
    if len(shares) <= _MOST_ALONE:
        return ", ".join(f"{name} {part:{digits}}" for name, part in shares.items())
    first = sorted(shares, key=lambda name: -shares[name])[: _MOST_ALONE - 1]
    rest = sum(part for name, part in shares.items() if name not in first)
    named = ", ".join(f"{name} {shares[name]:{digits}}" for name in first)
    return f"{named}, the {len(shares) - len(first)} others together {rest:{digits}}"


@dataclass(frozen=True)
class ScalingComparison:
    """The run with the other scaling, against this one.

    Attributes
    ----------
    scaling : str
        The other scaling.
    k : int
        Number of clusters it finds.
    counts : Mapping of int to int
        Number of points per label, noise included.
    share : Mapping of str to float
        Each feature's share in the variance between its clusters.
    ari : float
        Adjusted Rand index between both label sets, over the points that took part.
    text : str
        A sentence on what differs.
    """

    scaling: Scaling
    k: int
    counts: Mapping[int, int]
    scores: Mapping[str, object]
    share: Mapping[str, float]
    ari: float
    text: str


def compare_scalings(
    features: Features,
    clustering: Clustering,
    *,
    clusterer: Clusterer,
    progress: Progress | None = None,
) -> ScalingComparison:
    """Cluster with the scaling that was not used, and say what differs.

    Parameters
    ----------
    clustering : Clustering
        The run to compare with; it knows its scaling.
    clusterer : Clusterer
        What found it, with parameters as they were given: k or eps are chosen anew.
    """
    from sklearn.metrics import adjusted_rand_score

    own: Scaling = "none" if clustering.parameters["scaling"] == "none" else "standard"
    other: Scaling = "standard" if own == "none" else "none"
    rival = cluster_features(
        features,
        clusterer=clusterer,
        scaling=other,
        sample="all" if clustering.sampling is None else clustering.sampling.n,
        checked=False,
        progress=progress,
    )
    finite = features.finite
    ari = float(adjusted_rand_score(clustering.labels[finite], rival.labels[finite]))
    shares = {
        scaling: _shares(features, result, scaling)
        for scaling, result in ((own, clustering), (other, rival))
    }
    k = {own: _k(clustering), other: _k(rival)}
    return ScalingComparison(
        scaling=other,
        k=k[other],
        counts=rival.counts,
        scores=rival.scores,
        share=shares[other],
        ari=ari,
        text=_scaling_text(own, other, k, ari, shares),
    )


def _k(clustering: Clustering) -> int:
    return len([label for label in clustering.counts if label >= 0])


def _shares(features: Features, clustering: Clustering, scaling: Scaling) -> dict[str, float]:
    used = features.use(scaling)
    shares = between_shares(used.values, clustering.labels[used.rows])
    return {name: float(share) for name, share in zip(features.names, shares, strict=True)}


def _scaling_text(
    own: Scaling,
    other: Scaling,
    k: Mapping[Scaling, int],
    ari: float,
    shares: Mapping[Scaling, Mapping[str, float]],
) -> str:
    parts = {scaling: _parts(shares[scaling], ".1%") for scaling in (own, other)}
    if ari >= _SAME:
        beginning = f"{_SCALED[other].capitalize()} features give the same labels (ARI 1.00)"
    else:
        clusters = (
            f"also {k[own]} clusters"
            if k[own] == k[other]
            else f"{k[other]} clusters instead of {k[own]}"
        )
        beginning = (
            f"{_SCALED[other].capitalize()} features give other labels: {clusters}, ARI {ari:.2f}"
        )
    return (
        f"{beginning}. Share in the separation: {parts[own]} as {_SCALED[own]} features "
        f"(this run), {parts[other]} as {_SCALED[other]} features."
    )
