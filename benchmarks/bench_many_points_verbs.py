"""Measure the verbs over one scan of 5,000 × 4,000 points beside one of 1,000 × 1,000, in one run.

Latents of eight dimensions and a map are made, seed and all the same each time, and deleted
afterwards. Each verb runs in a process of its own, with all defaults: seconds, and the largest
resident memory there was, of its children, too. One that takes too long or too much memory is
ended, and told so. With ``--before`` the same is measured of another checkout in turn.

Run: ``python -m benchmarks.bench_many_points_verbs [VERB …] [--before CHECKOUT]``
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import bench_many_points
from tests.browser_support import REPOSITORY

VERBS = {
    "search": ("--row", "5"),
    "rank": ("--map", "{map}:bandcontrast"),
    "cluster": ("--dim", "0", "--map", "{map}:bandcontrast", "--method", "gmm"),
    "agree": ("--reference", "{map}:grain"),
    "probe": ("--labels", "{map}:grain"),
    "domains": (),
    "project": ("--method", "pca"),
    "cluster all": ("--dims", "all", "--method", "gmm"),
    "project umap": ("--method", "umap"),
    "project into": ("--into", "{known}"),
}
SIZES = {"few": (1_000, 1_000), "many": (5_000, 4_000)}


def main() -> None:
    """Print the figures of each verb."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("verbs", nargs="*", metavar="VERB", help=f"of {', '.join(VERBS)}")
    parser.add_argument("--before", type=Path, help="folder of another checkout")
    parser.add_argument("--seconds", type=float, default=600.0, help="until a verb is ended")
    parser.add_argument("--memory", type=float, default=6.5, help="GB, above which it is ended")
    asked = parser.parse_args()
    sources = {"before": asked.before, "now": REPOSITORY}
    with tempfile.TemporaryDirectory() as folder:
        bench_many_points.DIMENSIONS = 8
        for name, (rows, columns) in SIZES.items():
            bench_many_points.write_scan(Path(folder, f"{name}.h5"), rows, columns)
            write_map(Path(folder, f"{name}.parquet"), rows, columns)
        if "project into" in (asked.verbs or VERBS):
            # An embedding of the smaller scan, which both are placed in.
            known = ["project", f"{folder}/few.h5", "--method", "umap", "--out", f"{folder}/known"]
            print(f"known        few           {measure_command(known)}", flush=True)
        for verb in asked.verbs or VERBS:
            for name in SIZES:
                for when, source in sources.items():
                    if source is not None:
                        told = measure(verb, Path(folder, name), source, asked)
                        print(f"{verb:12} {name:5} {when:7} {told}", flush=True)


def write_map(path: Path, rows: int, columns: int) -> None:
    """Write band contrast and grain of the checkered scan, some rows at a time."""
    rng, x, writer = np.random.default_rng(0), np.arange(columns), None
    for y in range(0, rows, 100):
        xs, ys = np.tile(x, 100), np.repeat(np.arange(y, y + 100), columns)
        grain = (xs // 80 + 3 * (ys // 80)) % 7
        contrast = (100 + 10 * grain + rng.normal(0, 10, len(xs))).astype(np.float32)
        table = pa.table({"x": xs * 0.1, "y": ys * 0.1, "bandcontrast": contrast, "grain": grain})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def measure(verb: str, stem: Path, source: Path, asked: argparse.Namespace) -> str:
    """Run a verb over a scan; return what it took."""
    places = {"map": f"{stem}.parquet", "known": str(stem.with_name("known"))}
    more = [word.format(**places) for word in VERBS[verb]]
    with tempfile.TemporaryDirectory(dir=stem.parent) as out:
        words = [verb.split()[0], f"{stem}.h5", *more, "--out", f"{out}/run"]
        return measure_command(words, source, asked.seconds, asked.memory)


def measure_command(
    words: list[str], source: Path = REPOSITORY, seconds: float = 600.0, memory: float = 6.5
) -> str:
    """Run a command in a process of its own; return what it took."""
    command = [sys.executable, "-m", "latentcore", *words, "--quiet"]
    started, most, ended = time.perf_counter(), 0.0, ""
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(command, cwd=source, stdout=errors, stderr=errors)
        while child.poll() is None:
            most = max(most, resident(child.pid))
            late = time.perf_counter() - started > seconds
            if late or most > memory:
                ended = ", ended: too long" if late else ", ended: too much memory"
                child.kill()
                child.wait()
            time.sleep(0.05)
        took = time.perf_counter() - started
        errors.seek(0)
        refused = errors.read().strip()[-200:] if child.returncode and not ended else ""
    return f"{took:7.1f} s {most:6.2f} GB{ended}{refused and f', refused: {refused}'}"


def resident(process: int) -> float:
    """Return the largest resident memory of a process and its children so far, in GB.

    That is 0 of one that has ended; each one's largest counts, though it may be of another moment.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
        threads = Path(f"/proc/{process}/task").glob("*/children")
        children = [child for thread in threads for child in thread.read_text().split()]
    except OSError:
        return 0.0
    own = int(status.partition("VmHWM:")[2].split()[0]) / 1e6 if "VmHWM:" in status else 0.0
    return own + sum(resident(int(child)) for child in children)


if __name__ == "__main__":
    main()
