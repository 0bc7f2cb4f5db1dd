"""What averaging patterns with their neighbors (NLPAR) costs, beside its definition in NumPy.

A demo scan of 60 × 60 patterns with noise: the estimate of noise and λ, the averages, and both as a
share of the time that the formulas take when NumPy compares each pattern with its window at once,
on some of the points in the same run. Loops were compiled on a small scan before.

Run: ``python -m benchmarks.bench_nlpar [--side N] [--size PIXELS] [--reach R]``
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.grain_recovery import demo
from latentcore.analysis.denoising import Denoiser, estimate_noise
from latentcore.containers import ScanGrid
from latentcore.containers.neighborhoods import window

_BY_DEFINITION = 200


def denoiser(side: int, size: int, reach: int) -> tuple[Denoiser, NDArray[np.float32]]:
    images, coords, _ = demo(1, side, 25, size)
    patterns = images.reshape(len(images), 1, size, size)
    grid = ScanGrid.from_coordinates(coords[:, 0], coords[:, 1])
    read = patterns.__getitem__
    return Denoiser(read, grid, patterns.shape[1:], reach), patterns.astype(np.float32)


def by_definition(
    found: Denoiser, patterns: NDArray[np.float32], rows: NDArray[np.int64], lam: float
) -> NDArray[np.float32]:
    """Average some patterns, each with its window at once; the noise of all points is given."""
    size = patterns.shape[-1]
    y, x = (axis - (size - 1) / 2 for axis in np.ogrid[:size, :size])
    inside = (y**2 + x**2 <= (0.98 * size / 2) ** 2).ravel()
    flat = patterns.reshape(len(patterns), -1)
    result = np.empty((len(rows), flat.shape[1]), np.float32)
    for number, row in enumerate(rows):
        around = window(found.grid, found.reach, points=rows[number : number + 1])[0]
        around = around[around >= 0]
        here, others = flat[row, inside], flat[around][:, inside]
        counted = (here < found.saturation) & (others < found.saturation)
        n = counted.sum(axis=1)
        squares = np.where(counted, np.square(others - here), 0).sum(axis=1)
        both = found.variances(around) + found.variances(np.array([row]))
        apart = np.maximum((squares - n * both) / (both * np.sqrt(2 * n)), 0)
        weights = np.exp(-apart / lam**2)
        result[number] = weights @ flat[around] / weights.sum()
    return result.reshape(len(rows), *patterns.shape[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=60)
    parser.add_argument("--size", type=int, default=60)
    parser.add_argument("--reach", type=int, default=3)
    arguments = parser.parse_args()
    small, _ = denoiser(8, 16, arguments.reach)
    small.denoised(np.arange(64), estimate_noise(small, "medium").lam)
    found, patterns = denoiser(arguments.side, arguments.size, arguments.reach)
    n = len(patterns)
    started = time.process_time()
    estimate = estimate_noise(found, "medium")
    measured = time.process_time()
    averages = found.denoised(np.arange(n), estimate.lam)
    ended = time.process_time()
    print(f"{n:,} patterns of {arguments.size} × {arguments.size}, R = {arguments.reach}")
    print(f"noise and λ: {measured - started:.2f} s, averages: {ended - measured:.2f} s of CPU")
    some = np.sort(np.random.default_rng(0).permutation(n)[:_BY_DEFINITION])
    found.variances(np.arange(n))
    started = time.process_time()
    wanted = by_definition(found, patterns, some, estimate.lam)
    spent = (time.process_time() - started) * n / len(some)
    worst = float(np.abs(wanted - averages[some]).max())
    print(f"NumPy, by the definition: {spent:.2f} s; ratio {spent / (ended - measured):.1f}")
    print(f"largest difference of a pixel: {worst:.2g}")


if __name__ == "__main__":
    main()
