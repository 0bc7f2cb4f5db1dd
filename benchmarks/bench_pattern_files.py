"""How files of patterns are opened and read, as multiples of one ``np.fromfile`` of as many bytes.

    python -m benchmarks.bench_pattern_files [patterns] [rounds]

Patterns of 60 × 60 in an ``.up1`` and, in random order, in an ``.ebsp``: opened, read in blocks as
the extraction does, and 5,000 of them in random order. The best of some rounds, in processor time;
read the ratio, not the milliseconds.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentcore.readers import open_samples

SIDE, COLUMNS, RANDOM = 60, 200, 5_000


def write_up(path: Path, images: NDArray[np.uint8]) -> None:
    head = struct.pack("<4I", 3, SIDE, SIDE, 42)
    grid = struct.pack("<BIIBdd", 0, COLUMNS, len(images) // COLUMNS, 0, 1.0, 1.0)
    path.write_bytes(head + grid + images.tobytes())


def write_ebsp(path: Path, images: NDArray[np.uint8], order: NDArray[np.int64]) -> None:
    fields = [("head", "<u4", 4), ("pixels", "u1", (SIDE, SIDE)), ("has_x", "u1"), ("x", "<f8"),
              ("has_y", "u1"), ("y", "<f8")]  # fmt: skip
    records = np.zeros(len(images), np.dtype(fields))
    records["head"], records["pixels"] = [0, SIDE, SIDE, SIDE * SIDE], images[order]
    records["has_x"] = records["has_y"] = 1
    records["y"], records["x"] = np.divmod(order, COLUMNS)
    offsets = np.empty(len(images), "<i8")
    offsets[order] = 8 + 8 * len(images) + records.dtype.itemsize * np.arange(len(images))
    path.write_bytes(struct.pack("<q", -2) + offsets.tobytes() + records.tobytes())


def best(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def opened(path: Path) -> None:
    open_samples(path).close()


def in_blocks(path: Path) -> None:
    with open_samples(path) as samples:
        for start in range(0, len(samples), samples.block_rows):
            samples.read(slice(start, start + samples.block_rows))


def at_random(path: Path, rows: NDArray[np.int64]) -> None:
    with open_samples(path) as samples:
        samples.read(rows)


def main() -> None:
    n, rounds = (int(one) for one in (sys.argv[1:] + ["20000", "5"][len(sys.argv) - 1 :]))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (n // COLUMNS * COLUMNS, SIDE, SIDE), np.uint8)
    rows = rng.integers(0, len(images), RANDOM)
    with tempfile.TemporaryDirectory() as folder:
        up, ebsp = Path(folder, "scan.up1"), Path(folder, "scan.ebsp")
        write_up(up, images)
        write_ebsp(ebsp, images, rng.permutation(len(images)))
        plain = best(lambda: np.fromfile(up, np.uint8), rounds)
        for path in (up, ebsp):
            report = {
                "open": best(partial(opened, path), rounds),
                "blocks": best(partial(in_blocks, path), rounds),
                f"{RANDOM} at random": best(partial(at_random, path, rows), rounds),
            }
            ratios = {f"{name}, × np.fromfile": round(one / plain, 2)
                      for name, one in report.items()}  # fmt: skip
            print(path.name, json.dumps(ratios, ensure_ascii=False))


if __name__ == "__main__":
    main()
