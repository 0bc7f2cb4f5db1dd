"""Measure a first UMAP in a fresh process, and what landmarks cost in quality.

umap-learn as it comes, and as the program runs it, each in a process of its own: with no compiled
code on disk but what importing pynndescent leaves, and again with what the first has left.
"seconds" are from the call, with the engine's imports; "processor" is the processor's time, which
hangs less on what else the machine does.

Run: ``python -m benchmarks.bench_umap [--rows N] [--dims D] [--landmarks N]``
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.embedding_quality import neighbour_preservation, trustworthiness
from latentcore.analysis.umap_embedding import umap
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids

SIDES = (64, 80)


def main() -> None:
    """Print seconds and scores of each way."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=SIDES[0] * SIDES[1])
    parser.add_argument("--dims", type=int, default=16)
    parser.add_argument("--landmarks", type=int, default=0, help="default: a fifth of the rows")
    parser.add_argument("--way", choices=("plain", "own", "landmarks"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    landmarks = asked.landmarks or asked.rows // 5
    if asked.way:
        embed(asked.way, made(asked.rows, asked.dims), landmarks)
        return
    for way in ("plain", "own", "landmarks"):
        with tempfile.TemporaryDirectory() as cache:
            subprocess.run(
                [sys.executable, "-c", "import pynndescent"],
                env={**os.environ, "NUMBA_CACHE_DIR": cache},
                check=True,
            )
            for times in ("nothing compiled", "code on disk"):
                arguments = [f"--rows={asked.rows}", f"--dims={asked.dims}", f"--way={way}"]
                print(f"{way:10} {times:17}", end=" ", flush=True)
                subprocess.run(
                    [sys.executable, "-m", "benchmarks.bench_umap", *arguments,
                     f"--landmarks={landmarks}"],
                    env={**os.environ, "NUMBA_CACHE_DIR": cache},
                    check=True,
                )  # fmt: skip


def made(n: int, d: int) -> LatentSet:
    """Return latents of grains: thirty groups, in patches over a scan."""
    rng = np.random.default_rng(0)
    columns = int(np.ceil(np.sqrt(n)))
    y, x = np.divmod(np.arange(n), columns)
    seeds = rng.uniform(0, columns, (30, 2))
    grain = np.argmin([(x - a) ** 2 + (y - b) ** 2 for a, b in seeds], axis=0)
    values = rng.normal(size=(30, d))[grain] * 3 + rng.normal(size=(n, d))
    return LatentSet(
        values.astype(np.float32), default_sample_ids(n), np.arange(d, dtype=np.int32),
        ScanGrid.from_coordinates(x, y),
    )  # fmt: skip


def embed(way: str, latents: LatentSet, landmarks: int) -> None:
    """Embed once and print what it took and how good it is."""
    start, busy = time.perf_counter(), time.process_time()
    values = latents.values
    if way == "plain":
        import umap as library

        coordinates: NDArray[np.floating] = library.UMAP(random_state=0, n_jobs=1).fit_transform(
            values
        )
    else:
        coordinates = umap(latents, fit_on=landmarks if way == "landmarks" else None).coordinates
    seconds, processor = time.perf_counter() - start, time.process_time() - busy
    trust = trustworthiness(values, coordinates)["value"]
    kept = neighbour_preservation(values, coordinates)["value"]
    print(
        f"{seconds:7.1f} seconds {processor:7.1f} processor   trustworthiness {trust:.4f}, "
        f"neighbors kept {kept:.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
