"""Virtual detectors from the pixel store against reading all patterns; other maps' throughput.

Run as ``python -m benchmarks.bench_pattern_maps [POINTS]``; 131,670 patterns of 60 × 60 by default.
The plain way reads the file of patterns block by block, as numpy would, and adds up the detector's
pixels. Both run in turns on a file that is in the system's cache: read the ratio, not the seconds.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from latentcore.analysis.patterns.computing import pattern_maps
from latentcore.analysis.patterns.detectors import Detector, Disk, Rectangle, pixel_mask
from latentcore.analysis.patterns.pixel_store import PixelStore, build_pixels
from latentcore.containers import SampleSource
from latentcore.progress import Progress
from latentcore.readers import open_samples
from latentcore.settings import settings

SIZE = 60
COLUMNS = 495
ROUNDS = 5
DETECTORS: dict[str, Detector] = {
    "8 × 8": Rectangle(20, 28, 30, 38),
    "30 × 30": Rectangle(10, 40, 20, 50),
    "disk of radius 20": Disk(30, 30, 20),
    "all pixels": Rectangle(0, SIZE, 0, SIZE),
}


def write(path: Path, n: int) -> None:
    """Write patterns of smooth bands and noise, contiguous as EDAX' and Oxford's are."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (n, 1, SIZE, SIZE), np.uint8)
        rows = np.arange(n)
        file["coords"] = np.column_stack([rows % COLUMNS, rows // COLUMNS]).astype(np.int32)
        for start in range(0, n, 2048):
            turn = rng.random((min(2048, n - start), 2, 1, 1)) * 0.4
            bands = 100 + 50 * np.sin(turn[:, 0] * x + turn[:, 1] * y)
            images[start : start + len(bands), 0] = bands + rng.normal(0, 20, bands.shape)


def plain(samples: SampleSource, mask: np.ndarray) -> np.ndarray:
    found = []
    for start in range(0, len(samples), 4096):
        block = samples.read(slice(start, start + 4096))[:, 0]
        found.append(block[:, mask].sum(axis=1, dtype=np.int64))
    return np.concatenate(found)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compared(store: PixelStore, samples: SampleSource, detector: Detector) -> dict[str, float]:
    """Return seconds and ratio of one detector, after checking that both ways agree."""
    spans = detector.spans((SIZE, SIZE))
    mask = pixel_mask(spans, (SIZE, SIZE))
    np.testing.assert_array_equal(store.sums(spans), plain(samples, mask))
    times = [
        (seconds(lambda: store.sums(spans)), seconds(lambda: plain(samples, mask)))
        for _ in range(ROUNDS)
    ]
    own, other = np.median(times, axis=0).tolist()
    return {
        "store (s)": round(own, 3),
        "plain (s)": round(other, 3),
        "ratio": round(other / own, 1),
    }


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 131_670
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LATENT_WORKSPACE"] = folder
        settings.cache_clear()
        write(Path(folder) / "scan.h5", n)
        samples = open_samples(str(Path(folder) / "scan.h5"))
        samples.fingerprint()
        report: dict[str, object] = {"patterns": f"{n} of {SIZE} × {SIZE}"}
        report["laying out the pixels, once (s)"] = round(
            seconds(lambda: build_pixels(samples, Progress())), 2
        )
        store = build_pixels(samples, Progress())
        for name, detector in DETECTORS.items():
            report[name] = compared(store, samples, detector)
        for name in ("adp", "image_quality", "pattern_mean"):
            took = seconds(partial(pattern_maps, samples, [name]))
            report[f"{name} (patterns/s)"] = round(n / took)
        samples.close()
    print(json.dumps(report, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
