"""Check how often ``differ`` finds a difference where there is none, and how long it takes.

Pairs of simulated scans of one kind, smooth Gaussian fields of four latents, are tested as the verb
tests them. A test that is right gives p ≤ 0.05 in 5 of 100 pairs; beside it what comes of squares
without gaps between them.

Run: ``python -m benchmarks.bench_differ [--pairs N]``
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentcore.analysis.exchange_units import (
    correlated_distance,
    dealt_units,
    squares_of_scan,
    usual_side,
)
from latentcore.analysis.two_samples import Features, LogRatio, TwoSamples, compare_distributions
from latentcore.containers import ScanGrid
from latentcore.progress import Progress

CASES = ((60, 1.5), (40, 1.0), (90, 3.0))
D, PERMUTATIONS = 4, 99


def main() -> None:
    """Print rates of p-values, and the time of one comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pairs", type=int, default=100, help="pairs per case (default: 100)")
    pairs = parser.parse_args().pairs
    for side, sigma in CASES:
        for gap in (None, 0.0):
            found = [compared(side, sigma, gap, seed) for seed in range(pairs)]
            auc = np.mean([one.auc_p <= 0.05 for one in found])
            mmd = np.mean([one.mmd_p <= 0.05 for one in found])
            how = "no gaps" if gap == 0 else "gaps by the data"
            print(f"{side} × {side}, σ {sigma}, {how}: p ≤ 0.05 of AUC {auc:.2f}, of MMD {mmd:.2f}")
    grid = square_grid(360)
    values = np.concatenate([field(360, 2.0, seed) for seed in (0, 1)])
    start = time.perf_counter()
    correlated_distance(values[: len(grid)], grid)
    rows = np.sort(np.random.default_rng(0).choice(len(values), 40_000, replace=False))
    squares = squares_of_scan(grid, 72, 8).of
    of = np.concatenate([squares, squares + 25])
    units = dealt_units(of, np.repeat([True, False], 25), 5, 0)
    features = Features(values[rows], 0)
    compare_distributions(features(values[rows]), D, units.take(rows), 499, 0, Progress())
    tested = time.perf_counter()
    LogRatio(features, values[rows], units.take(rows)).at(values, of, Progress())
    done = time.perf_counter()
    print(f"2 × {len(grid):,} points: test {tested - start:.1f} s, ratios {done - tested:.1f} s")


def compared(side: int, sigma: float, gap: float | None, seed: int) -> TwoSamples:
    """Test two scans of one kind."""
    grid = square_grid(side)
    scans = [field(side, sigma, 2 * seed + one) for one in (0, 1)]
    if gap is None:
        gap = max(correlated_distance(values, grid) for values in scans)
    squares = squares_of_scan(grid, usual_side([grid, grid], gap), gap)
    n = squares.shape[0] * squares.shape[1]
    of = np.concatenate([squares.of[squares.inner] + n * one for one in (0, 1)])
    values = np.concatenate([one[squares.inner] for one in scans])
    units = dealt_units(of, np.repeat([True, False], n), 5, seed)
    features = Features(values, seed)(values)
    return compare_distributions(features, D, units, PERMUTATIONS, seed, Progress())


def square_grid(side: int) -> ScanGrid:
    """Return a full grid."""
    y, x = (axis.ravel() for axis in np.mgrid[0:side, 0:side])
    return ScanGrid.from_coordinates(x, y)


def field(side: int, sigma: float, seed: int) -> NDArray[np.float32]:
    """Return latents that are alike over some points, (side², 4)."""
    rng = np.random.default_rng(seed)
    smooth = [ndimage.gaussian_filter(rng.normal(size=(side, side)), sigma) for _ in range(D)]
    return np.stack(smooth, axis=-1).reshape(-1, D).astype(np.float32)


if __name__ == "__main__":
    main()
