"""Measure ranking: the definitions written plainly against the exact algorithms, in one run.

512 dimensions × 4,712 points × 7 metrics, then a whole field of 131,670 points × 512 dimensions
in a process of its own, whose memory is measured. The plain way (scipy, scikit-learn, n × n
arrays of numpy) is timed on one dimension; all dimensions take that 512 times.

Run: ``python -m benchmarks.bench_ranking [--field] [--repeats N]``
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentcore.analysis.ranking import metric_names, rank
from tests.analysis.ranking.definitions import DEFINITIONS

POINTS, DIMENSIONS = (76, 62), 512
FIELD = (266, 495)
RATIO_TARGET, SECONDS_TARGET = 2_000, 2.0
FIELD_SECONDS_TARGET, FIELD_BYTES_TARGET = 150.0, 2e9


def main() -> None:
    """Print the figures beside their targets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--field", action="store_true", help="measure the whole field only")
    parser.add_argument("--repeats", type=int, default=5, help="runs, the best counts (default: 5)")
    given = parser.parse_args()
    if given.field:
        whole_field()
    else:
        against_the_definitions(given.repeats)


def against_the_definitions(repeats: int) -> None:
    """Compare with the plain way, metric by metric and all together."""
    scan = simulated(POINTS)
    latents, reference, x, y = scan
    rank(*scan)  # compiles, or loads what was compiled before
    for plain in DEFINITIONS.values():
        plain(latents[:100, 0].astype(float), reference[:100], x[:100], y[:100])
    print(f"{latents.shape[1]} dimensions × {latents.shape[0]} points; wall (processor) seconds")
    plain_total, differences = np.zeros(2), {}
    column = latents[:, 0].astype(float)
    together = timed(lambda: rank(*scan), repeats)
    scores = rank(*scan).scores
    for metric in metric_names():
        start = time.perf_counter(), time.process_time()
        wanted = DEFINITIONS[metric](column, reference, x, y)
        plain = np.subtract((time.perf_counter(), time.process_time()), start) * latents.shape[1]
        plain_total += plain
        differences[metric] = abs(scores[metric][0] / wanted - 1)
        alone = timed(partial(rank, *scan, metrics=[metric]), repeats)
        print(
            f"{metric:10} plain {plain[0]:8.1f} ({plain[1]:8.1f}), "
            f"here {alone[0]:6.3f} ({alone[1]:6.3f}), "
            f"relative difference {differences[metric]:.1e}"
        )
    ratio = plain_total / together
    print(
        f"{'all seven':10} plain {plain_total[0]:8.1f} ({plain_total[1]:8.1f}), "
        f"here {together[0]:6.3f} ({together[1]:6.3f}): {ratio[0]:,.0f} ({ratio[1]:,.0f}) times; "
        f"wanted {RATIO_TARGET:,} times, < {SECONDS_TARGET:g} s on two idle cores"
    )


def whole_field() -> None:
    """Rank a whole field."""
    scan = simulated(FIELD)
    rank(*(part[:100] for part in scan))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    wall, processor = timed(lambda: rank(*scan), 1)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{scan[0].shape[1]} dimensions × {scan[0].shape[0]} points: {wall:.1f} s "
        f"({processor:.1f} s processor; wanted < {FIELD_SECONDS_TARGET:g} s), "
        f"at most {most / 1e9:.2f} GB (wanted < {FIELD_BYTES_TARGET / 1e9:g} GB; "
        f"{before / 1e9:.2f} GB before ranking, the latents included)"
    )


def timed(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the smallest wall and processor seconds of some runs."""
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


def simulated(
    shape: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return latents, of which some follow the reference, reference, x and y."""
    random = np.random.default_rng(0)
    y, x = (axis.ravel().astype(float) for axis in np.mgrid[: shape[0], : shape[1]])
    reference = ndimage.gaussian_filter(random.normal(size=shape), 2).ravel() * 8
    latents = random.normal(size=(DIMENSIONS, len(x)), scale=2e-4).astype(np.float32)
    for dimension in range(0, DIMENSIONS, 4):
        share = np.float32(1.5e-4 * (1 - dimension / DIMENSIONS))
        latents[dimension] += share * reference.astype(np.float32)
    return np.ascontiguousarray(latents.T), reference, x, y


if __name__ == "__main__":
    main()
