"""Clusters of many points: learned from a sample, against learned from all.

Run ``python -m benchmarks.bench_clusters [--points 1000000] [--full 200000]``. For each method it
prints the time by the rule of ``--sample`` (or by cells), that of all points, that of all points as
before (a Gaussian mixture from a start of its own, DBSCAN by neighborhoods), the ratio of last and
first, the adjusted Rand index between sample and all points, and, as what can be expected of it,
that between two fits to all points that differ in their seed (or, for HDBSCAN, two halves).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from latentcore.analysis.cluster_samples import fit_rows
from latentcore.analysis.clusterers import Clusterer, ClusterFit, make_clusterer
from latentcore.analysis.clusterers.dbscan import dbscan_labels
from latentcore.analysis.clusterers.gaussian_mixture import GaussianMixtures
from latentcore.progress import Progress

_METHODS = ("gmm", "kmeans", "hdbscan", "dbscan")


def separate(n: int) -> NDArray[np.float64]:
    """Return grains of two features that any method can tell, and 1 % of noise."""
    rng = np.random.default_rng(0)
    centers = np.array([(0, 0), (6, 0), (0, 6), (6, 6), (3, 12)])
    values = rng.normal(centers[rng.integers(0, 5, n)], 0.5)
    noise = rng.random(n) < 0.01
    values[noise] = rng.uniform((-4, -4), (10, 16), (int(noise.sum()), 2))
    return values


def merging(n: int) -> NDArray[np.float64]:
    """Return clusters that run into each other, as those of latent and band contrast do."""
    rng = np.random.default_rng(0)
    kind = rng.choice(4, n, p=(0.4, 0.3, 0.2, 0.1))
    values = rng.normal(np.array([(0, 0), (2.5, 1), (0, 3), (4, 4)])[kind], 0.8)
    values[:, 1] += 0.1 * values[:, 0] ** 2
    return values


def timed(work: Callable[[], ClusterFit]) -> tuple[float, ClusterFit]:
    """Return how long something takes, and its result."""
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def fitted(method: str, values: NDArray[np.float64]) -> Callable[[], ClusterFit]:
    """Return what puts all rows into clusters by the rule of ``--sample``."""
    return lambda: fit_rows(make_clusterer(method, {}), values, None, Progress()).fit


def plain(clusterer: Clusterer, values: NDArray[np.float64]) -> Callable[[], ClusterFit]:
    """Return what learns from all rows, as before there were samples and cells."""
    if isinstance(clusterer, GaussianMixtures):
        return lambda: clusterer.fit_sample(values, len(values), Progress())
    if clusterer.name != "dbscan":
        return lambda: clusterer.fit(values, Progress())

    def by_neighborhoods() -> ClusterFit:
        found = clusterer.fit(values, Progress())
        labels = dbscan_labels(values, found.parameters["eps"], 20, Progress())  # type: ignore[arg-type]
        return ClusterFit(labels, {}, {}, "")

    return by_neighborhoods


def expected(method: str, values: NDArray[np.float64]) -> float:
    """Return how far two fits agree that could both be called the fit to all."""
    if method in ("gmm", "kmeans"):
        one, two = (plain(make_clusterer(method, {"seed": seed}), values)() for seed in (0, 1))
        return float(adjusted_rand_score(one.labels, two.labels))
    if method == "dbscan":
        return 1.0
    return fit_rows(
        make_clusterer(method, {}), values, len(values) // 2, Progress()
    ).sampling.agreement  # type: ignore[union-attr, return-value]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--full", type=int, default=200_000)
    parser.add_argument("--methods", nargs="+", default=_METHODS)
    asked = parser.parse_args()
    make_clusterer("dbscan", {"eps": 1.0}).fit(separate(60_000), Progress())  # compiles
    print(f"{'':9} {'':8} | {asked.points:>9,} points | {asked.full:,} points")
    print(
        f"{'data':9} {'method':8} | {'now':>16} | now, all, all before, ratio, ARI, "
        "ARI of two full fits"
    )
    for data in (separate, merging):
        for method in asked.methods:
            most, _ = timed(fitted(method, data(asked.points)))
            values = data(asked.full)
            now, found = timed(fitted(method, values))
            clusterer = make_clusterer(method, {})
            full_s, full = timed(partial(clusterer.fit, values, Progress()))
            before, _ = timed(plain(clusterer, values))
            ari = adjusted_rand_score(found.labels, full.labels)
            print(
                f"{data.__name__:9} {method:8} | {most:14.1f} s | {now:.1f} s, {full_s:.1f} s, "
                f"{before:.1f} s, {before / now:.1f}, {ari:.3f}, {expected(method, values):.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
