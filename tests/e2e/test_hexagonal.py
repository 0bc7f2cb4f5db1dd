"""A hexagonal scan in a browser: its cells' pixels, brush, ROI and borders of domains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import binary_dilation

from tests.browser_support import REPOSITORY, streamlit_server
from tests.factories.hexagonal import hexagonal_points

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

OUTSIDE = 2  # as selection.js has it
PATIENCE = 300_000  # numba compiles what it has not on this machine yet
ROWS, COLUMNS, STEP = 21, 24, 0.5
DY = STEP * np.sqrt(3) / 2
PROBE = "[...window.__latentPanels][0]"
SETTLED = f"""() => {{
  const app = document.querySelector('[data-testid="stApp"]');
  return app?.dataset.testScriptState === 'notRunning' && !!window.__latentPanels?.size
    && {PROBE}.settled && {PROBE}.panels.has('map');
}}"""
PICTURE = f"""() => {{
  const {{ dataContext, raster }} = {PROBE}.panels.get('map');
  const {{ width, height }} = dataContext.canvas;
  const pixels = new Uint8Array(dataContext.getImageData(0, 0, width, height).data.buffer);
  return {{ width, height, pixels: pixels.toHex(), lines: raster.lines.toHex() }};
}}"""


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Rows of 24 and 23 points by turns, their centers in µm."""
    return hexagonal_points(ROWS, COLUMNS, STEP, shorter=True)


@pytest.fixture(scope="module")
def server(points: np.ndarray, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("measured")
    random = np.random.default_rng(2)
    seeds = random.random((6, 2)) * points.max(axis=0)
    grain = np.linalg.norm(points[:, None] - seeds, axis=2).argmin(axis=1)
    values = 6.0 * np.eye(6)[grain] + random.normal(0, 0.3, (len(points), 6))
    latents = {f"latent_{dim}": values[:, dim] for dim in range(6)}
    x, y = points.T.round(5)
    pd.DataFrame({"x": x, "y": y, **latents}).to_csv(folder / "steel_latents.csv", index=False)
    env = {
        "LATENT_WORKSPACE": str(tmp_path_factory.mktemp("workspace")),
        "LATENT_DATA_ROOTS": str(folder),
    }
    with streamlit_server(REPOSITORY / "app.py", env=env) as url:
        yield url, f"samples=&latents=folder:{folder.name}/steel_latents.csv&embedding=pca&dim=0"


def settle(page) -> None:
    page.wait_for_function(SETTLED, timeout=PATIENCE)


def cells_of_pixels(page, points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the point whose cell each pixel of the map lies in, or −1: bricks of half steps."""
    view = page.evaluate(f"{PROBE}.view('map')")
    x = view["x0"] + (np.arange(width) + 0.5) * (view["x1"] - view["x0"]) / width
    y = view["y0"] + (np.arange(height) + 0.5) * (view["y1"] - view["y0"]) / height
    row = np.floor(y / DY + 0.5).astype(int)[:, None]
    col = np.floor(x[None] / STEP - 0.5 * (row % 2) + 0.5).astype(int)
    number = np.full((ROWS, COLUMNS), -1)
    rows = np.rint(points[:, 1] / DY).astype(int)
    number[rows, np.floor(points[:, 0] / STEP).astype(int)] = np.arange(len(points))
    inside = (row >= 0) & (row < ROWS) & (col >= 0) & (col < COLUMNS)
    return np.where(inside, number[np.clip(row, 0, ROWS - 1), np.clip(col, 0, COLUMNS - 1)], -1)


def picture(page, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return colors, lines and cells of the map's pixels, each (height, width)."""
    settle(page)
    found = page.evaluate(PICTURE)
    shape = found["height"], found["width"]
    pixels = np.frombuffer(bytes.fromhex(found["pixels"]), "<u4").reshape(shape)
    lines = np.frombuffer(bytes.fromhex(found["lines"]), np.uint8) > 0
    cells = cells_of_pixels(page, points, shape[1], shape[0])
    return pixels, lines.reshape(shape) if lines.size else lines, cells


def drag(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw from one place of the map to another, in shares of its plot."""
    plot = page.evaluate(f"{PROBE}.plot('map')")
    places = [
        (plot["left"] + x * plot["width"], plot["top"] + y * plot["height"])
        for x, y in (start, end)
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()
    page.mouse.move(2, 2)


def test_cells_brush_and_roi_of_a_hexagonal_scan(page, server, points) -> None:
    url, scan = server
    page.goto(f"{url}/?{scan}")
    pixels, _, cells = picture(page, points)
    centers = [
        np.argwhere(cells == number).mean(axis=0).astype(int) for number in range(len(points))
    ]
    own = np.array([pixels[tuple(center)] for center in centers])
    assert len(np.unique(own)) > 60  # noise: neighbors differ
    wrong = (cells >= 0) & (pixels != own[cells])
    assert wrong.mean() < 1e-3  # at most where a pixel's center is the border
    assert len(np.unique(pixels[cells < 0])) == 1  # beside the rows that are shorter, and shifted

    # The box selects the points whose centers lie in it, here and on the server.
    drag(page, (0.23, 0.31), (0.71, 0.64))
    page.wait_for_function(f"{PROBE}.count('A') > 0")
    (x0, y0), (x1, y1) = page.evaluate(f"{PROBE}.state.selections.A[0].points")
    x, y = points.T
    wanted = np.flatnonzero((x >= x0) & (x < x1) & (y >= y0) & (y < y1))
    assert list(page.evaluate(f"[...{PROBE}.ids('A')]")) == wanted.tolist()
    page.get_by_text(f"A: {len(wanted)} points").first.wait_for(timeout=PATIENCE)

    # One step of the slider is half a cell: each second row loses a point.
    slider = page.get_by_role("slider").nth(0)
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    page.wait_for_function(f"{PROBE}.state.roi?.[0] === {3 * STEP / 2}", timeout=PATIENCE)
    settle(page)
    inside = x >= 3 * STEP / 2 - 1e-6
    assert inside.sum() == len(points) - (2 * 11 + 10)  # two of the even rows, one of the odd
    outside = page.evaluate(f"Array.from({PROBE}.selection.classes, (c) => c & {OUTSIDE})")
    np.testing.assert_array_equal(np.array(outside[: len(points)]) > 0, ~inside)


def test_borders_of_domains_run_along_hexagonal_cells(page, server, points) -> None:
    url, scan = server
    page.goto(f"{url}/domains?{scan}")
    _, lines, cells = picture(page, points)
    labels = np.array(page.evaluate(f"Array.from({PROBE}.explorer.points.arrays.get('domain'))"))
    assert len(np.unique(labels)) == 6
    label = np.where(cells >= 0, labels[cells], -9)
    known = cells >= 0
    borders = np.zeros_like(known)
    for axis in (0, 1):
        here, there = [slice(None)] * 2, [slice(None)] * 2
        here[axis], there[axis] = slice(1, None), slice(None, -1)
        a, b = tuple(here), tuple(there)
        borders[a] |= (label[a] != label[b]) & known[a] & known[b]
    near = np.ones((3, 3), bool)
    assert borders.any()
    assert not (borders & ~binary_dilation(lines, near)).any()
    assert not (lines & ~binary_dilation(borders, near)).any()
