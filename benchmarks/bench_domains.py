"""How well domains recover grains without being told their number, and what they cost.

First part: scans of known grains × latents × methods, all with default settings and the automatic
threshold. Shown are the adjusted Rand index against the truth cut into connected parts, and the
number of domains beside that of these parts (of all, and of those with 5 points and more). The
scans are those of `benchmarks.grain_recovery`: demo scans, with noise added, rows shuffled, and the
simulated scan of the fixture data where it is at hand. While the defaults were chosen all of them
were looked at but demo scan 12, which alone is a test of the choice.
Latents are a PCA with 30 components after removal of the background; with ``--train`` also those of
a VAE by the default training.

Second part: seconds of processor time and memory on a scan of Voronoi grains with 32 latents.

Run: ``python -m benchmarks.bench_domains [--data FOLDER] [--train] [--scan NAME]… [--method NAME]…
[--sizes SIDE…]``
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from benchmarks.grain_recovery import CLEANED, Scan, demo, noisier, simulated
from latentcore.analysis.domains.hierarchies import HIERARCHIES
from latentcore.analysis.domains.search import domain_hierarchy, domains_at
from latentcore.analysis.domains.settling import connected_parts
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from latentcore.workflows import execute
from latentcore.workflows.extract.verb import ExtractRequest
from latentcore.workflows.train.verb import TrainRequest

SEED = 0


def scans(data: Path | None) -> dict[str, Callable[[], Scan]]:
    known: dict[str, Callable[[], Scan]] = {}
    if data is not None:
        for noise in (0, 25, 45):
            known[f"simulated, noise {noise}"] = partial(_simulated, data, noise)
    known |= {f"demo {seed}": partial(demo, seed, 60, 0) for seed in range(11)}
    known |= {f"demo {seed}, noise 15": partial(demo, seed, 60, 15) for seed in range(1, 6)}
    known["demo 3, 100×100, noise 10"] = partial(demo, 3, 100, 10)
    known["demo 12, 140×140, noise 20"] = partial(demo, 12, 140, 20)
    return known


def _simulated(data: Path, noise: float) -> Scan:
    return noisier(simulated(data), noise)


def encoded(scan: Scan, train: bool) -> LatentSet:
    images, coords, _ = scan
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        location = str(folder / "scan.h5")
        with h5py.File(location, "w") as file:
            file["images"], file["coords"] = images, coords
        if train:
            execute("train", TrainRequest(location, device="cpu", seed=SEED), folder / "model")
            asked = ExtractRequest((location,), str(folder / "model"), device="cpu")
        else:
            asked = ExtractRequest((location,), "pca:30", prepare=CLEANED, device="cpu")
        execute("extract", asked, folder / "latents")
        with h5py.File(folder / "latents" / "scan_latents.h5") as file:
            values = file["samples"][()]
    return latent_set(values, ScanGrid.from_coordinates(coords[:, 0], coords[:, 1]))


def latent_set(values: NDArray[np.float32], grid: ScanGrid) -> LatentSet:
    dims = np.arange(values.shape[1], dtype=np.int32)
    return LatentSet(values, default_sample_ids(len(values)), dims, grid)


def recovery(arguments: argparse.Namespace) -> None:
    methods = arguments.method or HIERARCHIES.names()
    print("ARI, domains, threshold, confidence")
    print(f"{'scan':28s} latents  parts ≥ 5  " + "  ".join(f"{name:24s}" for name in methods))
    for name, make in scans(arguments.data).items():
        if arguments.scan and name not in arguments.scan:
            continue
        scan = make()
        for train in (False, True) if arguments.train else (False,):
            latents, cells, grain = encoded(scan, train), [], scan[2]
            for method in methods:
                hierarchy = domain_hierarchy(latents, method=HIERARCHIES.get(method)())
                found, edges = domains_at(hierarchy, latents), hierarchy.edges
                truth = connected_parts(edges, grain[edges.rows])
                ari = adjusted_rand_score(truth, found.labels[edges.rows])
                automatic = hierarchy.threshold
                told = f"{ari:.4f} {found.count:4d} {automatic.value:6.3g}{found.unit or ' '} "
                cells.append(f"{told}{automatic.confidence:.2f}  ")
            sizes = np.bincount(truth)
            line = f"{len(sizes):5d} {int((sizes >= 5).sum()):3d}  "
            print(f"{name:28s} {'VAE' if train else 'PCA':7s} {line}", *cells, flush=True)


def voronoi(side: int, dims: int = 32) -> LatentSet:
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(side * side), side)
    centers = rng.uniform(0, side, (max(2, side * side // 150), 2))
    grain = cKDTree(centers).query(np.column_stack([y, x]))[1]
    values = rng.normal(0, 3, (len(centers), dims)).astype(np.float32)[grain]
    values += rng.standard_normal(values.shape, np.float32)
    return latent_set(values, ScanGrid.from_coordinates(x, y))


def timed(what: str, work: Callable[[], Any]) -> Any:
    started, used = time.perf_counter(), time.process_time()
    result = work()
    spent, used = time.perf_counter() - started, time.process_time() - used
    print(f"  {what:34s} {spent:7.2f} s, {used:7.2f} s of processor time", flush=True)
    return result


def cost(side: int, method: str) -> None:
    """Time each step; loops were compiled on a small scan before."""
    latents = voronoi(side)
    print(f"{method}, {side * side:,} × 32")
    hierarchy = timed(
        "merging", lambda: domain_hierarchy(latents, method=HIERARCHIES.get(method)())
    )
    automatic = timed("threshold", lambda: hierarchy.threshold)
    timed("saliency", lambda: hierarchy.saliency)
    hierarchy.cut(automatic.value)
    timed("cut again at 1.1 × threshold", lambda: hierarchy.cut(1.1 * automatic.value))
    timed("cut again at 0.5 × threshold", lambda: hierarchy.cut(0.5 * automatic.value))
    found = timed("domains", lambda: domains_at(hierarchy, latents))
    timed("table, borders and colors", lambda: (found.table(), found.borders, found.colors))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  {found.count:,} domains; at most {peak:.2f} GB of memory in this process so far")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder of fixture data")
    parser.add_argument("--train", action="store_true", help="train a VAE on each scan, too")
    parser.add_argument("--scan", action="append", help="only scans of that name")
    parser.add_argument("--method", action="append", choices=HIERARCHIES.names())
    parser.add_argument("--sizes", type=int, nargs="*", help="only time square scans of this side")
    arguments = parser.parse_args()
    if arguments.sizes is None:
        recovery(arguments)
    for method in arguments.method or HIERARCHIES.names():
        for side in (20, *(arguments.sizes or (363, 1000))):
            cost(side, method)


if __name__ == "__main__":
    main()
