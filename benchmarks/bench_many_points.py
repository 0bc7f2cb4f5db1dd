"""Measure Explore over one scan of 5,000 × 4,000 points beside one of 263 × 500, in one run.

A file of 1.6 GB is made, seed and all the same each time, and deleted afterwards; a server of its
own shows both scans in a headless Chromium. "first drawing" is from the navigation to the drawn
panels: in a server that has just started, and still imports what it needs; in one that is up but
has not read the file; and again in a new tab. "brush" is a frame while a box is dragged in the map,
and from its release to the exact count; "zoom" from the last turn of the wheel to the points that
it brings, in the map and in the scatter. Of the browser the heap and the arrays of the page are
counted, of the server the largest resident memory there was.

Run: ``python -m benchmarks.bench_many_points [--rows 5000] [--columns 4000]``
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.free_memory import hold_free_memory
from tests.browser_support import REPOSITORY, chromium, streamlit_server

DIMENSIONS = 16
PATIENCE = 600_000
# A server has then imported all and compiles nothing anymore.
UP_S = 20
PROBE = "[...window.__latentPanels][0]"
COUNTED = """() => {
    const found = [...document.querySelectorAll('*')].map((one) => (
        one.shadowRoot?.querySelector('.lp-slot[data-slot=A] .lp-count')?.textContent));
    return found.some((text) => text && text.includes(' of ') && !text.includes('≈'));
}"""
IDLE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"


def main() -> None:
    """Print the figures of both scans."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--columns", type=int, default=4_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        write_scan(data / "few.h5", 263, 500)
        write_scan(data / "many.h5", asked.rows, asked.columns)
        env = {"LATENT_WORKSPACE": f"{folder}/workspace", "LATENT_DATA_ROOTS": str(data)}
        for name in ("few", "many"):
            query = f"/explore?samples=&maps=&latents=folder:data/{name}.h5&embedding=pca"
            hold_free_memory()
            with streamlit_server(REPOSITORY / "app.py", env=env) as url, chromium() as browser:
                told(name, "first drawing, just started", open_page(browser, url + query)[0], "s")
            with streamlit_server(REPOSITORY / "app.py", env=env) as url, chromium() as browser:
                time.sleep(UP_S)
                hold_free_memory()
                told(name, "first drawing, not read", open_page(browser, url + query)[0], "s")
                seconds, page = open_page(browser, url + query)
                told(name, "first drawing", seconds, "s")
                frames, exact = brush(page)
                told(name, "brush, median frame", statistics.median(frames), "ms")
                told(name, "brush, worst frame", max(frames), "ms")
                told(name, "brush, exact count", exact, "s")
                if name == "many":
                    told(name, "zoom, map", zoom(page, "map"), "s")
                    told(name, "zoom, scatter", zoom(page, "pca"), "s")
                told(name, "browser's heap and arrays", heap(page), "MB")
                told(name, "server's largest memory", peak(), "MB")


def write_scan(path: Path, rows: int, columns: int) -> None:
    """Write latents of a checkered scan in this program's layout, some rows at a time."""
    rng = np.random.default_rng(0)
    centers = rng.normal(0, 3, (7, DIMENSIONS)).astype(np.float32)
    n = rows * columns
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "latentcore-latents", "encoding-version": "1"})
        file.attrs.update({"step": (0.1, 0.1), "unit": "µm"})
        samples = file.create_dataset("samples", (n, DIMENSIONS), np.float32)
        coords = file.create_dataset("coords", (n, 2), np.float64)
        file["dims"] = np.arange(DIMENSIONS, dtype=np.int32)
        x = np.arange(columns)
        for y in range(rows):
            part = slice(y * columns, (y + 1) * columns)
            noise = rng.normal(size=(columns, DIMENSIONS)).astype(np.float32)
            samples[part] = centers[(x // 80 + 3 * (y // 80)) % len(centers)] + noise
            coords[part] = np.column_stack([x * 0.1, np.full(columns, y * 0.1)])


def open_page(browser: Any, url: str) -> tuple[float, Any]:
    """Return the seconds until the panels are drawn, and the page when it has come to rest."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url)
    drawn = f"window.__latentPanels?.size && {PROBE}.firstDrawing > 0"
    page.wait_for_function(drawn, timeout=PATIENCE)
    seconds = page.evaluate(f"{PROBE}.firstDrawing") / 1000
    page.wait_for_timeout(1_000)
    page.wait_for_function(IDLE, timeout=PATIENCE)
    return seconds, page


def brush(page: Any) -> tuple[list[float], float]:
    """Drag a box; return the milliseconds of each frame, and the seconds to the exact count."""
    place = page.evaluate(f"{PROBE}.plot('map')")
    left, top = place["left"], place["top"]
    page.mouse.move(left + 0.2 * place["width"], top + 0.2 * place["height"])
    page.mouse.down()
    page.mouse.move(left + 0.7 * place["width"], top + 0.6 * place["height"], steps=40)
    page.mouse.up()
    start = time.perf_counter()
    page.wait_for_function(COUNTED, timeout=PATIENCE)
    seconds = time.perf_counter() - start
    return page.evaluate(f"{PROBE}.frames.filter((f) => f.brushing).map((f) => f.work)"), seconds


def zoom(page: Any, panel: str) -> float:
    """Zoom into the middle of a panel; return the seconds until more points are drawn."""
    place = page.evaluate(f"{PROBE}.plot('{panel}')")
    before = page.evaluate(f"{PROBE}.data.arrays.x.url")
    page.mouse.move(place["left"] + place["width"] / 2, place["top"] + place["height"] / 2)
    page.keyboard.down("Control")
    for _ in range(15):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    start = time.perf_counter()
    more = f"{PROBE}.data.arrays.x.url !== '{before}' && {PROBE}.data.n > {PROBE}.data.sampled.even"
    page.wait_for_function(f"{more} && {PROBE}.settled", timeout=PATIENCE)
    return time.perf_counter() - start


def heap(page: Any) -> float:
    """Return the megabytes of the page's heap and of its arrays."""
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    found = client.send("Runtime.getHeapUsage")
    return float(found["usedSize"] + found.get("backingStorageSize", 0)) / 1e6


def peak() -> float:
    """Return the largest resident memory of the server that this process started."""
    own = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    started = [Path("/proc", child) for child in Path(own).read_text().split()]
    servers = [one for one in started if b"streamlit" in (one / "cmdline").read_bytes()]
    status = (servers[0] / "status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def told(name: str, figure: str, value: float, unit: str) -> None:
    """Print a figure of a scan."""
    print(f"{name:5} {figure:26} {value:10.2f} {unit}", flush=True)


if __name__ == "__main__":
    main()
