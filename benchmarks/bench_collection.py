"""Measure a collection of 50 scans of 131,670 points × 32 latents: memory and time.

The scans (843 MB of latents, and a map of each) are made, seed and all the same each time, and
deleted afterwards. ``collect`` and the verbs over its result run in processes of their own; then
the collection is opened in Explore, in a headless Chromium. Of each process the largest resident
memory there was is told, beside the 3 GB that it may be.

Run: ``python -m benchmarks.bench_collection [VERB …] [--scans 50]``
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bench_explore import open_page
from benchmarks.bench_many_points import peak
from benchmarks.bench_many_points_verbs import measure_command
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from tests.browser_support import REPOSITORY, chromium, streamlit_server

ROWS, COLUMNS, DIMENSIONS = 330, 399, 32
TARGET_GB = 3.0
VERBS = {
    "search": ("--row", "5"),
    "cluster": ("--dims", "all", "--method", "kmeans", "--learn-from", "scan00"),
    "rank": ("--map", "{maps}:bandcontrast", "--across"),
    "project": ("--method", "pca"),
    "novelty": ("--reference", "{one}"),
}


def main() -> None:
    """Print the figures of each step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("verbs", nargs="*", metavar="VERB", help=f"of {', '.join(VERBS)}")
    parser.add_argument("--scans", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        data.mkdir()
        names = [f"scan{number:02}" for number in range(asked.scans)]
        for number, name in enumerate(names):
            write_scan(data / name, number)
        made = ["collect", *(str(data / f"{name}_latents.h5") for name in names)]
        made += [
            "--map",
            *(str(data / f"{name}.parquet") for name in names),
            "--out",
            f"{data}/all",
        ]
        print(f"collect  {measure_command(made)} (wanted {TARGET_GB:g} GB)", flush=True)
        latents, maps = (f"{data}/all/collection_{what}" for what in ("latents.h5", "maps.parquet"))
        for verb in asked.verbs or VERBS:
            words = [w.format(maps=maps, one=data / "scan00_latents.h5") for w in VERBS[verb]]
            out = ["--out", f"{folder}/{verb}"]
            print(f"{verb:8} {measure_command([verb, latents, *words, *out])}", flush=True)
        query = (
            "/?samples=&latents=folder:data/all/collection_latents.h5"
            "&maps=folder:data/all/collection_maps.parquet&embedding=pca&method=kmeans&dim=1"
        )
        env = {"LATENT_WORKSPACE": f"{folder}/workspace", "LATENT_DATA_ROOTS": str(data)}
        with streamlit_server(REPOSITORY / "app.py", env=env) as url, chromium() as browser:
            for when in ("first time", "again"):
                seconds = open_page(browser, url + query)[0]
                print(f"opened, {when}: {seconds:.1f} s, server {peak() / 1000:.2f} GB", flush=True)


def write_scan(stem: Path, number: int) -> None:
    """Write latents of one scan, and its band contrast and grains."""
    rng = np.random.default_rng(number)
    y, x = (axis.ravel() for axis in np.mgrid[0:ROWS, 0:COLUMNS])
    grain = (x // 40 + 3 * (y // 40)) % 7
    values = rng.standard_normal((len(x), DIMENSIONS), np.float32)
    values[:, :7] += 4 * np.eye(7, dtype=np.float32)[grain]
    grid, dims = ScanGrid.from_coordinates(x, y), np.arange(DIMENSIONS, dtype=np.int32)
    latents = LatentSet(values, default_sample_ids(len(x)), dims, grid)
    write_latents(stem.with_name(f"{stem.name}_latents.h5"), latents)
    contrast = (100 + 10 * grain + rng.normal(0, 10, len(x))).astype(np.float32)
    table = pd.DataFrame({"x": x, "y": y, "bandcontrast": contrast, "grain": grain})
    table.to_parquet(stem.with_suffix(".parquet"), index=False)


if __name__ == "__main__":
    main()
