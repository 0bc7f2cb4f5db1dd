"""What differs when the same clusterer is given standardized and raw features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from latentcore.analysis.clusterers import Clusterer
from latentcore.analysis.clustering import cluster_features
from latentcore.analysis.features import Features, Scaling
from latentcore.analysis.separation import between_shares
from latentcore.containers import Clustering
from latentcore.progress import Progress

__all__ = ["ScalingComparison", "compare_scalings"]

_TITLES: dict[Scaling, str] = {"standard": "standardized", "none": "raw"}
_SAME = 1 - 1e-12


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
    rival = cluster_features(features, clusterer=clusterer, scaling=other, progress=progress)
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
        text=_text(own, other, k, ari, shares),
    )


def _k(clustering: Clustering) -> int:
    return len([label for label in clustering.counts if label >= 0])


def _shares(features: Features, clustering: Clustering, scaling: Scaling) -> dict[str, float]:
    used = features.use(scaling)
    shares = between_shares(used.values, clustering.labels[used.rows])
    return {name: float(share) for name, share in zip(features.names, shares, strict=True)}


def _text(
    own: Scaling,
    other: Scaling,
    k: Mapping[Scaling, int],
    ari: float,
    shares: Mapping[Scaling, Mapping[str, float]],
) -> str:
    parts = {
        scaling: ", ".join(f"{name} {part:.1%}" for name, part in shares[scaling].items())
        for scaling in (own, other)
    }
    if ari >= _SAME:
        beginning = f"{_TITLES[other].capitalize()} features give the same labels (ARI 1.00)"
    else:
        clusters = (
            f"also {k[own]} clusters"
            if k[own] == k[other]
            else f"{k[other]} clusters instead of {k[own]}"
        )
        beginning = (
            f"{_TITLES[other].capitalize()} features give other labels: {clusters}, ARI {ari:.2f}"
        )
    return (
        f"{beginning}. Share in the separation: {parts[own]} as {_TITLES[own]} features "
        f"(this run), {parts[other]} as {_TITLES[other]} features."
    )
