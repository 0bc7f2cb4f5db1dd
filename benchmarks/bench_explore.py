"""Measure the Explore page itself: opening it, and the ROI slider, over 131,500 points.

A server of its own with synthetic latents and band contrast on 263 × 500 points, the real page in
a headless Chromium. "opened" is from the navigation to the first drawing of the panels: by a server
that is up but has read nothing; by one that has just started and still imports what it needs, in a
workspace without a demo scan; then by new browsers, of files that it has read; and in new tabs of
one browser, which keeps the program's own files.
"slider" is from the key press on the ROI slider, through the rerun of the page, to the first frame
that shows the new ROI.

Run: ``python -m benchmarks.bench_explore [--steps N]``
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bench_many_points import UP_S
from benchmarks.free_memory import hold_free_memory
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from tests.browser_support import REPOSITORY, chromium, streamlit_server

ROWS, COLUMNS = 263, 500
COLD_TARGET_S, CACHED_TARGET_S, SLIDER_TARGET_MS = 3.0, 1.5, 150
PATIENCE = 120_000
IDLE = """() => [...window.__latentPanels][0].settled
    && document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"""
PROBE = "[...window.__latentPanels][0]"
QUERY = (
    "/?samples=&latents=folder:data/scan_latents.h5&maps=folder:data/bandcontrast.csv"
    "&embedding=pca&method=kmeans&dim=1"
)
WATCH = f"""() => {{
    const roi = () => JSON.stringify({PROBE}.explorer.brushing.roi);
    const before = roi();
    const start = performance.now();
    window.__redrawn = null;
    const look = () => requestAnimationFrame(() => {{
        if (roi() === before || {PROBE}.explorer.drawing.frame) look();
        else requestAnimationFrame(() => {{ window.__redrawn = performance.now() - start; }});
    }});
    look();
}}"""


def main() -> None:
    """Print the figures beside their targets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=10, help="slider steps (default: 10)")
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        write_scan(data)
        env = {"LATENT_WORKSPACE": f"{folder}/workspace", "LATENT_DATA_ROOTS": str(data)}
        with streamlit_server(REPOSITORY / "app.py", env=env) as url, chromium() as browser:
            time.sleep(UP_S)
            hold_free_memory()
            cold = [open_page(browser, url + QUERY)[0]]
        env["LATENT_WORKSPACE"] += "-new"
        hold_free_memory()
        with streamlit_server(REPOSITORY / "app.py", env=env) as url, chromium() as browser:
            opened = [open_page(browser, url + QUERY)[0] for _ in range(4)]
            context = browser.new_context()
            again = [open_page(context, url + QUERY)[0] for _ in range(7)]
            _, page = open_page(context, url + QUERY, keep=True)
            slider = [move_slider(page) for _ in range(steps)]
    told("opened, nothing read", cold, "s", COLD_TARGET_S)
    told("opened, just started", opened[:1], "s", COLD_TARGET_S)
    told("opened, new browser", opened[1:], "s", None)
    told("opened, all cached", again[2:], "s", CACHED_TARGET_S)
    told("slider to redrawn", slider, "ms", SLIDER_TARGET_MS)


def write_scan(folder: Path) -> None:
    """Write latents of 8 dimensions and a band contrast that follows the first."""
    random = np.random.default_rng(0)
    y, x = (axis.ravel() for axis in np.mgrid[0:ROWS, 0:COLUMNS])
    latents = random.normal(size=(len(x), 8)).astype(np.float32)
    latents[:, 0] += np.sin(x / 40) * 2
    grid = ScanGrid.from_coordinates(x, y)
    dims = np.arange(8, dtype=np.int32)
    write_latents(
        folder / "scan_latents.h5", LatentSet(latents, default_sample_ids(len(x)), dims, grid)
    )
    contrast = np.clip(120 + 30 * latents[:, 0] + random.normal(size=len(x)) * 9, 0, 255)
    table = pd.DataFrame({"x": x, "y": y, "bandcontrast": contrast.astype(int)})
    table.to_csv(folder / "bandcontrast.csv", index=False)


def open_page(browser: Any, url: str, *, keep: bool = False) -> tuple[float, Any]:
    """Return the seconds until the panels are drawn, and the page if it is to stay open."""
    page = browser.new_page()
    page.set_viewport_size({"width": 1480, "height": 1060})
    page.goto(url)
    page.wait_for_function(
        f"window.__latentPanels?.size && {PROBE}.firstDrawing > 0", timeout=PATIENCE
    )
    seconds = page.evaluate(f"{PROBE}.firstDrawing") / 1000
    page.wait_for_timeout(6_000)
    if not keep:
        page.close()
    return seconds, page


def move_slider(page: Any) -> float:
    """Return the milliseconds from a key press on the ROI slider to the new ROI on the screen."""
    page.get_by_role("slider").first.focus()
    page.evaluate(WATCH)
    page.keyboard.press("ArrowRight")
    page.wait_for_function("window.__redrawn", timeout=PATIENCE)
    page.wait_for_function(IDLE, timeout=PATIENCE)
    return float(page.evaluate("window.__redrawn"))


def told(name: str, values: list[float], unit: str, target: float | None) -> None:
    """Print median and worst of a figure."""
    wanted = "" if target is None else f" (wanted {target:g} {unit})"
    print(
        f"{name:20} median {statistics.median(values):8.2f} {unit}, "
        f"worst {max(values):8.2f} {unit}{wanted}"
    )


if __name__ == "__main__":
    main()
