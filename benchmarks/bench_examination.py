"""What it costs that another process looks into each new HDF5 file, as a multiple of opening it.

    python -m benchmarks.bench_examination [--points N] [--rounds N]

A scan's latents (points × 32), its maps as Oxford's ``.h5oina``, and its patterns, of 16 × 16 in
gzipped chunks of one pattern each: opened by their readers with and without the look, in turn, each
time as a file that is new. Also how long the first look of all takes, in which the process starts.
The median of some rounds; read the ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np

from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, SampleSource, default_sample_ids
from latentcore.containers.grid import ScanGrid
from latentcore.hdf5 import door, open_hdf5
from latentcore.hdf5.examiners import version_of
from latentcore.readers import open_latents, open_maps, open_samples
from tests.factories.ebsd import write_oxford
from tests.factories.kikuchi import full_grid, write_kikuchi

COLUMNS, DIMENSIONS, SIDE = 462, 32, 16

Opens = Callable[[Path], object]


def files(folder: Path, points: int) -> dict[Path, Opens]:
    """Write the files; return by what each is opened."""
    coords = full_grid(COLUMNS, max(1, points // COLUMNS))
    n = len(coords)
    rng = np.random.default_rng(0)
    latents = LatentSet(
        values=rng.normal(size=(n, DIMENSIONS)).astype(np.float32),
        sample_ids=default_sample_ids(n),
        dims=np.arange(DIMENSIONS, dtype=np.int32),
        grid=ScanGrid.from_coordinates(coords[:, 0], coords[:, 1]),
    )
    scan, maps, patterns = folder / "scan_latents.h5", folder / "scan.h5oina", folder / "scan.h5"
    write_latents(scan, latents)
    write_oxford(maps, coords, values=rng.normal(size=n).astype(np.float32))
    images = rng.integers(0, 255, (n, 1, SIDE, SIDE), np.uint8)
    write_kikuchi(patterns, coords, images, chunk_rows=1, compression="gzip")
    return {scan: open_latents, maps: open_maps, patterns: open_samples}


def seconds(path: Path, opens: Opens) -> float:
    started = time.perf_counter()
    opened = opens(path)
    if isinstance(opened, SampleSource):
        opened.close()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--points", type=int, default=131_670)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = seconds(write_kikuchi(folder / "tiny.h5"), _opened_and_closed)
        print(f"the first look, in which the process starts: {first:.2f} s")
        for path, opens in files(folder, asked.points).items():
            taken: dict[str, list[float]] = {"without": [], "with": []}
            for turn in range(0, 2 * asked.rounds, 2):
                os.utime(path, (turn, turn))  # another version, of which nothing is known
                with mock.patch.object(door, "examine", version_of):
                    taken["without"].append(seconds(path, opens))
                os.utime(path, (turn + 1, turn + 1))
                taken["with"].append(seconds(path, opens))
            without, looked = map(statistics.median, taken.values())
            print(
                f"{path.name}: {looked * 1e3:.0f} ms with, {without * 1e3:.0f} ms without "
                f"the look; {looked / without:.2f} ×"
            )


def _opened_and_closed(path: Path) -> None:
    with open_hdf5(path):
        pass


if __name__ == "__main__":
    main()
