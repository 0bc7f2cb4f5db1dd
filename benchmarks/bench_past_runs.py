"""Measure what past runs in the workspace cost each rerun of the Explore page.

A workspace with as many run folders as wanted, all extracted from the scan in view, and a job
that tells of each; the page is run again and again without a browser, in turn with and without
the past runs, and in turn by this checkout and by others, whose folders are given. Read the
differences and ratios, not the milliseconds (of processor time).

Run: ``python -m benchmarks.bench_past_runs [--runs N] [--rounds N] [CHECKOUT]…``
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
SIDE = 24
RERUNS = 12
QUERY = {
    "samples": "folder:data/scan.h5",
    "latents": "folder:data/scan_latents.h5",
    "maps": "folder:data/bandcontrast.csv",
    "embedding": "pca",
}


def main() -> None:
    """Print the figures of each checkout."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("checkout", nargs="*", type=Path, help="other checkouts to compare with")
    parser.add_argument("--runs", type=int, default=200, help="past runs (default: 200)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default: 3)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure is not None:
        print(json.dumps(reruns(asked.measure)))
        return
    checkouts = [*(folder.resolve() for folder in asked.checkout), HERE]
    with tempfile.TemporaryDirectory() as folder:
        workspaces = {number: Path(folder) / f"with-{number}" for number in (0, asked.runs)}
        for number, workspace in workspaces.items():
            fill(workspace, number)
        found: dict[tuple[Path, int], list[float]] = {}
        for _ in range(asked.rounds):
            for checkout in checkouts:
                for number, workspace in workspaces.items():
                    found.setdefault((checkout, number), []).extend(measured(checkout, workspace))
    report(checkouts, asked.runs, found)


def report(checkouts: list[Path], runs: int, found: dict[tuple[Path, int], list[float]]) -> None:
    """Print medians, and what the past runs add."""
    first = None
    for checkout in checkouts:
        without, with_runs = (statistics.median(found[checkout, n]) for n in (0, runs))
        added = with_runs - without
        first = with_runs if first is None else first
        print(
            f"{checkout.name:16} rerun without past runs {without * 1000:7.1f} ms, with {runs} "
            f"{with_runs * 1000:7.1f} ms: {added * 1000:+7.1f} ms; "
            f"{with_runs / first:.2f} of the first checkout's"
        )


def measured(checkout: Path, workspace: Path) -> list[float]:
    """Return the seconds of each rerun in a process of its own."""
    env = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "LATENT_WORKSPACE": str(workspace / "workspace"),
        "LATENT_DATA_ROOTS": str(workspace / "data"),
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "--measure", str(checkout)],
        cwd=checkout, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def reruns(checkout: Path) -> list[float]:
    """Open the page, and run it again a few times."""
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.testing.v1 import AppTest

    init = PagesManager.__init__

    def without_pages_directory(self: PagesManager, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        PagesManager.uses_pages_directory = False  # AppTest forgets that app.py says so

    PagesManager.__init__ = without_pages_directory  # type: ignore[method-assign]
    known = ("pages/tasks/explore/explore.py", "pages/explore.py")
    page = next(name for name in known if (checkout / name).is_file())
    app = AppTest.from_file(str(checkout / "app.py"), default_timeout=300)
    app.query_params.update(QUERY)
    app = app.switch_page(page).run().run()
    seconds = []
    for _ in range(RERUNS):
        # Processor time: the wall's depends on what else the machine does.
        started = time.process_time()
        app.run()
        seconds.append(time.process_time() - started)
    assert not app.exception, app.exception
    return seconds


def fill(folder: Path, runs: int) -> None:
    """Write a small scan with latents, and past runs with their jobs."""
    import numpy as np
    import pandas as pd

    from latentcore.artifacts.latents_hdf5 import write_latents
    from latentcore.artifacts.scan_hdf5 import write_scan
    from latentcore.containers import LatentSet, ScanGrid, default_sample_ids

    data = folder / "data"
    data.mkdir(parents=True)
    random = np.random.default_rng(0)
    y, x = (axis.ravel() for axis in np.mgrid[0:SIDE, 0:SIDE])
    images = random.random((len(x), 1, 16, 16), dtype=np.float32)
    write_scan(data / "scan.h5", images, np.column_stack([x, y]).astype(np.int32))
    latents = LatentSet(
        random.normal(size=(len(x), 4)).astype(np.float32),
        default_sample_ids(len(x)),
        np.arange(4, dtype=np.int32),
        ScanGrid.from_coordinates(x, y),
    )
    write_latents(data / "scan_latents.h5", latents)
    contrast = {"x": x, "y": y, "bandcontrast": random.integers(0, 255, len(x))}
    pd.DataFrame(contrast).to_csv(data / "bandcontrast.csv", index=False)
    for number in range(runs):
        write_run(folder / "workspace", data, number)


def write_run(workspace: Path, data: Path, number: int) -> None:
    """Write the records of one extraction and of its job; latents alone of the files."""
    job = f"{number:012x}"
    out = workspace / "runs" / f"extract-{job}"
    out.mkdir(parents=True)
    (out / "scan_latents.h5").write_bytes((data / "scan_latents.h5").read_bytes())
    names = ["scan_latents.h5", "model.json", *(f"latent_maps/{dim}.csv" for dim in range(32))]
    record = {
        "run_id": job,
        "verb": "extract",
        "created": "2026-01-01T00:00:00+00:00",
        "request": {"location": [str(data / "scan.h5")], "checkpoint": "pca:4"},
        "inputs": [
            {"location": str(data / "scan.h5"), "reader": "kikuchi-hdf5",
             "fingerprint": "blake2b:1", "role": "samples"},
        ],
        "parents": [],
        "seed": 0,
        "versions": {},
        "summary": {"n": SIDE * SIDE, "encoder": "pca"},
        "files": {name: {"sha256": "0" * 64, "bytes": 1000} for name in names},
    }  # fmt: skip
    (out / "run.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
    folder = workspace / "jobs" / job
    folder.mkdir(parents=True)
    told = {
        "id": job, "verb": "extract", "request": record["request"], "out": str(out),
        "title": f"run {number}", "state": "finished", "created": 1e9 + number,
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
